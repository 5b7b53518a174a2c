// The live map: positions move on "fix" events; the list below follows. Everything is read again when
// something may have been missed.
"use strict";
(function () {
  function two(n) { return (n < 10 ? "0" : "") + n; }

  function beijing(text) {
    var d = new Date(new Date(text).getTime() + 8 * 3600000);
    if (isNaN(d)) { return ""; }
    return d.getUTCFullYear() + "-" + two(d.getUTCMonth() + 1) + "-" + two(d.getUTCDate()) + " " +
      two(d.getUTCHours()) + ":" + two(d.getUTCMinutes()) + ":" + two(d.getUTCSeconds());
  }

  function map() {
    var box = document.querySelector("#park-map .folium-map");
    return box && box.hazpark;
  }

  function cell(id, name, text) {
    var found = document.querySelector('tr[data-vehicle="' + Number(id) + '"] .' + name + " span");
    if (found) { found.textContent = text; }
  }

  var known = {};   // id → lines as the server said them
  var strangers = 0;

  function moved(fix) {
    var lines = known[fix.vehicle_id];
    if (!map() || typeof fix.lon !== "number" || typeof fix.lat !== "number") { return; }
    var time = beijing(fix.time);
    if (!lines) { strangers += 1; }
    map().put({
      id: fix.vehicle_id, plate: fix.plate, lon: fix.lon, lat: fix.lat, heading: fix.heading,
      tone: lines && lines.here ? "calm" : "wait",
      lines: (lines ? lines.slice(0, 2) : []).concat([time])
    });
    cell(fix.vehicle_id, "cell-time", time);
    cell(fix.vehicle_id, "cell-speed", typeof fix.speed_kmh === "number" ? Math.round(fix.speed_kmh) + " km/h" : "—");
    cell(fix.vehicle_id, "cell-place", fix.lon.toFixed(5) + ", " + fix.lat.toFixed(5));
  }

  function readAgain() {
    var frame = document.getElementById("park-map");
    if (!frame || !map()) { return; }
    fetch(frame.dataset.refresh, { credentials: "same-origin", headers: { Accept: "application/json" } })
      .then(function (answer) { if (!answer.ok) { throw new Error(String(answer.status)); } return answer.json(); })
      .then(function (found) {
        strangers = 0;
        found.vehicles.forEach(function (vehicle) {
          known[vehicle.id] = vehicle.lines;
          known[vehicle.id].here = vehicle.tone === "calm" || vehicle.tone === "stop";
          map().put(vehicle);
          cell(vehicle.id, "cell-time", vehicle.lines[2]);
        });
      })
      .catch(function () { document.getElementById("offline").hidden = false; });
  }

  document.addEventListener("DOMContentLoaded", function () {
    document.body.addEventListener("hazpark:fix", function (event) {
      event.detail.forEach(moved);
      if (strangers) { readAgain(); }
    });
    ["hazpark:visit", "hazpark:refresh"].forEach(function (kind) { document.body.addEventListener(kind, readAgain); });
    window.setInterval(readAgain, 60000);   // who fell silent changes its colour without any event
    readAgain();
  });
})();
