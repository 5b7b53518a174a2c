// Draws the records of a folium map: layers, a track, points, vehicles. Popups are built from text nodes
// only; nothing a person typed is ever parsed as HTML or code.
(function () {
  "use strict";

  var STYLE = {
    control_line: { color: "#b45309", weight: 2, dashArray: "10 6", fillColor: "#f59e0b", fillOpacity: 0.07 },
    boundary: { color: "#9f1239", weight: 2.5, fillColor: "#ffffff", fillOpacity: 0.55 },
    closed: { color: "#64748b", weight: 1, dashArray: "2 5", fill: false },
    lot: { color: "#334155", weight: 1.5, fillColor: "#cbd5e1", fillOpacity: 0.7 },
    class_zone: { color: "#64748b", weight: 0.8, fillColor: "#e2e8f0", fillOpacity: 0.8 },
    gate_queue: { color: "#64748b", weight: 1, fillColor: "#e2e8f0", fillOpacity: 0.7 },
    route: { color: "#2563eb", weight: 3, opacity: 0.38, fill: false },
    gate: { color: "#0f766e", weight: 2, fillColor: "#14b8a6", fillOpacity: 0.85 },
    dock: { color: "#6d28d9", weight: 1.5, fillColor: "#a78bfa", fillOpacity: 0.8 },
    bay: { color: "#475569", weight: 0.8, fillColor: "#ffffff", fillOpacity: 0.95 },
    stretch: { color: "#db2777", weight: 8, opacity: 0.55, fill: false },
    was: { color: "#475569", weight: 3, dashArray: "4 5", fill: false },
    will: { color: "#dc2626", weight: 4, opacity: 0.9, fillColor: "#dc2626", fillOpacity: 0.06 },
    broken: { color: "#7c2d12", weight: 2, dashArray: "1 5", fill: false },
    mended: { color: "#15803d", weight: 2, fillColor: "#22c55e", fillOpacity: 0.35 },
    camera: { color: "#0f172a", weight: 1, fillColor: "#0f172a", fillOpacity: 0.9 }
  };
  var TONES = { stop: "#b91c1c", wait: "#b45309", good: "#15803d", calm: "#1d4ed8", off: "#64748b" };
  var TRACK = "#0f172a";

  function popup(title, lines) {
    var box = document.createElement("div");
    var head = document.createElement("strong");
    head.textContent = title;
    box.appendChild(head);
    (lines || []).forEach(function (line) {
      var row = document.createElement("div");
      row.textContent = line;
      box.appendChild(row);
    });
    return box;
  }

  function style(layer) {
    var base = Object.assign({}, STYLE[layer.kind] || STYLE.closed);
    if (layer.tone && TONES[layer.tone]) {
      base.color = TONES[layer.tone];
      base.fillColor = TONES[layer.tone];
      base.fillOpacity = 0.55;
    }
    if (layer.emphasis) {
      base.color = "#dc2626";
      base.weight = 5;
      base.opacity = 0.9;
    }
    return base;
  }

  function drawLayer(map, layer) {
    L.geoJSON(layer.geometry, {
      style: style(layer),
      pointToLayer: function (_, at) {
        return L.circleMarker(at, Object.assign({ radius: 3 }, style(layer)));
      }
    }).bindPopup(popup(layer.name, [layer.code])).addTo(map);
  }

  function arrow(a, b) {
    var angle = Math.atan2(b[1] - a[1], (b[2] - a[2]) / Math.cos((a[2] * Math.PI) / 180)) * 180 / Math.PI;
    return angle;
  }

  function drawTrack(map, track) {
    if (!track.length) { return null; }
    var line = track.map(function (p) { return [p[2], p[1]]; });
    L.polyline(line, { color: "#ffffff", weight: 6, opacity: 0.9, interactive: false }).addTo(map);
    L.polyline(line, { color: TRACK, weight: 2.5, interactive: false }).addTo(map);
    var every = Math.max(1, Math.floor(track.length / 400));
    track.forEach(function (p, i) {
      if (i % every && i !== track.length - 1) { return; }
      L.circleMarker([p[2], p[1]], { radius: 3.5, color: "#fff", weight: 1, fillColor: TRACK, fillOpacity: 1 })
        .bindPopup(popup(p[4], [p[3] === null ? "" : p[3] + " km/h"])).addTo(map);
    });
    arrows(map, track);
    return L.circleMarker(line[0], { radius: 9, color: "#fff", weight: 3, fillColor: "#1d4ed8", fillOpacity: 1 });
  }

  function arrows(map, track) {
    var step = Math.max(1, Math.floor(track.length / 12));
    for (var i = step; i < track.length; i += step) {
      if (track[i][1] === track[i - 1][1] && track[i][2] === track[i - 1][2]) { continue; }
      L.marker([track[i][2], track[i][1]], { icon: triangle(arrow(track[i - 1], track[i]), TRACK, 16),
        interactive: false, keyboard: false }).addTo(map);
    }
  }

  function triangle(degrees, colour, size) {
    var canvas = document.createElement("canvas");
    canvas.width = canvas.height = size * 2;
    var pen = canvas.getContext("2d");
    pen.translate(size, size);
    pen.rotate((degrees * Math.PI) / 180);
    pen.beginPath();
    pen.moveTo(0, -size * 0.8);
    pen.lineTo(size * 0.6, size * 0.7);
    pen.lineTo(0, size * 0.35);
    pen.lineTo(-size * 0.6, size * 0.7);
    pen.closePath();
    pen.fillStyle = colour;
    pen.strokeStyle = "#fff";
    pen.lineWidth = 3;
    pen.stroke();
    pen.fill();
    return L.icon({ iconUrl: canvas.toDataURL(), iconSize: [size, size], iconAnchor: [size / 2, size / 2] });
  }

  function drawPoint(map, point) {
    var colour = TONES[point.tone] || TONES.stop;
    L.circleMarker([point.lat, point.lon], { radius: 16, color: colour, weight: 2, fillColor: colour, fillOpacity: 0.18,
      interactive: false }).addTo(map);
    L.circleMarker([point.lat, point.lon], { radius: 7, color: "#fff", weight: 2.5, fillColor: colour, fillOpacity: 1 })
      .bindPopup(popup(point.title, point.lines)).addTo(map);
  }

  function Fleet(map) {
    this.map = map;
    this.known = {};
  }
  Fleet.prototype.put = function (vehicle) {
    var before = this.known[vehicle.id];
    var seen = Object.assign({}, before ? before.seen : {}, vehicle);
    var icon = triangle(seen.heading || 0, TONES[seen.tone] || TONES.calm, 22);
    var at = [seen.lat, seen.lon];
    var marker = before ? before.marker.setLatLng(at).setIcon(icon)
      : L.marker(at, { icon: icon, title: seen.plate, alt: seen.plate }).addTo(this.map);
    marker.unbindPopup().bindPopup(popup(seen.plate, seen.lines));
    var text = document.createElement("span");
    text.textContent = seen.plate;
    if (!marker.getTooltip()) {
      marker.bindTooltip(text, { permanent: true, direction: "right", offset: [10, 0], className: "plate-tag" });
    }
    this.known[vehicle.id] = { marker: marker, seen: seen };
  };

  function legend(map, words) {
    if (!Object.keys(words).length) { return; }
    var control = L.control({ position: "bottomright" });
    control.onAdd = function () {
      var box = L.DomUtil.create("div", "map-legend");
      Object.keys(words).forEach(function (kind) {
        var row = L.DomUtil.create("div", "map-legend-row", box);
        var swatch = L.DomUtil.create("span", "map-swatch map-swatch-" + kind, row);
        swatch.setAttribute("aria-hidden", "true");
        row.appendChild(document.createTextNode(words[kind]));
      });
      return box;
    };
    control.addTo(map);
  }

  function draw(map, block) {
    var data = JSON.parse(block.textContent);
    var box = map.getContainer();
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", data.label || "");
    L.control.scale({ imperial: false }).addTo(map);
    data.layers.forEach(function (layer) { drawLayer(map, layer); });
    var marker = drawTrack(map, data.track);
    data.points.forEach(function (point) { drawPoint(map, point); });
    var fleet = new Fleet(map);
    data.vehicles.forEach(function (vehicle) { fleet.put(vehicle); });
    legend(map, data.legend);
    map.fitBounds(data.bounds, { animate: false });  // while a zoom is animated, the buttons are deaf
    box.hazpark = {
      map: map,
      track: data.track,
      put: function (vehicle) { fleet.put(vehicle); },
      setTrack: function (track) { data.track = this.track = track; marker = drawTrack(map, track); },
      seek: function (n) {
        if (!marker || !data.track[n]) { return; }
        marker.setLatLng([data.track[n][2], data.track[n][1]]).addTo(map).bringToFront();
      }
    };
    box.dispatchEvent(new CustomEvent("hazpark:map", { bubbles: true }));
  }

  window.hazparkMap = { draw: draw };
})();
