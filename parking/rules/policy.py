"""Every threshold of the monitor, editable per park.

A field whose metadata says ``assumption`` was read in no standard; the product labels it so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from geo.shapes import LayerKind, Park


class PolicyWrong(ValueError):
    """A policy field cannot be used; ``field_name`` names it."""

    def __init__(self, field_name: str, reason: str) -> None:
        super().__init__(f"policy.{field_name}: {reason}")
        self.field_name = field_name
        self.reason = reason


#: Distances that keep loads apart; none of them may be switched off by writing 0.
_ABOVE_ZERO = frozenset(
    {"segregation_forbidden_m", "segregation_separated_m", "fire_zoning_m"}
    | {"fence_vertices", "fence_turns", "fence_share", "places_min", "places_flips"}
    | {f"imdg_{level}_m" for level in range(1, 5)}
)


#: What a control line may set for its own ring.
RING = ("ring_off_route", "ring_stop", "ring_stop_empty", "ring_unbooked", "ring_stop_s", "unbooked_back_s")
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _set(default: Any, unit: str, assumption: bool = True, source: str = "") -> Any:
    return field(default=default, metadata={"unit": unit, "assumption": assumption, "source": source})


@dataclass(frozen=True, slots=True)
class Policy:
    """Distances metres, times seconds unless the name says otherwise, speeds km/h."""

    # plausibility
    future_s: float = _set(120.0, "s")
    oldest_h: float = _set(72.0, "h")
    fastest_kmh: float = _set(160.0, "km/h")
    accuracy_m: float = _set(15.0, "m", assumption=False, source="JT/T 794-2019 XG1-2021")
    second_source_s: float = _set(120.0, "s")
    moving_kmh: float = _set(10.0, "km/h")
    frozen_m: float = _set(50.0, "m")
    frozen_s: float = _set(120.0, "s")
    drift_after_s: float = _set(120.0, "s")
    drift_s: float = _set(60.0, "s")
    drift_m: float = _set(100.0, "m")
    gcj_near_m: float = _set(20.0, "m")
    gcj_fixes: float = _set(10.0, "")
    gcj_m: float = _set(500.0, "m")
    # crossings
    unsure_gap_s: float = _set(60.0, "s")
    gate_reach_kmh: float = _set(40.0, "km/h")
    zone_unbooked: bool = _set(True, "")
    # routes
    corridor_m: float = _set(50.0, "m")
    corridor_back_m: float = _set(45.0, "m")
    deviation_s: float = _set(60.0, "s")
    deviation_m: float = _set(200.0, "m")
    # the ring between boundary and control line; a control line may set its own, see ``of_line``
    corridor_back_s: float = _set(10.0, "s")
    wrong_way: bool = _set(True, "")
    wrong_way_m: float = _set(200.0, "m")
    # the ring between boundary and control line
    ring_off_route: bool = _set(True, "")
    ring_stop: bool = _set(True, "")
    ring_unbooked: bool = _set(True, "")
    ring_stop_empty: bool = _set(True, "")
    ring_stop_s: float = _set(120.0, "s")
    unbooked_back_s: float = _set(60.0, "s")
    # stopping
    stop_radius_m: float = _set(30.0, "m")
    stop_kmh: float = _set(3.0, "km/h")
    illegal_stop_s: float = _set(300.0, "s")
    wrong_bay_m: float = _set(25.0, "m")
    wrong_bay_min: float = _set(10.0, "min")
    # speed
    park_limit_kmh: float = _set(30.0, "km/h")
    lot_limit_kmh: float = _set(5.0, "km/h")
    speeding_s: float = _set(10.0, "s")
    speeding_tolerance: float = _set(
        0.1, "share", assumption=False, source="道路交通安全违法行为记分管理办法 (2021) Art 9, 10, 12"
    )
    speeding_back_s: float = _set(10.0, "s")
    speeding_fixes: float = _set(3.0, "")
    # what terminals are asked to hold
    fence_vertices: float = _set(100.0, "")
    fence_turns: float = _set(40.0, "")
    fence_share: float = _set(0.2, "share")
    fences_auto: bool = _set(False, "")
    # one terminal from two places
    places_min: float = _set(10.0, "min")
    places_flips: float = _set(3.0, "")
    # silence
    silence_s: float = _set(300.0, "s")
    # stay
    park_stay_h: float = _set(6.0, "h", assumption=False, source="天门市公告; per park")
    overstay_grace_min: float = _set(15.0, "min")
    remind_driver_min: float = _set(-30.0, "min")
    tell_dispatcher_min: float = _set(15.0, "min")
    tell_supervisor_min: float = _set(60.0, "min")
    tell_enforcement_min: float = _set(120.0, "min")
    # the lot: metres between bay outlines for the two symbols of the segregation table; no standard gives
    # any. The defaults for the IMDG table are above those of a ship's open deck: 3, 6, 12, 24 m (49 CFR
    # 176.83(c)(2)).
    segregation_forbidden_m: float = _set(25.0, "m")
    segregation_separated_m: float = _set(10.0, "m")
    # what stands in the lot, as shares of critical quantities (an indicator, no legal finding)
    index_warn: float = _set(0.8, "")
    index_refuse: float = _set(1.0, "")
    index_override: bool = _set(False, "")
    override_min: float = _set(30.0, "min")
    residue_kg: float = _set(500.0, "kg")
    segregation_imdg: bool = _set(False, "")
    imdg_1_m: float = _set(10.0, "m")
    imdg_2_m: float = _set(15.0, "m")
    imdg_3_m: float = _set(20.0, "m")
    imdg_4_m: float = _set(25.0, "m")
    fire_zoning: bool = _set(False, "")
    fire_zoning_m: float = _set(15.0, "m")
    # who must agree, and what must be looked at
    enterprise_approval: bool = _set(True, "", assumption=False, source="临沭、金乡通告：企业与园区均须审核")
    checklist_required: bool = _set(True, "", assumption=False, source="交通运输部令2019年第29号 第23、44条")
    park_within_min: float = _set(30.0, "min")
    close_after_min: float = _set(30.0, "min")
    # proposals for the blacklist: so many answered violations of parking rules within so many days
    ban_propose_count: float = _set(3.0, "")
    ban_propose_days: float = _set(90.0, "d")
    # calling forward
    call_answer_min: float = _set(10.0, "min")
    call_missed_max: float = _set(3.0, "")
    queue_patience_min: float = _set(120.0, "min")
    dock_work_min: float = _set(60.0, "min")
    waitlist_auto: bool = _set(False, "")
    # the plan for a day: what each evil costs, in metres driven (see parking.rules.plan_problem.Weights)
    plan_weight_unplaced: float = _set(1_000_000.0, "m")
    plan_weight_moved: float = _set(20_000.0, "m")
    plan_weight_near: float = _set(500.0, "m")
    plan_weight_driven: float = _set(1.0, "m")
    plan_comfort: float = _set(1.5, "")
    plan_budget_s: float = _set(30.0, "s")
    # bookings
    booking_mass_kg: float = _set(49_000.0, "kg")
    booking_days_ahead: float = _set(14.0, "d")
    booking_window_h: float = _set(24.0, "h")
    check_in_early_min: float = _set(60.0, "min")

    @classmethod
    def from_mapping(cls, overrides: Mapping[str, Any]) -> Policy:
        """Defaults with a park's own numbers. Raises PolicyWrong naming the field."""
        known = {f.name: f for f in fields(cls)}
        for name, value in overrides.items():
            if name not in known:
                raise PolicyWrong(name, "no such field")
            _check(name, value, known[name].default)
        values: dict[str, Any] = {k: v if isinstance(v, bool) else float(v) for k, v in overrides.items()}
        return cls(**values)

    def of_line(self, attributes: Mapping[str, Any]) -> Policy:
        """This policy with what a control line's own attributes say. Raises PolicyWrong naming the field.

        A drawing program writes true and false as words or as 1 and 0; an empty cell says nothing.
        """
        own = {name: _read(name, attributes[name]) for name in RING if attributes.get(name) not in (None, "")}
        for name, value in own.items():
            _check(name, value, getattr(self, name))
        return replace(self, **own) if own else self

    @classmethod
    def of_park(cls, park: Park) -> Policy:
        """The park's policy, its control lines' own numbers checked too. Raises PolicyWrong."""
        policy = cls.from_mapping(park.policy)
        for line in park.of(LayerKind.CONTROL_LINE):
            try:
                policy.of_line(line.attributes)
            except PolicyWrong as wrong:
                raise PolicyWrong(wrong.field_name, f"{wrong.reason} (control line {line.code})") from wrong
        return policy

    def strictest(self, others: Sequence[Policy]) -> Policy:
        """Where rings of several lines overlap: an offence by one of them is one."""
        if not others:
            return self
        said = {
            name: min(values) if name.endswith("_s") else max(values)
            for name in RING
            for values in [[getattr(p, name) for p in others]]
        }
        return replace(self, **said)


def _read(name: str, value: Any) -> Any:
    """A cell of an attribute table as true, false or a number; what it is not is left to ``_check``."""
    if isinstance(value, (bool, int, float)) and not name.endswith("_s"):
        return bool(value) if value in (0, 1) else value
    if name.endswith("_s"):
        try:
            return float(value)
        except (TypeError, ValueError):
            return value
    return _WORDS.get(str(value).strip().lower(), value)


def _check(name: str, value: Any, default: Any) -> None:
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise PolicyWrong(name, f"expected true or false, not {value!r}")
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise PolicyWrong(name, f"expected a number, not {value!r}")
    if value <= 0 and name in _ABOVE_ZERO:
        raise PolicyWrong(name, f"must be above 0: {value!r}")
    if value < 0 and default >= 0:
        raise PolicyWrong(name, f"must not be negative: {value!r}")
