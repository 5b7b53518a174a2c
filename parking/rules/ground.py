"""The park compiled for judging: which lines bind when, what a place is, which limit holds there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

import shapely
from shapely import Point
from shapely.geometry.base import BaseGeometry

from geo.corridor import Corridors
from geo.datum import LocalFrame
from geo.layer_checks import flag_of
from geo.shapes import Feature, LayerKind, Park
from parking.rules.policy import Policy
from parking.rules.routes import Routes

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

    def __iter__(self) -> Iterator[Area]:
        return iter(self._areas)

    def near(self, point: BaseGeometry, slack_m: float = 0.0) -> list[Area]:
        """The areas that hold the point (or meet the path) or come within ``slack_m`` metres of it."""
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
        self._lines: dict[tuple[LayerKind, date], tuple[Area, ...]] = {}

    @cached_property
    def routes(self) -> Routes:
        """The approved routes, each with its own half width or the policy's, and the detours."""
        return Routes(self.park, self.frame, self.policy.corridor_m)

    def corridors_for(self, codes: tuple[str, ...], at: datetime | None = None) -> Corridors:
        """The routes a vehicle may take at ``at``; every approved one when none is named."""
        return self.routes.allowed(codes, at)

    @cached_property
    def guarded_zones(self) -> Areas:
        """The zones whose edge is watched: who goes over it is recorded."""
        return Areas([z for z in self.zones if watched(z.feature)])

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


def watched(zone: Feature) -> bool:
    """Is its edge watched? A closed zone's is, unless ``record_crossings`` says otherwise."""
    said = flag_of(zone.attributes.get("record_crossings"))
    return zone.attributes.get("zone_kind") == "closed" if said is None else said


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
