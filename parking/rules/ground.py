"""The park compiled for judging: which lines bind when, what a place is, which limit holds there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import shapely
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from geo.corridor import Corridor, Corridors
from geo.datum import LocalFrame
from geo.shapes import Feature, LayerKind, Park
from parking.rules.policy import Policy

#: Gates a hazmat vehicle may pass; the emergency gate is normally closed.
HAZMAT_GATES = frozenset({"hazmat_only"})


@dataclass(frozen=True, slots=True)
class Area:
    """A feature with its polygon in metres, prepared for many questions."""

    feature: Feature
    shape: BaseGeometry

    @property
    def code(self) -> str:
        return self.feature.code

    def holds(self, x: float, y: float, slack_m: float = 0.0) -> bool:
        if slack_m:
            return bool(shapely.dwithin(self.shape, Point(x, y), slack_m))
        return bool(shapely.intersects(self.shape, Point(x, y)))


@dataclass(frozen=True, slots=True)
class Place:
    """What the monitor needs to know about where a fix lies."""

    in_park: bool
    in_ring: bool
    in_lot: bool
    owes_route: bool
    resting: bool  # bay, dock, lot, gate or gate queue, within the terminal's accuracy
    limit_kmh: float | None
    limit_of: str


class Areas:
    """Many areas asked at once through a spatial index."""

    def __init__(self, areas: Sequence[Area]) -> None:
        self._areas = tuple(areas)
        self._tree = shapely.STRtree([a.shape for a in areas])

    def near(self, point: Point, slack_m: float = 0.0) -> list[Area]:
        """The areas that hold the point or come within ``slack_m`` metres of it."""
        if slack_m:
            found = self._tree.query(point, predicate="dwithin", distance=slack_m)
        else:
            found = self._tree.query(point, predicate="intersects")
        return [self._areas[i] for i in found]


class Ground:
    """Built once from a Park; every question is answered in the park's metric frame."""

    def __init__(self, park: Park, policy: Policy | None = None, everywhere: bool = False) -> None:
        """``everywhere``: a route is owed outside the control line too (files of tracks from elsewhere)."""
        self.park = park
        self.everywhere = everywhere
        self.policy = policy or Policy.from_mapping(park.policy)
        self.frame = LocalFrame(park.metric_crs)
        self._zone = ZoneInfo(park.timezone)
        self.gates = self._areas(park.of(LayerKind.GATE))
        self.docks = self._areas(park.of(LayerKind.DOCK))
        self.bays = self._areas(park.of(LayerKind.BAY))
        self.zones = self._areas(park.of(LayerKind.ZONE))
        self._own = self._policies_of_lines()
        self._allowed: dict[tuple[str, ...], Corridors] = {}
        self._lines: dict[tuple[LayerKind, date], tuple[Area, ...]] = {}

    @cached_property
    def corridors(self) -> Corridors:
        """The approved routes, each with its own half width or the policy's."""
        return Corridors([self._corridor(f) for f in self.park.of(LayerKind.ROUTE)])

    def corridors_for(self, codes: tuple[str, ...]) -> Corridors:
        """The routes a vehicle may take; all of them when none is named."""
        if codes not in self._allowed:
            self._allowed[codes] = self.corridors.only(codes)
        return self._allowed[codes]

    def day(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()

    def boundary(self, at: datetime) -> tuple[Area, ...]:
        """The boundary in force on the day of ``at``."""
        return self._in_force(LayerKind.BOUNDARY, at)

    def control_lines(self, at: datetime) -> tuple[Area, ...]:
        return self._in_force(LayerKind.CONTROL_LINE, at)

    def place(self, x: float, y: float, at: datetime) -> Place:
        point = Point(x, y)
        near = self._index.near(point, self.policy.accuracy_m)
        in_park = any(shapely.intersects(b.shape, point) for b in self.boundary(at))
        in_ring = not in_park and any(shapely.intersects(c.shape, point) for c in self.control_lines(at))
        limit, of = self._limit(self._index.near(point), in_park)
        return Place(
            in_park=in_park,
            in_ring=in_ring,
            in_lot=any(_zone_kind(a) == "lot" for a in near),
            owes_route=in_park or in_ring or self.everywhere,
            resting=any(_rests(a) for a in near),
            limit_kmh=limit,
            limit_of=of,
        )

    def policy_of(self, line: Area) -> Policy:
        """What holds in the ring of one control line: the park's policy, or what the line sets itself."""
        return self._own.get(id(line.feature), self.policy)

    @property
    def lines_differ(self) -> bool:
        """Whether a control line sets anything of its own."""
        return bool(self._own)

    def ring_policy(self, x: float, y: float, at: datetime) -> Policy:
        """The policy in the ring here; where several lines hold the place, the strictest of theirs."""
        holding = [self.policy_of(a) for a in self.control_lines(at) if a.holds(x, y)]
        return self.policy.strictest(holding)

    def bay_m(self, code: str, x: float, y: float) -> float | None:
        """Metres from a place to the outline of a bay, 0 inside; None for a bay that is not drawn."""
        bay = self._bay_of.get(code)
        return None if bay is None else float(shapely.distance(bay.shape, Point(x, y)))

    def bays_m(self, x: float, y: float) -> list[tuple[str, float]]:
        """Every bay with the metres from a place to its outline."""
        metres = shapely.distance([bay.shape for bay in self.bays], Point(x, y))
        return [(bay.code, float(m)) for bay, m in zip(self.bays, metres, strict=True)]

    @cached_property
    def _bay_of(self) -> Mapping[str, Area]:
        return {bay.code: bay for bay in self.bays}

    def _policies_of_lines(self) -> dict[int, Policy]:
        """By identity of the feature, only of lines that differ. Raises PolicyWrong naming the field."""
        lines = self.park.of(LayerKind.CONTROL_LINE)
        made = {id(f): self.policy.of_line(f.attributes) for f in lines}
        return {key: own for key, own in made.items() if own != self.policy}

    def gate_at(self, x: float, y: float, slack_m: float) -> Area | None:
        """The gate a crossing point lies in, within ``slack_m`` metres; the nearest if several."""
        near = [(shapely.distance(g.shape, Point(x, y)), g) for g in self.gates if g.holds(x, y, slack_m)]
        return min(near, key=lambda pair: pair[0])[1] if near else None

    @cached_property
    def _index(self) -> Areas:
        return Areas((*self.zones, *self.gates, *self.docks, *self.bays))

    def _limit(self, here: Sequence[Area], in_park: bool) -> tuple[float | None, str]:
        """The lowest limit of the zones here; the park's own inside the boundary; none outside."""
        limits = [(_zone_limit(z, self.policy.lot_limit_kmh), z.code) for z in here]
        posted = [(limit, code) for limit, code in limits if limit is not None]
        if in_park:
            posted.append((self.policy.park_limit_kmh, "park"))
        return min(posted) if posted else (None, "")

    def _in_force(self, kind: LayerKind, at: datetime) -> tuple[Area, ...]:
        key = (kind, self.day(at))
        if key not in self._lines:
            if len(self._lines) > 256:
                self._lines.clear()
            self._lines[key] = self._areas(self.park.in_force(kind, at))
        return self._lines[key]

    def _areas(self, features: Sequence[Feature]) -> tuple[Area, ...]:
        areas = tuple(Area(f, self.frame.to_metres(f.geometry)) for f in features)
        for area in areas:
            shapely.prepare(area.shape)
        return areas

    def _corridor(self, feature: Feature) -> Corridor:
        width = feature.attributes.get("half_width_m")
        line = self.frame.to_metres(feature.geometry)
        return Corridor(
            feature.code, LineString(line.coords), float(width) if width else self.policy.corridor_m
        )


def _zone_kind(area: Area) -> str:
    return str(area.feature.attributes.get("zone_kind", ""))


def _rests(area: Area) -> bool:
    """A place where a hazmat vehicle may stand: lot, bay, dock, gate, gate queue."""
    return area.feature.kind is not LayerKind.ZONE or _zone_kind(area) in ("lot", "gate_queue")


def _zone_limit(area: Area, lot_kmh: float) -> float | None:
    if area.feature.kind is not LayerKind.ZONE:
        return None
    stated = area.feature.attributes.get("speed_limit_kmh")
    if stated:
        return float(stated)
    return lot_kmh if _zone_kind(area) == "lot" else None
