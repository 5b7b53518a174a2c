// The dispatcher's board: parts are fetched again one by one; typed words and the keyboard's place stay.
"use strict";
(function () {
  var ZOOMS = [1, 1.5, 2, 3];
  var zoom = 0;

  function each(selector, act, root) { Array.prototype.forEach.call((root || document).querySelectorAll(selector), act); }

  function versions() {
    var found = [];
    each("[data-part]", function (part) { found.push(part.dataset.part + ":" + part.dataset.v); });
    return found.join(",");
  }

  // Every request of the board tells which parts the browser already shows.
  document.addEventListener("htmx:configRequest", function (event) {
    if (event.detail.path.indexOf("/board") === 0) { event.detail.parameters.v = versions(); }
  });

  function dirty(root) {
    return Array.prototype.some.call(root.querySelectorAll("input:not([type=hidden]), textarea, select"), function (field) {
      if (field.tagName === "SELECT") { return field.selectedIndex > 0 && !field.options[field.selectedIndex].defaultSelected; }
      if (field.type === "checkbox" || field.type === "radio") { return field.checked !== field.defaultChecked; }
      return field.value !== field.defaultValue;
    });
  }

  // A part in which something is half typed stays; the server refuses what has become impossible.
  var asked = false;   // the answer is to something this person did
  document.addEventListener("htmx:oobBeforeSwap", function (event) {
    var target = event.detail.target;
    if (asked || !target || target.dataset.part !== "choice" || !dirty(target)) { return; }
    event.detail.shouldSwap = false;
    each(".changed-note", function (note) { note.hidden = false; }, target);
  });
  document.addEventListener("htmx:beforeRequest", function (event) {
    if (event.detail.requestConfig.verb === "post") { asked = true; }
  });
  document.addEventListener("htmx:afterRequest", function () { window.setTimeout(function () { asked = false; }, 0); });

  function go(address, focus) {
    asked = true;
    var query = address.indexOf("?") < 0 ? "" : address.slice(address.indexOf("?"));
    window.htmx.ajax("GET", "/board/parts" + query, { swap: "none", target: "#board-poll", source: "#board-poll" })
      .then(function () { if (focus) { lookAtChoice(); } });
    window.history.pushState(null, "", address);
  }

  function lookAtChoice() {
    var head = document.getElementById("h-choice");
    if (!head) { return; }
    head.focus({ preventScroll: true });
    var box = head.getBoundingClientRect();
    if (box.top < 0 || box.top > window.innerHeight * 0.7) { head.scrollIntoView({ block: "start" }); }
  }

  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[data-board]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) { return; }
    event.preventDefault();
    var address = link.getAttribute("href");
    go(address, link.id.indexOf("tab-") !== 0);
  });
  window.addEventListener("popstate", function () { window.location.reload(); });

  // ---- the map: arrows move between bays, one stop for the Tab key ----------------
  function spots() { return Array.prototype.slice.call(document.querySelectorAll(".lot-map a.spot")); }

  function rove() {
    var all = spots();
    if (!all.length) { return; }
    var kept = all.filter(function (spot) { return spot.classList.contains("spot-chosen"); })[0] || all[0];
    all.forEach(function (spot) { spot.setAttribute("tabindex", spot === kept ? "0" : "-1"); });
  }

  function centre(spot) {
    var box = spot.querySelector("polygon").getBoundingClientRect();
    return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
  }

  document.addEventListener("keydown", function (event) {
    var spot = document.activeElement && document.activeElement.closest && document.activeElement.closest("a.spot");
    var way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!spot || !way) { return; }
    event.preventDefault();
    var from = centre(spot), best = null, least = Infinity;
    spots().forEach(function (other) {
      if (other === spot) { return; }
      var to = centre(other);
      var along = (to.x - from.x) * way[0] + (to.y - from.y) * way[1];
      var aside = Math.abs((to.x - from.x) * way[1]) + Math.abs((to.y - from.y) * way[0]);
      var cost = along + 3 * aside;
      if (along > 1 && cost < least) { least = cost; best = other; }
    });
    if (best) {
      spot.setAttribute("tabindex", "-1");
      best.setAttribute("tabindex", "0");
      best.focus();
    }
  });

  function scale() {
    each(".lot-map", function (map) { map.setAttribute("data-zoom", String(ZOOMS[zoom])); });
    each(".zoom-buttons", function (box) { box.hidden = false; });
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-zoom]");
    if (!button || button.tagName !== "BUTTON") { return; }
    zoom = Math.max(0, Math.min(ZOOMS.length - 1, zoom + Number(button.dataset.zoom)));
    scale();
  });

  // The chosen row is seen in its list, whatever was above it.
  function reveal() {
    each(".queue-row[aria-current]", function (row) {
      var list = row.closest(".queue-list"), top = row.offsetTop - list.offsetTop;
      if (top < list.scrollTop || top + row.offsetHeight > list.scrollTop + list.clientHeight) { list.scrollTop = top - 40; }
    });
  }

  function settle() {
    rove();
    reveal();
    scale();
    if (document.activeElement === document.body && asked) { lookAtChoice(); }
  }
  document.addEventListener("DOMContentLoaded", settle);
  document.addEventListener("htmx:oobAfterSwap", settle);
})();
