// Replays a track in its true time, times a factor.
"use strict";
(function () {
  function two(n) { return (n < 10 ? "0" : "") + n; }

  function beijing(seconds) {
    var d = new Date((seconds + 8 * 3600) * 1000);
    return d.getUTCFullYear() + "-" + two(d.getUTCMonth() + 1) + "-" + two(d.getUTCDate()) + " " +
      two(d.getUTCHours()) + ":" + two(d.getUTCMinutes()) + ":" + two(d.getUTCSeconds());
  }

  function sums(differences) {
    var total = 0;
    return differences.map(function (d) { total += d; return total; });
  }

  function points(found) {
    var t = sums(found.t), lon = sums(found.lon), lat = sums(found.lat);
    return t.map(function (at, i) {
      return [at, lon[i] / 1e6, lat[i] / 1e6, found.v[i] === null ? null : found.v[i] / 10, beijing(at)];
    });
  }

  document.addEventListener("DOMContentLoaded", function () {
    var box = document.getElementById("replay");
    var map = document.querySelector(".folium-map");
    if (!box || !map || !map.hazpark) { return; }
    var slider = document.getElementById("replay-at");
    var said = document.getElementById("replay-said");
    var rate = document.getElementById("replay-rate");
    var button = box.querySelector("[data-play-button]");
    var track = [], at = 0, running = null, clock = 0, before = 0;

    function seek(n) {
      at = Math.max(0, Math.min(track.length - 1, n));
      slider.value = String(at);
      map.hazpark.seek(at);
      var p = track[at];
      said.textContent = (at + 1) + "/" + track.length + " · " + p[4] + (p[3] === null ? "" : " · " + Math.round(p[3]) + " km/h");
      slider.setAttribute("aria-valuetext", said.textContent);
    }

    function stop() {
      window.clearInterval(running);
      running = null;
      button.textContent = box.dataset.play;
    }

    function play() {
      if (at >= track.length - 1) { seek(0); }
      clock = track[at][0];
      before = Date.now();
      button.textContent = box.dataset.pause;
      running = window.setInterval(function () {
        var now = Date.now();
        clock += (now - before) / 1000 * Number(rate.value);
        before = now;
        var n = at;
        while (n + 1 < track.length && track[n + 1][0] <= clock) { n += 1; }
        if (n !== at) { seek(n); }
        if (at >= track.length - 1) { stop(); }
      }, 50);
    }

    button.addEventListener("click", function () { if (running) { stop(); } else { play(); } });
    slider.addEventListener("input", function () { seek(Number(slider.value)); clock = track[at][0]; });
    Array.prototype.forEach.call(box.querySelectorAll("[data-step]"), function (one) {
      one.addEventListener("click", function () { stop(); seek(at + Number(one.dataset.step)); });
    });

    fetch(box.dataset.track, { credentials: "same-origin", headers: { Accept: "application/json" } })
      .then(function (answer) { if (!answer.ok) { throw new Error(String(answer.status)); } return answer.json(); })
      .then(function (found) {
        track = points(found);
        if (!track.length) { return; }
        slider.max = String(track.length - 1);
        map.hazpark.setTrack(track);
        box.hidden = false;
        seek(0);
      })
      .catch(function () {
        var note = document.createElement("p");
        note.className = "message message-stop";
        note.setAttribute("role", "alert");
        note.textContent = box.dataset.failed;
        box.parentNode.insertBefore(note, box);
      });
  });
})();
