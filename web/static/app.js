// What every page needs: the ticking park clock, focus on refusals, one sending per click.
"use strict";
(function () {
  var started = Date.now();

  function two(n) { return (n < 10 ? "0" : "") + n; }

  // Park time is Beijing time: no summer time, always eight hours ahead of UTC.
  function text(seconds) {
    var d = new Date((seconds + 8 * 3600) * 1000);
    return d.getUTCFullYear() + "-" + two(d.getUTCMonth() + 1) + "-" + two(d.getUTCDate()) + " " +
      two(d.getUTCHours()) + ":" + two(d.getUTCMinutes()) + ":" + two(d.getUTCSeconds());
  }

  function tick() {
    var clock = document.querySelector(".park-clock");
    if (!clock) { return; }
    var now = Number(clock.dataset.now), rate = Number(clock.dataset.rate), until = Number(clock.dataset.until);
    var passed = (Date.now() - started) / 1000;
    var fast = rate > 1 ? Math.min(passed, Math.max(0, (until - now) / rate)) : 0;
    clock.textContent = text(now + rate * fast + (passed - fast));
  }

  document.addEventListener("DOMContentLoaded", function () {
    tick();
    window.setInterval(tick, 1000);
    var refused = document.querySelector("[data-focus]");
    if (refused) { refused.focus(); }
  });

  // A second click on a sending form sends nothing; the page shown again after "back" may send again.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (event.defaultPrevented || form.hasAttribute("hx-post")) { return; }
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
    });
  });

  // A page that renews itself must say when it cannot: an old state looks like a good one.
  function offline(yes) {
    var note = document.getElementById("offline");
    if (note) { note.hidden = !yes; }
  }
  ["htmx:sendError", "htmx:timeout", "htmx:responseError"].forEach(function (kind) {
    document.addEventListener(kind, function () { offline(true); });
  });
  document.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.successful) { offline(false); }
  });

  // "Are you sure?" before what cannot be taken back.
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-confirm]");
    if (button && !window.confirm(button.dataset.confirm)) { event.preventDefault(); }
  });
})();
