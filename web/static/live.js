// One event stream for all windows of this browser. What it tells becomes events of the page:
// "hazpark:<type>" on <body> (detail: the entries), which fragments listen to, and "hazpark:refresh"
// when something may have been missed. One window leads and shares what it hears; when it goes or falls
// silent another one leads. The word beside the clock always says how far the page can be believed.
"use strict";
(function () {
  var SILENT_MS = 40000;      // the server beats every 15 s
  var POLL_MS = 15000;        // while there is no stream the page asks by itself
  var PACE_MS = 1000;         // at most one refetch of a kind per second
  var TYPES = ["booking", "bay", "visit", "violation", "notice", "fix"];

  var box, me, channel = null, source = null, leads = false, lastId = "";
  var heardAt = 0, wasDown = false, backOff = 1000, retry = null, claim = null, shown = "";
  var waiting = {}, lastTold = {};

  function now() { return Date.now(); }

  // ---- the word ------------------------------------------------------------
  function show(state) {
    if (state === shown || !box) { return; }
    shown = state;
    box.className = "live live-" + state;
    box.querySelector(".live-word").textContent = box.dataset[state];
    box.title = box.dataset[state + "Hint"] || "";
    document.body.dataset.live = state;
  }

  function judge(beat) {
    heardAt = now();
    var good = beat.valkey === true && beat.carried === true;
    show(good ? "on" : "late");
    if (wasDown) { wasDown = false; tell({ type: "refresh" }); }
  }

  function down() {
    wasDown = true;
    show("off");
  }

  // ---- events of the page ----------------------------------------------------
  function fire(type) {
    var detail = waiting[type] || [];
    delete waiting[type];
    lastTold[type] = now();
    document.body.dispatchEvent(new CustomEvent("hazpark:" + type, { bubbles: true, detail: detail }));
  }

  function tell(entry) {
    if (entry.type === "refresh") {
      TYPES.forEach(function (type) { if (type !== "fix") { tell({ type: type }); } });
      document.body.dispatchEvent(new CustomEvent("hazpark:refresh", { bubbles: true, detail: [] }));
      return;
    }
    if (TYPES.indexOf(entry.type) < 0) { return; }
    var pending = waiting[entry.type];
    if (pending) {
      if (pending.length < 5000) { pending.push(entry); }
      return;
    }
    waiting[entry.type] = [entry];
    var wait = Math.max(0, PACE_MS - (now() - (lastTold[entry.type] || 0)));
    window.setTimeout(fire, wait, entry.type);
  }

  // ---- the stream (the leading window only) ----------------------------------
  function open() {
    close();
    var address = box.dataset.url + "/live";
    source = new EventSource(address, { withCredentials: true });
    source.onmessage = function (event) {
      lastId = event.lastEventId || lastId;
      hear({ data: event.data });
    };
    source.addEventListener("beat", function (event) { backOff = 1000; hear({ beat: event.data }); });
    source.addEventListener("bye", function () { hear({ bye: true }); });
    source.onerror = function () {
      share({ down: true });
      down();
      if (source && source.readyState === 2) { again(); }
    };
  }

  function again() {            // the browser gave up (the answer was no stream): try later, ever more slowly
    close();
    window.clearTimeout(retry);
    retry = window.setTimeout(function () { if (leads) { open(); } }, backOff);
    backOff = Math.min(30000, backOff * 2);
  }

  function close() {
    if (source) { source.close(); source = null; }
  }

  function hear(message) {
    share(message);
    take(message);
  }

  function take(message) {
    heardAt = now();
    if (message.bye) { window.location.reload(); return; }
    try {
      if (message.beat) { judge(JSON.parse(message.beat)); return; }
      if (message.data) { tell(JSON.parse(message.data)); }
    } catch (error) { /* an entry nobody can read changes nothing */ }
  }

  // ---- several windows ---------------------------------------------------------
  function share(message) {
    if (channel && leads) {
      message.from = me;
      message.last = lastId;
      channel.postMessage(message);
    }
  }

  function lead() {
    window.clearTimeout(claim);
    claim = null;
    if (leads) { return; }
    leads = true;
    share({ lead: true, state: shown });
    open();
  }

  function follow() {
    if (leads) { leads = false; close(); window.clearTimeout(retry); }
    window.clearTimeout(claim);
    claim = null;
  }

  function claimSoon() {
    if (claim === null && !leads) { claim = window.setTimeout(lead, 200 + Math.random() * 500); }
  }

  function listen(event) {
    var message = event.data || {};
    if (message.ask) {
      if (leads) { share({ lead: true, state: shown }); }
      return;
    }
    if (message.resign) { claimSoon(); return; }
    if (leads) {                  // two lead: the smaller name stays
      if (message.from < me) { follow(); } else { share({ lead: true, state: shown }); return; }
    }
    window.clearTimeout(claim);
    claim = null;
    lastId = message.last || lastId;
    if (message.lead) {
      heardAt = now();
      if (message.state) { show(message.state); if (message.state === "off") { wasDown = true; } }
      return;
    }
    if (message.down) { heardAt = now(); down(); return; }
    take(message);
  }

  function watch() {
    if (now() - heardAt > SILENT_MS) {
      down();
      heardAt = now() - SILENT_MS / 2;
      if (leads) { open(); } else { claimSoon(); }
    }
  }

  function poll() {               // without a stream the page still renews itself, only more slowly
    if (shown === "off" && document.visibilityState !== "hidden") { tell({ type: "refresh" }); }
  }

  function begin() {
    heardAt = now();
    if (!channel) { lead(); return; }
    channel.postMessage({ ask: true, from: me });
    claimSoon();
  }

  function leave() {
    if (channel && leads) { channel.postMessage({ resign: true, from: me }); }
    follow();
  }

  document.addEventListener("DOMContentLoaded", function () {
    box = document.getElementById("live");
    if (!box || !window.EventSource) { return; }
    me = String(Math.random()).slice(2) + "-" + now();
    if (window.BroadcastChannel) {
      channel = new BroadcastChannel("hazpark-live:" + box.dataset.person);
      channel.onmessage = listen;
    }
    window.setInterval(watch, 5000);
    window.setInterval(poll, POLL_MS);
    window.addEventListener("pagehide", leave);
    window.addEventListener("pageshow", function (event) { if (event.persisted) { wasDown = true; begin(); } });
    document.addEventListener("visibilitychange", function () {
      if (document.visibilityState === "visible") { watch(); }
    });
    begin();
  });
})();
