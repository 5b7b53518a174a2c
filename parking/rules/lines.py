"""Crossing the boundary and the control lines.

A vehicle is on the other side only when a fix lies beyond the line by more than the terminal's
accuracy; until then the crossing is pending, and jitter along the line is none. Pending is only the
latest crossing: who comes back, however little, and goes over the line elsewhere went over it there.
A corner cut deeper than the accuracy between two fixes is found too. Where the crossing happened is
read from the likely road. When the line itself is moved, nobody crossed it; the side is taken anew.
The boundary may be crossed at a hazmat gate only; a control line is no driving fence: crossing it is
recorded, the rules of the ring decide what is an offence.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import shapely
from shapely import Point

from geo.crossing import Crossing, crossings, deepest, depth
from geo.shapes import LayerKind
from parking.rules.era import HAZMAT_GATES, Area, Era
from parking.rules.plausibility import reachable
from parking.rules.sight import Finding, Sight, degrees, instant
from parking.vocabulary import Certainty, PassageKind, ViolationKind


@dataclass(frozen=True, slots=True)
class Side:
    """Which side of one line a vehicle is on, and the crossing not yet confirmed."""

    code: str
    inside: bool
    at: float = 0.0  # seconds since 1970
    x: float = 0.0
    y: float = 0.0
    gap_s: float = 0.0
    pending: bool = False
    unseen_gate: str = ""  # a hazmat gate within reach of a crossing nobody can place


def step(sides: tuple[Side, ...], sight: Sight) -> tuple[tuple[Side, ...], list[Finding]]:
    """The sides after this fix, and what was crossed."""
    known = {s.code: s for s in sides}
    after: list[Side] = []
    found: list[Finding] = []
    for (kind, area), key in zip(sight.era.lines, sight.era.line_keys, strict=True):
        side, seen = _step(known.get(key), key, kind, area, sight)
        after += [side] if side else []
        found += seen
    return tuple(after), found


def settled(sides: tuple[Side, ...], era: Era, inside: int) -> bool:
    """Nothing is pending, and the sides are those of a place with these bits (``Place.inside``)."""
    return sides is era.memo.get(inside) or sides == at_rest(era, inside)


def at_rest(era: Era, inside: int) -> tuple[Side, ...]:
    """The sides of a place with these bits, nothing pending: one and the same tuple each time."""
    if inside not in era.memo:
        era.memo[inside] = tuple(Side(key, bool(inside >> n & 1)) for n, key in enumerate(era.line_keys))
    sides: tuple[Side, ...] = era.memo[inside]
    return sides


def _step(
    side: Side | None, key: str, kind: LayerKind, area: Area, sight: Sight
) -> tuple[Side | None, list[Finding]]:
    beyond = depth(area.shape, sight.x, sight.y)
    sure = abs(beyond) > sight.policy.accuracy_m
    if side is None:
        return Side(key, inside=beyond > 0) if sure else None, []
    if sight.before is None:
        return _after_break(side, beyond, sight), []
    met = crossings(area.shape, sight.road)
    if (beyond > 0) == side.inside:
        cut = [] if side.pending else _cut(side, met, kind, area, sight)
        return Side(side.code, side.inside), cut
    if met:
        side = _pending(side, met[-1], sight)
    if not sure:
        return side, []
    return Side(side.code, not side.inside), [_crossed(side, kind, area, sight)] if side.pending else []


def _after_break(side: Side, beyond: float, sight: Sight) -> Side:
    """After a jump nothing says how the vehicle got here; only the side is taken over."""
    return Side(side.code, inside=beyond > 0 if abs(beyond) > sight.policy.accuracy_m else side.inside)


def _pending(side: Side, crossing: Crossing, sight: Sight) -> Side:
    gap = sight.gap_s
    unseen = _reachable_gate(sight) if gap > sight.policy.unsure_gap_s else ""
    return Side(side.code, side.inside, _time(sight, crossing), crossing.x, crossing.y, gap, True, unseen)


def _cut(side: Side, met: tuple[Crossing, ...], kind: LayerKind, area: Area, sight: Sight) -> list[Finding]:
    """Over the line and back between two fixes: the first and the last crossing, if deep enough."""
    if len(met) < 2 or not _deep_cut(side, area, sight):
        return []
    ways = ((met[0], not side.inside), (met[-1], side.inside))
    sides = ((_pending(side, crossing, sight), inward) for crossing, inward in ways)
    return [_finding(kind, area, sight, over, inward, True) for over, inward in sides]


def _deep_cut(side: Side, area: Area, sight: Sight) -> bool:
    """In and out (or out and in) between two fixes, deeper than jitter could explain."""
    if side.inside:
        return _farthest_out(area, sight) > sight.policy.accuracy_m
    return deepest(area.shape, sight.road) > sight.policy.accuracy_m


def _farthest_out(area: Area, sight: Sight) -> float:
    road = sight.road
    cuts = [
        (a[0] + (b[0] - a[0]) * i / 20, a[1] + (b[1] - a[1]) * i / 20)
        for a, b in pairwise(road)
        for i in range(21)
    ]
    return max(-depth(area.shape, x, y) for x, y in cuts)


def _crossed(side: Side, kind: LayerKind, area: Area, sight: Sight) -> Finding:
    return _finding(kind, area, sight, side, not side.inside, False)


def _time(sight: Sight, crossing: Crossing) -> float:
    return sight.at - sight.gap_s * (1 - crossing.share)


def _finding(kind: LayerKind, area: Area, sight: Sight, over: Side, inward: bool, cut: bool) -> Finding:
    lon, lat = degrees(sight.ground, over.x, over.y)
    what, subject, facts = _what(kind, area, sight, over)
    return Finding(
        kind=what,
        subject=subject,
        started_at=instant(round(over.at)),
        ended_at=instant(round(over.at)),
        lon=lon,
        lat=lat,
        certainty=_certainty(sight, over.gap_s, cut),
        facts={
            "line": area.code,
            "direction": "in" if inward else "out",
            "gap_s": round(over.gap_s, 1),
            "booked": sight.journey.booked,
            "loaded": sight.journey.loaded,
            **facts,
            **_approval(area),
        },
    )


def _certainty(sight: Sight, gap_s: float, cut: bool) -> Certainty:
    if gap_s > sight.policy.unsure_gap_s:
        return Certainty.SOMEWHERE_BETWEEN
    return Certainty.INFERRED if cut else Certainty.CERTAIN


def _what(
    kind: LayerKind, area: Area, sight: Sight, over: Side
) -> tuple[ViolationKind | PassageKind, str, dict[str, Any]]:
    if kind is LayerKind.CONTROL_LINE:
        offset = sight.era.corridors_for(sight.journey.routes).nearest(over.x, over.y)
        on_route = offset is not None and offset.beyond_m <= 0
        return PassageKind.CONTROL_LINE_CROSSING, area.code, {"on_route": on_route}
    gate = sight.era.gate_at(over.x, over.y, sight.policy.accuracy_m)
    if gate is None and over.unseen_gate:
        return PassageKind.BOUNDARY_UNSEEN, area.code, {"reachable_gate": over.unseen_gate}
    if gate is None:
        return ViolationKind.BOUNDARY_CROSSING, area.code, {}
    gate_kind = str(gate.feature.attributes.get("gate_kind", ""))
    if gate_kind in HAZMAT_GATES:
        return PassageKind.BOUNDARY_AT_GATE, gate.code, {"gate_kind": gate_kind}
    return ViolationKind.WRONG_GATE, gate.code, {"gate_kind": gate_kind}


def _reachable_gate(sight: Sight) -> str:
    """A hazmat gate the vehicle could have driven through unseen: then nothing proves an offence.

    It must have had time to go from fix to gate to fix, no faster than a truck goes through gates.
    """
    before = sight.before or sight
    for gate in sight.era.gates:
        if gate.feature.attributes.get("gate_kind") in HAZMAT_GATES:
            way = shapely.distance(gate.shape, Point(before.x, before.y)) + shapely.distance(
                gate.shape, Point(sight.x, sight.y)
            )
            if reachable(float(way), sight.gap_s, sight.policy.gate_reach_kmh):
                return gate.code
    return ""


def _approval(area: Area) -> dict[str, Any]:
    approval = area.feature.approval
    return (
        {"document": approval.document, "effective_from": approval.effective_from.isoformat()}
        if approval
        else {}
    )


def to_json(sides: tuple[Side, ...]) -> list[dict[str, Any]]:
    return [asdict(s) for s in sides]


def from_json(data: list[dict[str, Any]]) -> tuple[Side, ...]:
    return tuple(Side(**d) for d in data)
