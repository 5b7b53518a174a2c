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

    ``once``: no route runs on any part of it twice.
    """

    line: LineString
    half_width_m: float
    once: bool


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
            found.setdefault(frozenset(spots), Piece(LineString(spots), widest, once))
    return tuple(found.values())


class Roads:
    """Whether ways along pieces of road meet the given lines, for many at once."""

    def __init__(self, pieces: Sequence[Piece], edges: BaseGeometry) -> None:
        self._pieces, self._edges = tuple(pieces), edges
        self._lines = np.array([p.line for p in self._pieces], dtype=object)
        self._once = np.array([p.once for p in self._pieces], dtype=bool)
        self._map = ZoneMap(Strips([p.line for p in self._pieces], [p.half_width_m for p in self._pieces]))
        self._span = 1.0 + max((p.line.length for p in self._pieces), default=0.0)
        self._meetings = np.concatenate(
            [np.zeros(0), *(meetings(p.line, edges) + self._span * n for n, p in enumerate(self._pieces))]
        )

    def alone_on(self, x: Floats, y: Floats) -> Ints:
        """The one piece each place lies at; -1 where there is none, several, or one driven twice; (n,)."""
        points, which = self._map.pairs(x, y)
        count = np.bincount(points, minlength=len(x))
        alone = np.full(len(x), -1, dtype=np.intp)
        alone[points] = which
        alone[count != 1] = -1
        alone[(alone >= 0) & ~self._once[alone]] = -1
        return alone

    def meets(self, which: Ints, begin: NDArray[np.object_], end: NDArray[np.object_]) -> NDArray[np.bool_]:
        """Whether the way from ``begin`` over the piece to ``end`` (points) meets a line; elementwise."""
        lines = self._lines[which]
        along = shapely.line_locate_point(lines, begin), shapely.line_locate_point(lines, end)
        first = np.searchsorted(self._meetings, np.minimum(*along) - 1e-3 + self._span * which)
        last = np.searchsorted(self._meetings, np.maximum(*along) + 1e-3 + self._span * which)
        met = np.asarray(last > first)
        left = np.flatnonzero(~met)
        for point, chainage in zip((begin, end), along, strict=True):
            foot = shapely.line_interpolate_point(lines[left], chainage[left])
            met[left] |= meet(self._edges, point[left], foot)
        return met


def points(x: Floats, y: Floats) -> NDArray[np.object_]:
    """Shapely points, (n,)."""
    return np.asarray(shapely.points(x, y))


def meet(edges: BaseGeometry, begin: NDArray[np.object_], end: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Whether the straight way between two points meets ``edges``; elementwise."""
    ends = np.stack([shapely.get_coordinates(begin), shapely.get_coordinates(end)], axis=1)
    return np.asarray(shapely.intersects(edges, shapely.linestrings(ends)), dtype=bool)


def meetings(line: LineString, edges: BaseGeometry) -> Floats:
    """Where ``line`` meets ``edges``, metres along it, ascending."""
    spots = shapely.get_coordinates(shapely.intersection(line, edges))
    return np.sort(shapely.line_locate_point(line, shapely.points(spots)))
