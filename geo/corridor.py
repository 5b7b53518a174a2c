"""Approved routes as corridors: how far off, how far along, which way, and the road between two fixes.

Planar, metres in the park's metric CRS.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString

from geo.fix import TERMINAL_ACCURACY_M

#: Two fixes on a route follow it only if the way along it is not absurdly longer than the straight one.
DETOUR_FACTOR = 3.0
DETOUR_SLACK_M = 100.0

Spot = tuple[float, float]
_Numbers = NDArray[np.float64]


class Chain:
    """A line measured along: chainage of its vertices, and where a point lies beside it."""

    def __init__(self, line: LineString) -> None:
        at = shapely.get_coordinates(line)
        moves = np.diff(at, axis=0)
        lengths = np.hypot(moves[:, 0], moves[:, 1])
        real = lengths > 0
        self.starts: _Numbers = at[:-1][real]
        self.lengths: _Numbers = lengths[real]
        self.along: _Numbers = moves[real] / self.lengths[:, None]
        self.vertices: _Numbers = np.vstack((self.starts, at[-1:]))
        self.chainage: _Numbers = np.concatenate(([0.0], np.cumsum(self.lengths)))

    def spots(self, x: float, y: float, slack_m: float) -> tuple[_Numbers, _Numbers]:
        """Where the line passes ``x``, ``y``: chainages, and offsets to the left, metres, of each passing.

        A line that comes by several times (there and back on one road) has several; what lies farther
        away than the nearest one by more than ``slack_m`` is not meant.
        """
        away = np.array([x, y]) - self.starts
        reached = np.clip((away * self.along).sum(axis=1), 0.0, self.lengths)
        feet = away - self.along * reached[:, None]
        distance = np.hypot(feet[:, 0], feet[:, 1])
        chainage = self.chainage[:-1] + reached
        near = _passings(distance, chainage, slack_m)
        left = self.along[near, 0] * away[near, 1] - self.along[near, 1] * away[near, 0]
        return chainage[near], np.copysign(distance[near], left)

    def between(self, begin: float, end: float, left: Spot) -> list[Spot]:
        """Vertices strictly between two chainages, in the order of travel, moved to the left.

        ``left``: how far at ``begin`` and at ``end``, metres; in between it changes evenly.
        """
        low, high = min(begin, end), max(begin, end)
        first = int(np.searchsorted(self.chainage, low + 1e-6, side="right"))
        last = int(np.searchsorted(self.chainage, high - 1e-6, side="left"))
        found: list[Spot] = []
        for i in range(first, last):
            share = (self.chainage[i] - begin) / (end - begin)
            aside = left[0] + (left[1] - left[0]) * share
            normal = self._normal(i)
            found.append(
                (
                    float(self.vertices[i, 0] + normal[0] * aside),
                    float(self.vertices[i, 1] + normal[1] * aside),
                )
            )
        return found if begin <= end else found[::-1]

    def _normal(self, i: int) -> Spot:
        """To the left at a vertex, one metre, halfway between the normals of its two segments."""
        ways = self.along[max(i - 1, 0) : i + 1].sum(axis=0)
        size = math.hypot(ways[0], ways[1])
        return (-ways[1] / size, ways[0] / size) if size > 1e-9 else (0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Passings:
    """Where lines pass places, in columns: which of the asked pairs, how far along, metres to the left."""

    pair: NDArray[np.intp]
    chainage: _Numbers
    left: _Numbers

    def of_pairs(self, count: int) -> list[list[Spot]]:
        found: list[list[Spot]] = [[] for _ in range(count)]
        for pair, *spot in zip(self.pair.tolist(), self.chainage.tolist(), self.left.tolist(), strict=True):
            found[pair].append((spot[0], spot[1]))
        return found


class Chains:
    """Many lines measured along at once. A leg that several of them share is measured once.

    ``within_m``: a place is only asked about a line it lies no farther from than this.
    """

    def __init__(self, chains: Sequence[Chain], within_m: float) -> None:
        counts = [len(chain.lengths) for chain in chains]
        self._within_m = within_m
        self._owner = np.repeat(np.arange(len(chains)), counts)
        self._chainage = np.concatenate([np.zeros(0), *(c.chainage[:-1] for c in chains)])
        starts = np.concatenate([np.zeros((0, 2)), *(c.vertices[:-1] for c in chains)])
        ends = np.concatenate([np.zeros((0, 2)), *(c.vertices[1:] for c in chains)])
        _, one, which = np.unique(np.hstack([starts, ends]), axis=0, return_index=True, return_inverse=True)
        self._starts = starts[one]
        self._along = np.concatenate([np.zeros((0, 2)), *(c.along for c in chains)])[one]
        self._lengths = np.concatenate([np.zeros(0), *(c.lengths for c in chains)])[one]
        self._legs = np.argsort(which.ravel(), kind="stable")  # of the lines, by the leg they share
        self._shared = np.bincount(which.ravel(), minlength=len(one))
        self._first = np.cumsum(self._shared) - self._shared
        legs = shapely.linestrings(np.stack([starts[one], ends[one]], axis=1))
        self._tree = shapely.STRtree(np.asarray(legs, dtype=object))

    def passings(
        self, places: _Numbers, place: NDArray[np.intp], line: NDArray[np.intp], slack_m: float
    ) -> Passings:
        """``Chain.spots`` of ``line[n]`` at ``places[place[n]]``, pairs ascending; ``places`` (m, 2)."""
        points, legs = self._tree.query(
            shapely.points(places), predicate="dwithin", distance=self._within_m + slack_m + 0.01
        )
        away, along = places[points] - self._starts[legs], self._along[legs]
        reached = np.clip((away * along).sum(axis=1), 0.0, self._lengths[legs])
        feet = away - along * reached[:, None]
        distance = np.hypot(feet[:, 0], feet[:, 1])
        left = np.copysign(distance, along[:, 0] * away[:, 1] - along[:, 1] * away[:, 0])
        measured, leg = self._of_lines(legs)
        lines = int(self._owner.max(initial=0)) + 1
        asked, keys = place * lines + line, points[measured] * lines + self._owner[leg]
        pair = np.searchsorted(asked, keys)
        mine = asked[np.minimum(pair, len(asked) - 1)] == keys if len(asked) else np.zeros(0, dtype=bool)
        measured, leg, pair = measured[mine], leg[mine], pair[mine]
        order = np.lexsort((leg, pair))
        measured, leg, pair = measured[order], leg[order], pair[order]
        return _nearest(
            pair, leg, self._chainage[leg] + reached[measured], distance[measured], left[measured], slack_m
        )

    def _of_lines(self, legs: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Pairs (place in ``legs``, leg of a line that it is)."""
        counts = self._shared[legs]
        measured = np.repeat(np.arange(len(legs)), counts)
        within = np.arange(len(measured)) - np.repeat(np.cumsum(counts) - counts, counts)
        return measured, self._legs[self._first[legs][measured] + within]


