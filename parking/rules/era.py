"""The park as it is in force on one day, compiled: what a place is, which limit holds, which routes cover it.

Planar, metres in the park's metric CRS. An area asked about as a *line* is its open interior (on the edge
is outside); zones, gates, docks and bays are asked about closed, edge included.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

from geo.corridor import Corridor, Corridors
from geo.datum import LocalFrame
from geo.pieces import Piece, Roads, meet, pieces, points
from geo.shapes import Feature, LayerKind, Park
from geo.zonemap import Areas, Floats, Ints, Room, Strips, ZoneMap
from parking.rules.policy import Policy

#: Gates a hazmat vehicle may pass; the emergency gate is normally closed.
HAZMAT_GATES = frozenset({"hazmat_only"})

Bools = NDArray[np.bool_]


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
    inside: int  # one bit per line of the era: strictly inside


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """``Place`` of many points as columns of one length; ``limit_kmh`` is nan where there is none."""

    inside: NDArray[np.uint64]  # one bit per line of the era: strictly inside
    in_park: Bools
    in_ring: Bools
    in_lot: Bools
    owes_route: Bools
    resting: Bools
    limit_kmh: Floats
    limit_of: Ints
    limits: tuple[str, ...]

    def one(self, row: int) -> Place:
        limit = float(self.limit_kmh[row])
        return Place(
            in_park=bool(self.in_park[row]),
            in_ring=bool(self.in_ring[row]),
            in_lot=bool(self.in_lot[row]),
            owes_route=bool(self.owes_route[row]),
            resting=bool(self.resting[row]),
            limit_kmh=None if np.isnan(limit) else limit,
            limit_of=self.limits[self.limit_of[row]],
            inside=int(self.inside[row]),
        )


class Era:
    """Every layer in the versions in force at one instant. ``everywhere``: a route is owed outside too."""

    def __init__(self, park: Park, at: datetime, policy: Policy, frame: LocalFrame, everywhere: bool) -> None:
        self.policy, self.everywhere, self._frame = policy, everywhere, frame

        def areas(kind: LayerKind) -> tuple[Area, ...]:
            return tuple(self._area(f) for f in park.in_force(kind, at))

        self.boundary, self.control_lines = areas(LayerKind.BOUNDARY), areas(LayerKind.CONTROL_LINE)
        self.zones, self.gates = areas(LayerKind.ZONE), areas(LayerKind.GATE)
        self.docks, self.bays = areas(LayerKind.DOCK), areas(LayerKind.BAY)
        self.routes = tuple(self._corridor(f) for f in park.in_force(LayerKind.ROUTE, at))
        self.corridors = Corridors(self.routes)
        self._allowed: dict[tuple[str, ...], Corridors] = {}
        self.memo: dict[int, Any] = {}  # for the rules of lines, by the bits of a place

    @cached_property
    def lines(self) -> tuple[tuple[LayerKind, Area], ...]:
        """What can be crossed, in a fixed order: bit n of ``Places.inside`` speaks of the n-th."""
        boundary = [(LayerKind.BOUNDARY, area) for area in self.boundary]
        return (*boundary, *((LayerKind.CONTROL_LINE, area) for area in self.control_lines))

    @cached_property
    def line_keys(self) -> tuple[str, ...]:
        """What tells the lines apart, one each."""
        return tuple(f"{kind}:{area.code}" for kind, area in self.lines)

    def corridors_for(self, codes: tuple[str, ...]) -> Corridors:
        """The routes a vehicle may take; all of them when none is named, or none that is in force."""
        if codes not in self._allowed:
            named = self.corridors.only(codes)
            self._allowed[codes] = named if len(named) else self.corridors
        return self._allowed[codes]

    def allowed(self, codes: tuple[str, ...]) -> Bools:
        """Which of ``routes`` a vehicle may take, the same as ``corridors_for``."""
        named = np.array([route.code in codes for route in self.routes], dtype=bool)
        return named if named.any() else np.ones(len(self.routes), dtype=bool)

    def gate_at(self, x: float, y: float, slack_m: float) -> Area | None:
        """The gate a crossing point lies in, within ``slack_m`` metres; the nearest if several."""
        near = [(shapely.distance(g.shape, Point(x, y)), g) for g in self.gates if g.holds(x, y, slack_m)]
        return min(near, key=lambda pair: pair[0])[1] if near else None

    def place(self, x: float, y: float) -> Place:
        return self.places(np.array([x]), np.array([y])).one(0)

    def places(self, x: Floats, y: Floats) -> Places:
        """What each of many points is; ``x``, ``y`` (n,) metres."""
        n = len(x)
        inside = np.zeros(n, dtype=np.uint64)
        rows, lines = self._line_map.pairs(x, y)
        np.bitwise_or.at(inside, rows, np.left_shift(np.uint64(1), lines.astype(np.uint64)))
        in_park = (inside & self._bits(LayerKind.BOUNDARY)) != 0
        in_ring = ~in_park & ((inside & self.control_bits) != 0)
        resting, in_lot = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        rows, near = self._near_map.pairs(x, y)
        resting[rows[self._rests[near]]] = True
        in_lot[rows[self._is_lot[near]]] = True
        rank = np.where(in_park, self._park_rank, len(self._posted) - 1)
        rows, zones = self._zone_map.pairs(x, y)
        np.minimum.at(rank, rows, self._zone_rank[zones])
        owes = np.ones(n, dtype=bool) if self.everywhere else in_park | in_ring
        return Places(
            inside, in_park, in_ring, in_lot, owes, resting, self._posted[rank], rank, self._posted_by
        )

    def line_of(self, kind: LayerKind, inside: int) -> str:
        """The code of the first line of ``kind`` a place with these bits lies in; "" when in none."""
        for n, (line, area) in enumerate(self.lines):
            if line is kind and inside >> n & 1:
                return area.code
        return ""

    def room(self, x: Floats, y: Floats) -> Floats:
        """Metres to the nearest edge of any line, at least; (n,)."""
        return self._room.at(x, y)

    def met(self, x: Floats, y: Floats, to_x: Floats, to_y: Floats) -> Bools:
        """Whether the straight way from (x, y) to (to_x, to_y) meets the edge of any line; (n,)."""
        return meet(self.edges, points(x, y), points(to_x, to_y))

    def covering(self, x: Floats, y: Floats) -> tuple[Ints, Ints]:
        """Pairs (point, route whose corridor it lies in, by its place in ``routes``)."""
        return self._corridor_map.pairs(x, y)

    @cached_property
    def edges(self) -> BaseGeometry:
        """The edges of all lines as one geometry."""
        edges = shapely.unary_union([area.shape.boundary for _, area in self.lines])
        shapely.prepare(edges)
        return edges

    def met_on_road(self, x: Floats, y: Floats, to_x: Floats, to_y: Floats) -> Bools:
        """Whether a road along a route in whose corridor both ends lie may meet the edge of a line; (n,)."""
        met = np.zeros(len(x), dtype=bool)
        begin, end = points(x, y), points(to_x, to_y)
        piece, other = self._roads.alone_on(x, y), self._roads.alone_on(to_x, to_y)
        simple = (piece == other) & (piece >= 0)
        met[simple] = self._roads.meets(piece[simple], begin[simple], end[simple])
        met[~simple] = self._met_by_route(x[~simple], y[~simple], to_x[~simple], to_y[~simple])
        return met

    def _met_by_route(self, x: Floats, y: Floats, to_x: Floats, to_y: Floats) -> Bools:
        """The same route by route, where pieces meet."""
        met = np.zeros(len(x), dtype=bool)
        here, there = (_keys(*self.covering(*xy), len(self.routes)) for xy in ((x, y), (to_x, to_y)))
        ways, routes = np.divmod(np.intersect1d(here, there, assume_unique=True), max(1, len(self.routes)))
        begin, end = points(x[ways], y[ways]), points(to_x[ways], to_y[ways])
        met[ways[self._whole_roads.meets(routes, begin, end)]] = True
        return met

    @cached_property
    def _whole_roads(self) -> Roads:
        return Roads([Piece(r.line, r.half_width_m, once=False) for r in self.routes], self.edges)

    @cached_property
    def _roads(self) -> Roads:
        return Roads(pieces(self.routes), self.edges)

    @cached_property
    def _line_map(self) -> ZoneMap:
        return ZoneMap(Areas([area.shape for _, area in self.lines], closed=False))

    @cached_property
    def _near(self) -> tuple[Area, ...]:
        return (*self.zones, *self.gates, *self.docks, *self.bays)

    @cached_property
    def _near_map(self) -> ZoneMap:
        return ZoneMap(Strips([a.shape for a in self._near], [self.policy.accuracy_m] * len(self._near)))

    @cached_property
    def _rests(self) -> Bools:
        return np.array([_rests(a) for a in self._near], dtype=bool)

    @cached_property
    def _is_lot(self) -> Bools:
        return np.array([zone_kind(a) == "lot" for a in self._near], dtype=bool)

    @cached_property
    def _zone_map(self) -> ZoneMap:
        return ZoneMap(Areas([a.shape for a in self.zones]))

    @cached_property
    def _limits(self) -> list[tuple[float, str]]:
        """Every limit that is posted somewhere, the lowest first; the last is: none."""
        posted = {(limit, z.code) for z in self.zones if (limit := self._zone_limit(z)) is not None}
        return [*sorted(posted | {(self.policy.park_limit_kmh, "park")}), (np.nan, "")]

    @cached_property
    def _posted(self) -> Floats:
        return np.array([limit for limit, _ in self._limits])

    @cached_property
    def _posted_by(self) -> tuple[str, ...]:
        return tuple(code for _, code in self._limits)

    @cached_property
    def _park_rank(self) -> int:
        return self._limits.index((self.policy.park_limit_kmh, "park"))

    @cached_property
    def _zone_rank(self) -> Ints:
        def rank(zone: Area) -> int:
            limit = self._zone_limit(zone)
            return len(self._limits) - 1 if limit is None else self._limits.index((limit, zone.code))

        return np.array([rank(z) for z in self.zones], dtype=np.intp)

    @cached_property
    def _room(self) -> Room:
        shapes = [area.shape for _, area in self.lines]
        if not shapes:
            return Room(self.edges, (0.0, 0.0, 0.0, 0.0))
        west, south, east, north = shapely.total_bounds(shapes)
        around = max(east - west, north - south) / 2 + 1000.0
        return Room(self.edges, (west - around, south - around, east + around, north + around))

    @cached_property
    def _corridor_map(self) -> ZoneMap:
        return ZoneMap(Strips([r.line for r in self.routes], [r.half_width_m for r in self.routes]))

    @cached_property
    def control_bits(self) -> np.uint64:
        """The bits of ``Places.inside`` that speak of control lines."""
        return self._bits(LayerKind.CONTROL_LINE)

    def _bits(self, kind: LayerKind) -> np.uint64:
        bits = sum(1 << n for n, (line, _) in enumerate(self.lines) if line is kind)
        return np.uint64(bits)

    def _area(self, feature: Feature) -> Area:
        shape = self._frame.to_metres(feature.geometry)
        shapely.prepare(shape)
        return Area(feature, shape)

    def _corridor(self, feature: Feature) -> Corridor:
        width = feature.attributes.get("half_width_m")
        line = self._frame.to_metres(feature.geometry)
        return Corridor(
            feature.code, LineString(line.coords), float(width) if width else self.policy.corridor_m
        )

    def _zone_limit(self, zone: Area) -> float | None:
        stated = zone.feature.attributes.get("speed_limit_kmh")
        if stated:
            return float(stated)
        return self.policy.lot_limit_kmh if zone_kind(zone) == "lot" else None


def zone_kind(area: Area) -> str:
    return str(area.feature.attributes.get("zone_kind", ""))


def _rests(area: Area) -> bool:
    """A place where a hazmat vehicle may stand: lot, bay, dock, gate, gate queue."""
    return area.feature.kind is not LayerKind.ZONE or zone_kind(area) in ("lot", "gate_queue")


def _keys(points: Ints, routes: Ints, count: int) -> Ints:
    return np.asarray(points * count + routes)
