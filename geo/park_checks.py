"""What a park's shapes must be together: in, on and apart from each other, and in force.

A layer that already has errors is not measured against: its own faults come first, and a hundred
complaints that follow from one help nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise

import shapely
from shapely.geometry.base import BaseGeometry

from geo.datum import LocalFrame
from geo.layer_checks import listed
from geo.report import LayerWord, Report
from geo.shapes import SINCE_EVER, Approval, Feature, LayerKind, Park

#: A gate may stand this far off the boundary and still belong to it, metres.
GATE_SLACK_M = 5.0
#: Two neighbouring drawings may overlap by this much before it is a fault, square metres.
OVERLAP_SLACK_M2 = 0.5
#: A bay may be drawn this much smaller or larger than it is said to be.
SIZE_SLACK = 0.15
#: A bay's drawing may stick out of its lot and zone by this much, metres.
BAY_SLACK_M = 0.2
#: A route reaches what it passes at this distance, metres.
REACH_M = 50.0

#: Kinds whose shapes may not overlap each other, and which of them (their ``zone_kind``). A class zone lies
#: in a lot, and control lines of several plants do overlap.
_APART: Mapping[LayerKind, tuple[str | None, ...]] = {
    LayerKind.ZONE: ("class_zone",),
    LayerKind.GATE: (None,),
    LayerKind.DOCK: (None,),
}


def check_park(park: Park, files: Mapping[LayerKind, str], report: Report) -> None:
    """Complain about the shapes together. ``files``: what each layer's file is called in complaints."""
    Together(park, files, report).check()