def _nearest(
    pair: NDArray[np.intp],
    leg: NDArray[np.intp],
    chainage: _Numbers,
    distance: _Numbers,
    left: _Numbers,
    slack_m: float,
) -> Passings:
    """The nearest leg of each passing: a run of near legs with their feet close together."""
    if not len(pair):
        return Passings(pair, chainage, left)
    begins = np.flatnonzero(np.diff(pair, prepend=-1))
    least = np.repeat(np.minimum.reduceat(distance, begins), np.diff(begins, append=len(pair)))
    near = np.flatnonzero(distance <= least + slack_m)
    pair, leg = pair[near], leg[near]
    chainage, distance, left = chainage[near], distance[near], left[near]
    apart = (np.diff(leg) > 1) | (np.diff(chainage) > 3 * slack_m) | (np.diff(pair) > 0)
    runs = np.concatenate(([0], np.cumsum(apart)))
    nearest = np.minimum.reduceat(distance, np.concatenate(([0], np.flatnonzero(apart) + 1)))
    first = np.flatnonzero(distance == nearest[runs])
    picked = first[np.unique(runs[first], return_index=True)[1]]
    return Passings(pair[picked], chainage[picked], left[picked])


def _passings(distance: _Numbers, chainage: _Numbers, slack_m: float) -> list[int]:
    """The nearest segment of each passing: a run of near segments with their feet close together."""
    near = np.flatnonzero(distance <= distance.min() + slack_m)
    breaks = np.flatnonzero((np.diff(near) > 1) | (np.diff(chainage[near]) > 3 * slack_m)) + 1
    return [int(run[np.argmin(distance[run])]) for run in np.split(near, breaks)]


