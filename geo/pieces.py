"""Roads that several routes share, told apart once: the pieces all routes consist of.

Forty routes that leave the park through one gate share one road; what is asked about a place on it is
asked once, not forty times. Planar, metres.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString
from shapely.geometry.base import BaseGeometry

from geo.corridor import Corridor
from geo.zonemap import Floats, Ints, Strips, ZoneMap

_Spot = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """``line``: a stretch of road; ``half_width_m``: the widest of the routes that run on it.

    ``once``: no route runs on any part of it twice. ``routes``: those that do, by their place.
    """

    line: LineString
    half_width_m: float
    once: bool
    routes: frozenset[int]


def pieces(routes: Sequence[Corridor]) -> tuple[Piece, ...]:
    """The stretches between which the set of routes changes, each once."""
    users: dict[frozenset[_Spot], list[int]] = {}
    for n, route in enumerate(routes):
        for leg in pairwise(route.line.coords):
            users.setdefault(frozenset(leg), []).append(n)
    found: dict[frozenset[_Spot], Piece] = {}
    for route in routes:
        for on, legs in groupby(pairwise(route.line.coords), lambda leg: tuple(users[frozenset(leg)])):
            way = list(legs)
            spots = [way[0][0], *(leg[1] for leg in way)]
            once = max(Counter(on).values()) == 1 and len(set(spots)) == len(spots)
            widest = max(routes[n].half_width_m for n in on)
            found.setdefault(frozenset(spots), Piece(LineString(spots), widest, once, frozenset(on)))
    return tuple(found.values())


class Roads:
    """Whether ways along pieces of road may meet the given lines, for many at once.

    ``slack_m``: a fix of a vehicle on the road lies at most so far off it. A way between two places along a
    road keeps as far from the road as they are, so it can meet a line only where that comes as near.
    """

    def __init__(self, pieces: Sequence[Piece], edges: BaseGeometry, slack_m: float) -> None:
        self.pieces, self._slack_m = tuple(pieces), slack_m
        self._lines = np.array([p.line for p in self.pieces], dtype=object)
        self._once = np.array([p.once for p in self.pieces], dtype=bool)
        widths = [p.half_width_m for p in self.pieces]
        self._map = ZoneMap(Strips([p.line for p in self.pieces], [w + slack_m for w in widths]))
        self._span = 1.0 + max((p.line.length for p in self.pieces), default=0.0)
        widest = max(widths, default=0.0)
        self._close = self._intervals(edges, slack_m + 0.5)
        self._wide = self._intervals(edges, widest + slack_m + 0.5)

    def alone_on(self, x: Floats, y: Floats) -> Ints:
        """The one piece each place lies at; -1 where there is none, several, or one driven twice; (n,)."""
        alone = np.full(len(x), -1, dtype=np.intp)
        points, which = self._map.pairs(x, y)
        count = np.bincount(points, minlength=len(x))
        fits = (count[points] == 1) & self._once[which]
        alone[points[fits]] = which[fits]
        return alone

    def meets(self, which: Ints, begin: NDArray[np.object_], end: NDArray[np.object_]) -> NDArray[np.bool_]:
        """Whether the way from ``begin`` along the piece to ``end`` (points) may meet a line; elementwise."""
        lines = self._lines[which]
        along = shapely.line_locate_point(lines, begin), shapely.line_locate_point(lines, end)
        off = np.maximum(shapely.distance(lines, begin), shapely.distance(lines, end))
        low, high = np.minimum(*along) + self._span * which, np.maximum(*along) + self._span * which
        close, wide = (_overlap(found, low, high) for found in (self._close, self._wide))
        return np.asarray(np.where(off <= self._slack_m, close, wide))

    def _intervals(self, edges: BaseGeometry, within_m: float) -> tuple[Floats, Floats]:
        """Where pieces come within so many metres of a line: begins and ends, chained, each ascending."""
        near = shapely.buffer(edges, within_m)
        begins, ends = [np.zeros(0)], [np.zeros(0)]
        for n, piece in enumerate(self.pieces):
            met = shapely.intersection(piece.line, near)
            for part in shapely.get_parts(met) if not met.is_empty else ():
                along = shapely.line_locate_point(piece.line, shapely.points(shapely.get_coordinates(part)))
                begins.append(np.array([along.min() - 1e-3 + self._span * n]))
                ends.append(np.array([along.max() + 1e-3 + self._span * n]))
        return np.sort(np.concatenate(begins)), np.sort(np.concatenate(ends))


def _overlap(found: tuple[Floats, Floats], low: Floats, high: Floats) -> NDArray[np.bool_]:
    begins, ends = found
    started = np.searchsorted(begins, high, side="right")
    return np.asarray(started > np.searchsorted(ends, low, side="left"))


def points(x: Floats, y: Floats) -> NDArray[np.object_]:
    """Shapely points, (n,)."""
    return np.asarray(shapely.points(x, y))


def meet(edges: BaseGeometry, begin: NDArray[np.object_], end: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Whether the straight way between two points meets ``edges``; elementwise."""
    ends = np.stack([shapely.get_coordinates(begin), shapely.get_coordinates(end)], axis=1)
    return np.asarray(shapely.intersects(edges, shapely.linestrings(ends)), dtype=bool)
