"""The park as it is in force on one day, compiled: what a place is, which limit holds, which routes cover it.

Planar, metres in the park's metric CRS. An area asked about as a *line* is its open interior (on the edge
is outside); zones, gates, docks and bays are asked about closed, edge included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Point
from shapely.geometry.base import BaseGeometry

from geo.corridor import Corridor, Corridors
from geo.datum import LocalFrame
from geo.layer_checks import flag_of
from geo.pieces import Roads, meet, pieces, points
from geo.shapes import Feature, LayerKind, Park
from geo.zonemap import Areas, Floats, Ints, Room, Strips, ZoneMap
from parking.rules.policy import Policy
from parking.rules.routes import Route

#: Gates a hazmat vehicle may pass; the emergency gate is normally closed.
HAZMAT_GATES = frozenset({"hazmat_only"})
#: A fix of a vehicle on the route lies at most this many accuracies off it ...
LEAN = 2.0
#: ... or, in a narrow corridor, this share of its half width.
LEAN_SHARE = 0.6
#: Bits of a place.
LINES_MOST = 64

Bools = NDArray[np.bool_]
#: One bit a route, 64 to a column: (n, columns).
Words = NDArray[np.uint64]


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
    stretch: int  # of road, see ``Era.stretch``


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
    stretch: Ints
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
            stretch=int(self.stretch[row]),
        )


class Era:
    """Every layer in the versions in force at one instant. ``everywhere``: a route is owed outside too."""

    def __init__(
        self,
        park: Park,
        at: datetime,
        policy: Policy,
        frame: LocalFrame,
        routes: Sequence[Route],
        everywhere: bool,
    ) -> None:
        self.policy, self.everywhere, self._frame = policy, everywhere, frame

        def areas(kind: LayerKind) -> tuple[Area, ...]:
            return tuple(self._area(f) for f in park.in_force(kind, at))

        self.boundary, self.control_lines = areas(LayerKind.BOUNDARY), areas(LayerKind.CONTROL_LINE)
        self.zones, self.gates = areas(LayerKind.ZONE), areas(LayerKind.GATE)
        self.docks, self.bays = areas(LayerKind.DOCK), areas(LayerKind.BAY)
        self._routes = tuple(routes)
        self.routes = tuple(r.corridor for r in routes)
        self.corridors = Corridors(self.routes)
        self.memo: dict[int, Any] = {}  # for the rules of lines, by the bits of a place

    @cached_property
    def outlines(self) -> tuple[tuple[LayerKind, Area], ...]:
        """Boundary and control lines: the side of them is always remembered."""
        boundary = [(LayerKind.BOUNDARY, area) for area in self.boundary]
        return (*boundary, *((LayerKind.CONTROL_LINE, area) for area in self.control_lines))

    @cached_property
    def outline_edges(self) -> NDArray[np.object_]:
        """The edges of ``outlines``, one each."""
        edges = np.array([area.shape.boundary for _, area in self.outlines], dtype=object)
        shapely.prepare(edges)
        return edges

    @cached_property
    def _outline_boxes(self) -> NDArray[np.float64]:
        return np.asarray(shapely.bounds(self.outline_edges)).reshape(-1, 4)

    def outlines_apart(self, path: Sequence[tuple[float, float]], within_m: float) -> Bools:
        """Which of ``outlines`` surely lie farther than so many metres from all of ``path``, by boxes."""
        west, south, east, north = self._outline_boxes.T
        x, y = [at[0] for at in path], [at[1] for at in path]
        beside = (min(x) - within_m > east) | (max(x) + within_m < west)
        return np.asarray(beside | (min(y) - within_m > north) | (max(y) + within_m < south))

    @cached_property
    def guarded(self) -> tuple[Area, ...]:
        """The zones whose edge is watched: who goes over it is recorded."""
        return tuple(zone for zone in self.zones if watched(zone.feature))

    @cached_property
    def lines(self) -> tuple[tuple[LayerKind, Area], ...]:
        """What can be crossed, in a fixed order: bit n of ``Places.inside`` speaks of the n-th."""
        every = (*self.outlines, *((LayerKind.ZONE, zone) for zone in self.guarded))
        return every[:LINES_MOST]

    @property
    def crowded(self) -> bool:
        """More lines than bits: what lines a way meets is then asked line by line."""
        return len(self.outlines) + len(self.guarded) > LINES_MOST

    @cached_property
    def line_keys(self) -> tuple[str, ...]:
        """What tells the lines apart, one each."""
        return tuple(f"{kind}:{area.code}" for kind, area in self.lines)

    def allowed(self, codes: tuple[str, ...]) -> Bools:
        """Which of ``routes`` a vehicle with these codes may take at any hour of the day."""
        own = [not r.detour and r.serves(codes) for r in self._routes]
        mine = codes if any(own) else ()
        return np.array([not r.timed and r.serves(mine) for r in self._routes], dtype=bool)

    @cached_property
    def one_way(self) -> Bools:
        """Which of ``routes`` may be driven one way only."""
        return np.array([r.one_way for r in self.routes], dtype=bool)

    @cached_property
    def timed(self) -> bool:
        """Some route may be taken at some hours only."""
        return any(r.timed for r in self._routes)

    @cached_property
    def alike(self) -> bool:
        """All routes are as wide as each other."""
        return len({r.half_width_m for r in self.routes}) < 2

    def stretch(self, x: Floats, y: Floats) -> Ints:
        """The one stretch of road each place lies at, by its number; -1 where more must be known; (n,)."""
        return self._roads.alone_on(x, y)

    def shared(
        self, number: int, a: tuple[float, float], b: tuple[float, float], allowed: Corridors
    ) -> list[Corridor]:
        """The stretch of that number, on which both places lie, for all routes on it; none where no allowed
        route both lie in runs there."""
        stretch = self.stretches[number]
        off = float(shapely.distance(stretch.line, shapely.points([a, b])).max())
        least, most = allowed.widths
        codes = allowed.codes if off <= least else {c.code for c in allowed if off <= c.half_width_m}
        runs = off <= most and not codes.isdisjoint(self._users[number])
        return [stretch] if runs else []

    @cached_property
    def _users(self) -> tuple[frozenset[str], ...]:
        """Codes of the routes on each stretch."""
        return tuple(frozenset(self.routes[n].code for n in p.routes) for p in self._roads.pieces)

    def all_shared(self, numbers: Ints, a: Floats, b: Floats, allowed: Corridors) -> Bools:
        """Of each step from ``a`` (n, 2) to ``b`` on a stretch: whether ``shared`` finds it; (n,)."""
        lines = np.array([s.line for s in self.stretches], dtype=object)[numbers]
        off = np.maximum(shapely.distance(lines, points(*a.T)), shapely.distance(lines, points(*b.T)))
        open_to = np.array([not allowed.codes.isdisjoint(codes) for codes in self._users], dtype=bool)
        least, most = allowed.widths
        found = np.asarray((off <= least) & open_to[numbers])
        for n in np.flatnonzero((off > least) & (off <= most)).tolist():
            here, there = (a[n, 0], a[n, 1]), (b[n, 0], b[n, 1])
            found[n] = bool(self.shared(int(numbers[n]), here, there, allowed))
        return found

    @cached_property
    def stretches(self) -> Corridors:
        """The stretches of road by their number, each for all routes on it."""
        return Corridors([Corridor("", p.line, p.half_width_m) for p in self._roads.pieces])

    def policy_of(self, line: Area) -> Policy:
        """What holds in the ring of one control line: the park's policy, or what the line sets itself."""
        return self._own.get(line.code, self.policy)

    @property
    def lines_differ(self) -> bool:
        """Whether a control line sets anything of its own."""
        return bool(self._own)

    def ring_policy(self, inside: int) -> Policy:
        """The policy of a place with these bits; where several lines hold it, the strictest of theirs."""
        lines = [
            a for n, (kind, a) in enumerate(self.lines) if kind is LayerKind.CONTROL_LINE and inside >> n & 1
        ]
        return self.policy.strictest([self.policy_of(area) for area in lines])

    def bay_m(self, code: str, x: float, y: float) -> float | None:
        """Metres from a place to the outline of a bay, 0 inside; None for a bay that is not drawn."""
        bay = self._bay_of.get(code)
        return None if bay is None else float(shapely.distance(bay.shape, shapely.points(x, y)))

    def bays_m(self, x: float, y: float) -> list[tuple[str, float]]:
        """Every bay with the metres from a place to its outline."""
        metres = shapely.distance([bay.shape for bay in self.bays], shapely.points(x, y))
        return [(bay.code, float(m)) for bay, m in zip(self.bays, metres, strict=True)]

    def gate_at(self, x: float, y: float, slack_m: float) -> Area | None:
        """The gate a crossing point lies in, within ``slack_m`` metres; the nearest if several."""
        near = [(shapely.distance(g.shape, Point(x, y)), g) for g in self.gates if g.holds(x, y, slack_m)]
        return min(near, key=lambda pair: pair[0])[1] if near else None

    def place(self, x: float, y: float) -> Place:
        return self.places(np.array([x]), np.array([y])).one(0)

    def places(self, x: Floats, y: Floats) -> Places:
        """What each of many points is; ``x``, ``y`` (n,) metres."""
        n = len(x)
        inside = self._line_map.bits(x, y)[:, 0]
        in_park = (inside & self._bits(LayerKind.BOUNDARY)) != 0
        in_ring = ~in_park & ((inside & self.control_bits) != 0)
        resting, in_lot = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        resting[self._rest_map.pairs(x, y)[0]] = True
        in_lot[self._lot_map.pairs(x, y)[0]] = True
        rank = np.where(in_park, self._park_rank, len(self._posted) - 1)
        rows, zones = self._zone_map.pairs(x, y)
        np.minimum.at(rank, rows, self._zone_rank[zones])
        owes = np.ones(n, dtype=bool) if self.everywhere else in_park | in_ring
        return Places(
            inside, in_park, in_ring, in_lot, owes, resting, self._posted[rank], rank, self.stretch(x, y),
            self._posted_by,
        )  # fmt: skip

    def line_of(self, kind: LayerKind, inside: int) -> str:
        """The code of the first line of ``kind`` a place with these bits lies in; "" when in none."""
        for n, (line, area) in enumerate(self.lines):
            if line is kind and inside >> n & 1:
                return area.code
        return ""

    def room(self, x: Floats, y: Floats) -> Floats:
        """Metres to the nearest edge of any line, at least; (n,)."""
        return self._room.at(x, y)

    def beside_line(self, x: Floats, y: Floats, within_m: float) -> Bools:
        """Whether a place lies within so many metres of the edge of any line; (n,)."""
        return np.asarray(shapely.dwithin(self.edges, points(x, y), within_m), dtype=bool)

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

    def met_on_road(
        self, x: Floats, y: Floats, to_x: Floats, to_y: Floats, piece: Ints, other: Ints
    ) -> Bools:
        """Whether a road along a route in whose corridor both ends lie may meet the edge of a line; (n,).

        ``piece``, ``other``: the stretch of road of either end.
        """
        met = np.ones(len(x), dtype=bool)
        one = np.flatnonzero((piece == other) & (piece >= 0))
        begin, end = points(x[one], y[one]), points(to_x[one], to_y[one])
        met[one] = self._roads.meets(piece[one], begin, end)
        return met

    def held_by(self, corridors: Corridors, x: Floats, y: Floats) -> tuple[Ints, Ints]:
        """Pairs (point, which of ``corridors`` it lies in); these are routes of the era."""
        number = {corridor.code: n for n, corridor in enumerate(corridors)}
        among = np.array([number.get(route.code, -1) for route in self.routes], dtype=np.intp)
        points, routes = self.covering(x, y)
        held = among[routes]
        return points[held >= 0], held[held >= 0]

    def far_from_routes(self, x: Floats, y: Floats, metres: float) -> Bools:
        """Surely farther than so many metres from the line of every route; (n,)."""
        west, south, east, north = self._routes_box
        beside = (x < west - metres) | (x > east + metres)
        return np.asarray(beside | (y < south - metres) | (y > north + metres))

    @cached_property
    def _routes_box(self) -> tuple[float, float, float, float]:
        """Nowhere, where there is no route."""
        if not self.routes:
            return (np.inf, np.inf, -np.inf, -np.inf)
        west, south, east, north = shapely.total_bounds([route.line for route in self.routes]).tolist()
        return west, south, east, north

    def routes_at(self, x: Floats, y: Floats) -> Words:
        """The routes in whose corridor each point lies, as ``bits_of``."""
        return self._corridor_map.bits(x, y)

    def routes_along(self, x: Floats, y: Floats) -> Words:
        """The routes each point lies so near to that it does not lean to the corridor's edge."""
        return self._inner_map.bits(x, y)

    @cached_property
    def _inner_map(self) -> ZoneMap:
        accuracy = self.policy.accuracy_m
        widths = [min(LEAN * accuracy, LEAN_SHARE * r.half_width_m) for r in self.routes]
        return ZoneMap(Strips([r.line for r in self.routes], widths))

    @cached_property
    def _roads(self) -> Roads:
        return Roads(pieces(self.routes), self.edges, self.policy.accuracy_m)

    @cached_property
    def _bay_of(self) -> Mapping[str, Area]:
        return {bay.code: bay for bay in self.bays}

    @cached_property
    def _own(self) -> Mapping[str, Policy]:
        """Policies of control lines that differ from the park's, by code. Raises PolicyWrong."""
        made = {area.code: self.policy.of_line(area.feature.attributes) for area in self.control_lines}
        return {code: own for code, own in made.items() if own != self.policy}

    @cached_property
    def _line_map(self) -> ZoneMap:
        return ZoneMap(Areas([area.shape for _, area in self.lines], closed=False))

    @cached_property
    def _near(self) -> tuple[Area, ...]:
        return (*self.zones, *self.gates, *self.docks, *self.bays)

    @cached_property
    def _rest_map(self) -> ZoneMap:
        return self._beside([a.shape for a in self._near if _rests(a)])

    @cached_property
    def _lot_map(self) -> ZoneMap:
        return self._beside([a.shape for a in self._near if zone_kind(a) == "lot"])

    def _beside(self, shapes: Sequence[BaseGeometry]) -> ZoneMap:
        """All within the terminal's accuracy of any of the shapes, as one region."""
        every = [shapely.unary_union(shapes)] if shapes else []
        return ZoneMap(Strips(every, [self.policy.accuracy_m] * len(every)))

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

    def _zone_limit(self, zone: Area) -> float | None:
        stated = zone.feature.attributes.get("speed_limit_kmh")
        if stated:
            return float(stated)
        return self.policy.lot_limit_kmh if zone_kind(zone) == "lot" else None


def watched(zone: Feature) -> bool:
    """Is its edge watched? A closed zone's is, unless ``record_crossings`` says otherwise."""
    said = flag_of(zone.attributes.get("record_crossings"))
    return zone.attributes.get("zone_kind") == "closed" if said is None else said


def zone_kind(area: Area) -> str:
    return str(area.feature.attributes.get("zone_kind", ""))


def _rests(area: Area) -> bool:
    """A place where a hazmat vehicle may stand: lot, bay, dock, gate, gate queue."""
    return area.feature.kind is not LayerKind.ZONE or zone_kind(area) in ("lot", "gate_queue")


def bits_of(flags: Bools) -> NDArray[np.uint64]:
    """Flags as bits, 64 to a word; (words,), at least one."""
    padded = np.zeros(64 * max(1, -(-len(flags) // 64)), dtype=np.uint8)
    padded[: len(flags)] = flags
    return np.packbits(padded, bitorder="little").view(np.dtype("<u8")).astype(np.uint64)