@dataclass(frozen=True, slots=True)
class Corridor:
    """An approved route: its line in driving order, its half width in metres, whether it is one-way."""

    code: str
    line: LineString
    half_width_m: float
    one_way: bool = False
    chain: Chain = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "chain", Chain(self.line))


@dataclass(frozen=True, slots=True)
class Offset:
    """The nearest allowed corridor. ``beyond_m`` ≤ 0 is inside it."""

    code: str
    offset_m: float
    half_width_m: float
    along_m: float

    @property
    def beyond_m(self) -> float:
        return self.offset_m - self.half_width_m


class Corridors:
    """Several corridors asked at once."""

    def __init__(self, corridors: Sequence[Corridor]) -> None:
        self._all = tuple(corridors)
        self._lines = np.array([c.line for c in corridors], dtype=object)
        self._widths = np.array([c.half_width_m for c in corridors], dtype=float)
        self._width_each: Any = self._widths  # as shapely takes it, whatever it declares
        self.any_one_way = any(c.one_way for c in corridors)
        shapely.prepare(self._lines)

    @cached_property
    def codes(self) -> frozenset[str]:
        return frozenset(c.code for c in self._all)

    @cached_property
    def widths(self) -> tuple[float, float]:
        """The least and the largest half width, metres."""
        return float(self._widths.min(initial=np.inf)), float(self._widths.max(initial=0.0))

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Corridor]:
        return iter(self._all)

    def __getitem__(self, place: int) -> Corridor:
        return self._all[place]

    def only(self, codes: Sequence[str]) -> Corridors:
        """These corridors; all of them when ``codes`` is empty."""
        return Corridors([c for c in self._all if c.code in codes]) if codes else self

    def nearest(self, x: float, y: float) -> Offset | None:
        """The corridor least left (by offset beyond its half width); None when there is none."""
        if not self._all:
            return None
        point = shapely.points(x, y)
        offsets = shapely.distance(self._lines, point)
        best = int(np.argmin(offsets - self._widths))
        corridor = self._all[best]
        along = float(shapely.line_locate_point(corridor.line, point))
        return Offset(corridor.code, float(offsets[best]), corridor.half_width_m, along)

    def holding(self, *spots: Spot) -> list[Corridor]:
        """The corridors all ``spots`` lie in."""
        return [self._all[n] for n in self.places_holding(*spots)]

    def places_holding(self, *spots: Spot) -> list[int]:
        """The same by their place among all."""
        near, widths = np.ones(len(self._all), dtype=bool), self._width_each
        for spot in spots if self._all else ():
            near &= shapely.dwithin(self._lines, shapely.points(spot), widths)
        places: list[int] = np.flatnonzero(near).tolist()
        return places

    def road(
        self, a: Spot, b: Spot, reach_m: float = math.inf, slack_m: float = TERMINAL_ACCURACY_M
    ) -> list[Spot]:
        """The likely path from ``a`` to ``b``: along a corridor both lie in, else straight.

        It bends where the route bends, as far beside it as the two fixes are, less ``slack_m`` (so far off
        may a fix of a vehicle on the route lie): who drives along the route on the other side of a fence
        is not led through the fence. ``reach_m``: nobody can have driven farther than that.
        """
        holding = self.places_holding(a, b)
        if len(holding) < 4:
            return road([self._all[n] for n in holding], a, b, reach_m, slack_m)
        longest = min(DETOUR_FACTOR * math.dist(a, b) + DETOUR_SLACK_M, reach_m)
        which = np.array(holding, dtype=np.intp)
        here = np.zeros(len(holding), dtype=np.intp)
        spots = [self.chains.passings(np.array([at]), here, which, slack_m) for at in (a, b)]
        ends = [found.of_pairs(len(holding)) for found in spots]
        ways = [(shortest(begin, end, longest), n) for n, begin, end in zip(holding, *ends, strict=True)]
        believable = [(way[0], n, way) for way, n in ways if way is not None]
        if not believable:
            return [a, b]
        _, n, (_, begin, end) = min(believable)
        aside = (beside(begin[1], slack_m), beside(end[1], slack_m))
        return [a, *self._all[n].chain.between(begin[0], end[0], aside), b]

    @cached_property
    def chains(self) -> Chains:
        """The lines, measured along."""
        return Chains([c.chain for c in self._all], self.widths[1])

    def against(self, a: Spot, b: Spot, slack_m: float = TERMINAL_ACCURACY_M) -> str | None:
        """The one-way corridor that a drive from ``a`` to ``b`` went against; None when it went against none.

        As long as any allowed corridor explains the drive (a two-way one, or one that leads this way) it
        went against none. Meant for places farther apart than fixes jitter.
        """
        holding = self.holding(a, b)
        if not holding or not all(c.one_way for c in holding):
            return None
        longest = DETOUR_FACTOR * math.dist(a, b) + DETOUR_SLACK_M
        ways = [(c.code, _moves(c, a, b, longest, slack_m)) for c in holding]
        if any((moves > 0).any() for _, moves in ways):
            return None
        return next((code for code, moves in ways if moves.size), None)


