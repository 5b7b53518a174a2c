// The booking form: mass in tonnes beside kilograms, choosing goods from the hits.
"use strict";
document.addEventListener("DOMContentLoaded", function () {
  var mass = document.getElementById("f-mass_kg");
  if (mass) {
    var shown = document.createElement("p");
    shown.className = "hint tonnes";
    mass.parentNode.appendChild(shown);
    var show = function () {
      var kg = Number(mass.value.replace(/[\s,，]/g, ""));
      shown.textContent = kg > 0 ? mass.dataset.tonnes.replace("#", String(kg / 1000)) : "\u00a0";
    };
    mass.addEventListener("input", show);
    show();
  }
  document.addEventListener("click", function (event) {
    var hit = event.target.closest("[data-un]");
    var field = document.getElementById("f-un_number");
    if (!hit || !field) { return; }
    field.value = hit.dataset.un;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });
});
