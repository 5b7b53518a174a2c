"""A crossing in words and facts: what it is, where, when at the earliest and latest, how deep, how sure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import shapely
from shapely import Point
from shapely.affinity import rotate, scale, translate

from geo.crossing import edge
from geo.layer_checks import flag_of
from geo.shapes import LayerKind
from parking.rules.era import HAZMAT_GATES, Area
from parking.rules.plausibility import reachable
from parking.rules.sight import Finding, Sight, degrees, instant
from parking.vocabulary import Certainty, PassageKind, ViolationKind

#: Points of the possible stretch of a line that are kept; more are thinned out.
STRETCH_POINTS = 200


@dataclass(frozen=True, slots=True)
class Over:
    """One way over a line: most likely ``at`` (seconds since 1970) in ``x``, ``y`` (metres).

    ``depth_m`` beyond the line was reached; possible from ``since`` to ``until``; ``gap_s`` seconds lie
    between the fixes before and after (``gap``: their x, y). ``cut``: there and back between two fixes.
    """

    at: float
    x: float
    y: float
    inward: bool
    depth_m: float
    gap_s: float
    since: float
    until: float
    gap: tuple[float, ...]
    unseen_gate: str = ""
    cut: bool = False


def finding(kind: LayerKind, area: Area, sight: Sight, over: Over) -> Finding:
    """The passage or offence that a way over the line of ``area`` was."""
    lon, lat = degrees(sight.ground, over.x, over.y)
    certainty = _certainty(sight, over)
    gate = sight.era.gate_at(over.x, over.y, sight.policy.accuracy_m)
    what, subject, facts = _what(kind, area, sight, over, gate)
    return Finding(
        kind=what,
        subject=subject,
        started_at=instant(round(over.at)),
        ended_at=instant(round(over.at)),
        lon=lon,
        lat=lat,
        certainty=certainty,
        facts={
            "line": area.code,
            "direction": "in" if over.inward else "out",
            "gap_s": round(over.gap_s, 1),
            "depth_m": round(over.depth_m, 1),
            "earliest_at": instant(math.floor(over.since)).isoformat(),
            "latest_at": instant(math.ceil(over.until)).isoformat(),
            "gate": gate.code if gate else "",
            "on_route": _on_route(sight, over),
            "booked": sight.journey.booked,
            "loaded": sight.journey.loaded,
            **facts,
            **_approval(area),
            **(_stretch(area, sight, over) if certainty is Certainty.SOMEWHERE_BETWEEN else {}),
        },
    )


def _certainty(sight: Sight, over: Over) -> Certainty:
    if over.gap_s > sight.policy.unsure_gap_s:
        return Certainty.SOMEWHERE_BETWEEN
    return Certainty.INFERRED if over.cut else Certainty.CERTAIN


def _what(
    kind: LayerKind, area: Area, sight: Sight, over: Over, gate: Area | None
) -> tuple[ViolationKind | PassageKind, str, dict[str, Any]]:
    if kind is LayerKind.CONTROL_LINE:
        return PassageKind.CONTROL_LINE_CROSSING, area.code, {}
    if kind is LayerKind.ZONE:
        offends = over.inward and not _permitted(area, sight) and _proven(sight, over)
        return ViolationKind.ZONE_UNBOOKED if offends else PassageKind.ZONE_CROSSING, area.code, {}
    if gate is None and over.unseen_gate:
        return PassageKind.BOUNDARY_UNSEEN, area.code, {"reachable_gate": over.unseen_gate}
    if gate is None:
        return ViolationKind.BOUNDARY_CROSSING, area.code, {}
    gate_kind = str(gate.feature.attributes.get("gate_kind", ""))
    if gate_kind in HAZMAT_GATES:
        return PassageKind.BOUNDARY_AT_GATE, gate.code, {"gate_kind": gate_kind}
    return ViolationKind.WRONG_GATE, gate.code, {"gate_kind": gate_kind}


def _permitted(zone: Area, sight: Sight) -> bool:
    """May this vehicle enter the zone? ``permit_required`` of the zone goes before the park's policy."""
    required = flag_of(zone.feature.attributes.get("permit_required"))
    if not (sight.policy.zone_unbooked if required is None else required):
        return True
    zones = sight.journey.zones
    return sight.journey.booked and (zones is None or zone.code in zones)


def _proven(sight: Sight, over: Over) -> bool:
    """Nobody is accused of a cut that jitter could explain, or that nobody can place."""
    return not over.cut or (
        over.depth_m > sight.policy.accuracy_m and over.gap_s <= sight.policy.unsure_gap_s
    )


def _on_route(sight: Sight, over: Over) -> bool:
    offset = sight.corridors.nearest(over.x, over.y)
    return offset is not None and offset.beyond_m <= 0


def reachable_gate(sight: Sight) -> str:
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


def _stretch(area: Area, sight: Sight, over: Over) -> dict[str, Any]:
    """The stretch of the line on which it may have happened, GeoJSON, degrees.

    All points of the line that a truck reaches from the fix before and leaves for the fix after in the time
    between: those in the ellipse around both, as long as it drives at ``gate_reach_kmh`` (or as fast as it
    must have driven at least).
    """
    ax, ay, bx, by = over.gap
    apart = math.dist((ax, ay), (bx, by))
    slack = 2 * sight.policy.accuracy_m
    longest = max(sight.policy.gate_reach_kmh / 3.6 * over.gap_s, apart) + slack
    round_about = Point(0, 0).buffer(0.5, quad_segs=32)
    oval = scale(round_about, longest, math.sqrt(longest**2 - apart**2))
    oval = translate(
        rotate(oval, math.degrees(math.atan2(by - ay, bx - ax)), origin=(0, 0)), (ax + bx) / 2, (ay + by) / 2
    )
    possible = shapely.intersection(edge(area.shape), oval)
    if possible.is_empty:
        return {}
    if possible.geom_type == "MultiLineString":
        possible = shapely.line_merge(possible)
    tolerance = 0.5
    while shapely.get_num_coordinates(possible) > STRETCH_POINTS and tolerance < 1000:
        possible, tolerance = shapely.simplify(possible, tolerance), tolerance * 2
    return {"stretch": _geojson(sight.ground.frame.to_degrees(possible))}


def _geojson(shape: Any) -> dict[str, Any]:
    """A line or several, six decimals (ten centimetres)."""
    parts = [g for g in getattr(shape, "geoms", [shape]) if g.geom_type == "LineString"]
    lines = [[[round(x, 6), round(y, 6)] for x, y in part.coords] for part in parts]
    return {"type": "MultiLineString", "coordinates": lines}


def _approval(area: Area) -> dict[str, Any]:
    approval = area.feature.approval
    return (
        {"document": approval.document, "effective_from": approval.effective_from.isoformat()}
        if approval
        else {}
    )