class Together:
    """One park's shapes in metres, and whom to tell."""

    def __init__(self, park: Park, files: Mapping[LayerKind, str], report: Report) -> None:
        self._park = park
        self._files = files
        self._report = report
        self._faulty = {kind for kind in LayerKind if any(i.file == files[kind] for i in report.errors)}
        frame = LocalFrame(park.metric_crs)
        self._metres = {id(f): frame.to_metres(f.geometry) for f in park.features}
        self._said: set[tuple[LayerWord, int, str]] = set()
        self._day = date.max - timedelta(days=1)

    def check(self) -> None:
        self._codes()
        for kind in (LayerKind.BOUNDARY, LayerKind.CONTROL_LINE):
            if self._sound(kind):
                self._gaps(kind)
        if self._sound(LayerKind.BOUNDARY, LayerKind.CONTROL_LINE):
            self._boundary_within()
        self._gates()
        for day in self._days():
            self._together_on(day)

    def _together_on(self, day: date) -> None:
        """What must hold among the shapes in force on one day."""
        self._day = day
        if self._sound(LayerKind.ZONE):
            self._bays_in_zones()
        self._bays()
        for kind in _APART:
            if self._sound(kind):
                self._apart(kind)
        if self._sound(LayerKind.GATE, LayerKind.DOCK, LayerKind.ZONE):
            self._routes()

    def _days(self) -> list[date]:
        """The days on which something began to be in force, boundary and control line aside; one at least.

        What was drawn before the first of them was checked when it was drawn.
        """
        lines = (LayerKind.BOUNDARY, LayerKind.CONTROL_LINE)
        begun = {f.approval.effective_from for f in self._park.features if f.approval and f.kind not in lines}
        return sorted(begun - {SINCE_EVER}) or [date.max - timedelta(days=1)]

    def _now(self, kind: LayerKind) -> tuple[Feature, ...]:
        """The shapes of ``kind`` in force on the day looked at."""
        return tuple(f for f in self._park.of(kind) if _in_force(f, self._day))

    def _sound(self, *kinds: LayerKind) -> bool:
        return self._faulty.isdisjoint(kinds)

    def _shape(self, feature: Feature) -> BaseGeometry:
        return self._metres[id(feature)]

    def _error(self, word: LayerWord, feature: Feature, **facts: object) -> None:
        if self._first(word, feature, facts):
            self._report.error(word, self._files[feature.kind], feature.code, **facts)

    def _warning(self, word: LayerWord, feature: Feature, **facts: object) -> None:
        if self._first(word, feature, facts):
            self._report.warning(word, self._files[feature.kind], feature.code, **facts)

    def _first(self, word: LayerWord, feature: Feature, facts: Mapping[str, object]) -> bool:
        """Whether this was not said already of another day."""
        said = (word, id(feature), repr(facts))
        new = said not in self._said
        self._said.add(said)
        return new

    def _codes(self) -> None:
        by_code: dict[tuple[LayerKind, str], list[Feature]] = defaultdict(list)
        for feature in self._park.features:
            by_code[feature.kind, feature.code].append(feature)
        for (_, code), same in by_code.items():
            if len(same) > 1 and any(f.approval is None for f in same):
                self._error(LayerWord.CODE_TWICE, same[0], code=code)
            elif len(same) > 1 and _overlapping(same):
                self._error(LayerWord.VERSIONS_OVERLAP, same[0], code=code)

    def _gaps(self, kind: LayerKind) -> None:
        """Days on which no version of a line is in force: nothing would be judged by it then."""
        for since, until in _days_without([f.approval for f in self._park.of(kind) if f.approval]):
            self._report.warning(
                LayerWord.NOTHING_IN_FORCE,
                self._files[kind],
                since=str(since),
                until="…" if until is None else str(until),
            )

    def _boundary_within(self) -> None:
        """At every time, the boundary in force lies inside the control line in force (when there is one)."""
        boundaries, lines = self._park.of(LayerKind.BOUNDARY), self._park.of(LayerKind.CONTROL_LINE)
        told: set[int] = set()
        for day in sorted({f.approval.effective_from for f in (*boundaries, *lines) if f.approval}):
            drawn = [self._shape(c) for c in lines if _in_force(c, day)]
            around = shapely.union_all(drawn)
            for boundary in boundaries:
                if not drawn or not _in_force(boundary, day) or id(boundary) in told:
                    continue
                if not around.covers(self._shape(boundary)):
                    told.add(id(boundary))
                    self._error(LayerWord.BOUNDARY_OUTSIDE_CONTROL_LINE, boundary, since=str(day))

    def _gates(self) -> None:
        gates = self._now(LayerKind.GATE)
        edges = [self._shape(b).boundary for b in self._last_boundaries()]
        for gate in gates:
            if edges and min(self._shape(gate).distance(edge) for edge in edges) > GATE_SLACK_M:
                self._error(LayerWord.GATE_OFF_BOUNDARY, gate)
        if gates and not any(g.attributes["gate_kind"] == "hazmat_only" for g in gates):
            self._report.warning(LayerWord.NO_HAZMAT_GATE, self._files[LayerKind.GATE])

    def _last_boundaries(self) -> list[Feature]:
        """The boundaries nothing follows; gates stand on these."""
        if not self._sound(LayerKind.BOUNDARY):
            return []
        dated = [(b, b.approval) for b in self._park.of(LayerKind.BOUNDARY) if b.approval]
        last = max((a.effective_to or date.max for _, a in dated), default=date.max)
        return [b for b, a in dated if (a.effective_to or date.max) == last]

    def _bays_in_zones(self) -> None:
        zones = {z.code: z for z in self._now(LayerKind.ZONE)}
        lots = [self._shape(z) for z in zones.values() if z.attributes["zone_kind"] == "lot"]
        for bay in self._now(LayerKind.BAY):
            shape = self._shape(bay).buffer(-BAY_SLACK_M)
            if not any(lot.covers(shape) for lot in lots):
                self._error(LayerWord.BAY_OUTSIDE_LOT, bay)
            named = str(bay.attributes["zone"])
            zone = zones.get(named)
            if zone is None:
                self._error(LayerWord.BAY_ZONE_UNKNOWN, bay, zone=named)
            elif not self._holds(zone, shape):
                self._error(LayerWord.BAY_OUTSIDE_ZONE, bay, zone=named)
            else:
                self._beyond(bay, zone)

    def _holds(self, zone: Feature, bay: BaseGeometry) -> bool:
        kind = zone.attributes["zone_kind"]
        return kind in ("class_zone", "lot") and bool(self._shape(zone).covers(bay))

    def _beyond(self, bay: Feature, zone: Feature) -> None:
        """A bay that takes what its zone does not."""
        for name in ("hazard_classes", "load_states"):
            allowed = listed(zone.attributes.get(name))
            odd = [v for v in listed(bay.attributes[name]) if not _within(v, allowed)] if allowed else []
            if odd:
                self._warning(LayerWord.BAY_BEYOND_ZONE, bay, zone=zone.code, property=name, values=odd)

    def _bays(self) -> None:
        bays = self._now(LayerKind.BAY)
        if (
            bays
            and not any(b.attributes["isolation"] for b in bays)
            and self._first(LayerWord.NO_ISOLATION_BAY, bays[0], {})
        ):
            self._report.warning(LayerWord.NO_ISOLATION_BAY, self._files[LayerKind.BAY])
        shapes = [self._shape(b) for b in bays]
        tree = shapely.STRtree(shapes)
        for n, bay in enumerate(bays):
            if self._report.full:
                return
            self._size(bay)
            for other in tree.query(shapes[n], predicate="intersects"):
                if other > n and shapes[n].intersection(shapes[other]).area > OVERLAP_SLACK_M2:
                    self._error(LayerWord.BAYS_OVERLAP, bay, other=bays[other].code)

    def _apart(self, kind: LayerKind) -> None:
        """Shapes of one kind that may not cover each other do."""
        shapes = [f for f in self._now(kind) if f.attributes.get("zone_kind") in _APART[kind]]
        tree = shapely.STRtree([self._shape(f) for f in shapes])
        for n, one in enumerate(shapes):
            if self._report.full:
                return
            for other in tree.query(self._shape(one), predicate="intersects"):
                area = self._shape(one).intersection(self._shape(shapes[other])).area if other > n else 0.0
                if area > OVERLAP_SLACK_M2:
                    facts = {"other": shapes[other].code, "area_m2": round(float(area), 1)}
                    self._error(LayerWord.SHAPES_OVERLAP, one, **facts)

    def _size(self, bay: Feature) -> None:
        drawn = _sides(self._shape(bay))
        said = sorted((float(bay.attributes[n]) for n in ("length_m", "width_m")), reverse=True)
        if any(abs(d - s) > SIZE_SLACK * s for d, s in zip(drawn, said, strict=True)):
            self._warning(
                LayerWord.BAY_SIZE,
                bay,
                length_m=said[0],
                width_m=said[1],
                drawn_length_m=round(drawn[0], 1),
                drawn_width_m=round(drawn[1], 1),
            )

    def _routes(self) -> None:
        ends = [self._shape(f) for kind in (LayerKind.GATE, LayerKind.DOCK) for f in self._now(kind)]
        zones = self._now(LayerKind.ZONE)
        ends += [self._shape(z) for z in zones if z.attributes["zone_kind"] == "lot"]
        for route in self._now(LayerKind.ROUTE):
            if ends and not any(self._shape(route).distance(end) <= REACH_M for end in ends):
                self._warning(LayerWord.ROUTE_LEADS_NOWHERE, route)