def road(corridors: Sequence[Corridor], a: Spot, b: Spot, reach_m: float, slack_m: float) -> list[Spot]:
    """The likely path along the shortest believable of some corridors both ends lie in, else straight."""
    longest = min(DETOUR_FACTOR * math.dist(a, b) + DETOUR_SLACK_M, reach_m)
    ways = [way for c in corridors if (way := _way(c, a, b, longest, slack_m))]
    return [a, *min(ways, key=lambda way: way[0])[1], b] if ways else [a, b]


def _moves(corridor: Corridor, a: Spot, b: Spot, longest_m: float, slack_m: float) -> _Numbers:
    """Metres along the corridor (negative: backwards) that a drive may have been."""
    begins, _ = corridor.chain.spots(*a, slack_m)
    ends, _ = corridor.chain.spots(*b, slack_m)
    moves: _Numbers = ends[None, :] - begins[:, None]
    return moves[np.abs(moves) <= longest_m]


def shortest(begins: list[Spot], ends: list[Spot], longest_m: float) -> tuple[float, Spot, Spot] | None:
    """Length between two passings of a line and which they are, chosen as ``_way`` does."""
    found: tuple[float, float, Spot, Spot] | None = None
    for begin in begins:
        for end in ends:
            length = abs(end[0] - begin[0])
            cost = length + abs(begin[1]) + abs(end[1])
            if length <= longest_m and (found is None or cost < found[0]):
                found = (cost, length, begin, end)
    return found and found[1:]


def _way(
    corridor: Corridor, a: Spot, b: Spot, longest_m: float, slack_m: float
) -> tuple[float, list[Spot]] | None:
    """Length along the corridor and its bends between two places in it; None: longer than believable."""
    begins, left_a = corridor.chain.spots(*a, slack_m)
    ends, left_b = corridor.chain.spots(*b, slack_m)
    lengths = np.abs(ends[None, :] - begins[:, None])
    # of several passings the nearest one counts, unless another makes the way believable
    far = lengths > longest_m
    if far.all():
        return None
    cost = np.where(far, np.inf, lengths + np.abs(left_a)[:, None] + np.abs(left_b)[None, :])
    i, j = np.unravel_index(int(np.argmin(cost)), cost.shape)
    aside = (beside(float(left_a[i]), slack_m), beside(float(left_b[j]), slack_m))
    return float(lengths[i, j]), corridor.chain.between(float(begins[i]), float(ends[j]), aside)


def beside(left_m: float, slack_m: float) -> float:
    """How far off the line a fix says the vehicle really was."""
    return math.copysign(max(0.0, abs(left_m) - slack_m), left_m)