def _overlapping(versions: Sequence[Feature]) -> bool:
    dated = sorted((f.approval for f in versions if f.approval), key=lambda a: a.effective_from)
    return any(a.effective_to is None or a.effective_to > b.effective_from for a, b in pairwise(dated))


def _in_force(feature: Feature, day: date) -> bool:
    return feature.approval is None or feature.approval.in_force(day)


def _days_without(approvals: Sequence[Approval]) -> Iterator[tuple[date, date | None]]:
    """Stretches (from, until) after the first day with a version on which none is in force."""
    covered: date | None = None
    for approval in sorted(approvals, key=lambda a: a.effective_from):
        if covered is not None and approval.effective_from > covered:
            yield covered, approval.effective_from
        end = approval.effective_to or date.max
        covered = end if covered is None else max(covered, end)
    if covered is not None and covered < date.max:
        yield covered, None


def _within(value: str, allowed: Sequence[str]) -> bool:
    return any(value == a or value.startswith(f"{a}.") for a in allowed)


def _sides(shape: BaseGeometry) -> tuple[float, float]:
    """Length and width of the smallest rectangle around a shape, metres."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(shape))
    if len(corners) < 3:
        return 0.0, 0.0
    one, two = (float(((corners[i] - corners[i + 1]) ** 2).sum() ** 0.5) for i in (0, 1))
    return max(one, two), min(one, two)
