"""Where a path crosses the edge of an area.

Everything here is planar, metres in the park's metric CRS. An area is its open interior: a point on
the edge is outside, running along an edge is no crossing, and touching it from either side is none.
So the number of crossings of a path is odd exactly when one of its ends is inside and the other not,
however close to the edge they lie: a crossing may fall on an end, but never between two paths.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

#: Shares closer than this along a path are one place (a millimetre on a kilometre).
_SAME = 1e-9
#: What runs no deeper than this along the edge runs on it: places between two cuts are rounded, metres.
_ON_EDGE_M = 1e-7


@dataclass(frozen=True, slots=True)
class Crossing:
    """``share`` 0…1 of the path's length; ``x``, ``y`` metres; ``inward``: entering the area."""

    share: float
    x: float
    y: float
    inward: bool


def crossings(area: BaseGeometry, path: Sequence[tuple[float, float]]) -> tuple[Crossing, ...]:
    """Every crossing of ``path`` (two or more points) with the edge of ``area``, in order of travel."""
    legs = list(pairwise(path))
    lengths = [math.dist(a, b) for a, b in legs]
    total = sum(lengths)
    if total == 0 or not shapely.intersects(edge(area), shapely.linestrings(path)):
        return ()
    meets = [True] if len(legs) == 1 else shapely.intersects(edge(area), shapely.linestrings(legs)).tolist()
    found: list[Crossing] = []
    gone = 0.0
    for (a, b), length, met in zip(legs, lengths, meets, strict=True):
        for share, inward in _leg(area, a, b) if met else ():
            found.append(_at(a, b, share, (gone + share * length) / total, inward))
        gone += length
    return tuple(found)


def _leg(area: BaseGeometry, a: tuple[float, float], b: tuple[float, float]) -> list[tuple[float, bool]]:
    """Crossings of one straight leg: share of the leg, and whether inward."""
    starts, ends = _strictly_inside(area, a), _strictly_inside(area, b)
    intervals = _inside(area, a, b)
    found: list[tuple[float, bool]] = []
    if starts and not (intervals and intervals[0][0] <= _SAME):
        found.append((0.0, False))
    for begin, end in intervals:
        if begin > _SAME or not starts:
            found.append((begin, True))
        if end < 1 - _SAME or not ends:
            found.append((end, False))
    if ends and not (intervals and intervals[-1][1] >= 1 - _SAME):
        found.append((1.0, True))
    return found


_edges: dict[int, tuple[BaseGeometry, BaseGeometry]] = {}


def edge(area: BaseGeometry) -> BaseGeometry:
    """The boundary of an area, made and prepared once (the same few areas are asked about for ever)."""
    known = _edges.get(id(area))
    if known is None or known[0] is not area:
        if len(_edges) > 1000:
            _edges.clear()
        known = (area, area.boundary)
        shapely.prepare(known[1])
        _edges[id(area)] = known
    return known[1]


def depth(area: BaseGeometry, x: float, y: float) -> float:
    """Metres beyond the edge: positive inside, negative outside."""
    distance = float(shapely.distance(edge(area), shapely.points(x, y)))
    return distance if _strictly_inside(area, (x, y)) else -distance


def deepest(area: BaseGeometry, path: Sequence[tuple[float, float]]) -> float:
    """The greatest depth (metres) a path reaches inside ``area``; negative when it never enters."""
    return float(np.max(depths(area, _along(area, path))))


def farthest_out(area: BaseGeometry, path: Sequence[tuple[float, float]]) -> float:
    """The greatest distance (metres) a path gets outside ``area``; negative when it never leaves."""
    return float(-np.min(depths(area, _along(area, path))))


def depths(area: BaseGeometry, xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """``depth`` of each of the points (n, 2)."""
    points = shapely.points(xy)
    distance = shapely.distance(edge(area), points)
    return np.where(shapely.contains_properly(area, points), distance, -distance)


def _along(area: BaseGeometry, path: Sequence[tuple[float, float]]) -> NDArray[np.float64]:
    """Points of a path: its bends, where it meets the edge, and steps between of 2 m (long ones: 1/500)."""
    line = LineString(path)
    every = max(2.0, line.length / 500)
    places = [p for a, b in pairwise(path) for p in (a, b, *_met(area, a, b))]
    at = {float(shapely.line_locate_point(line, Point(p))) for p in places}
    cuts = sorted(at | {0.0, line.length})
    steps = [np.linspace(a, b, max(3, math.ceil((b - a) / every) + 1)) for a, b in pairwise(cuts)]
    found = shapely.line_interpolate_point(line, np.concatenate(steps) if steps else [0.0])
    return np.asarray(shapely.get_coordinates(found))


def _inside(area: BaseGeometry, a: tuple[float, float], b: tuple[float, float]) -> list[tuple[float, float]]:
    """Intervals of share in which the leg runs through the open interior, in order."""
    cuts = {0.0, 1.0} | {_share(a, b, xy) for xy in _met(area, a, b)}
    found: list[tuple[float, float]] = []
    for begin, end in pairwise(sorted(cuts)):
        if end - begin <= _SAME or depth(area, *_point(a, b, (begin + end) / 2)) <= _ON_EDGE_M:
            continue
        touched = found and begin - found[-1][1] <= _SAME
        found[-1:] = [(found[-1][0], end)] if touched else [*found[-1:], (begin, end)]
    return found


def _met(area: BaseGeometry, a: tuple[float, float], b: tuple[float, float]) -> list[tuple[float, float]]:
    """Points in which the leg meets the edge (both ends of a stretch along it)."""
    met = shapely.intersection(edge(area), LineString([a, b]))
    return [(float(x), float(y)) for x, y in shapely.get_coordinates(met)]


def _share(a: tuple[float, float], b: tuple[float, float], xy: tuple[float, float]) -> float:
    """How far along the leg a point of it lies, 0…1, by the longer axis."""
    axis = 0 if abs(b[0] - a[0]) >= abs(b[1] - a[1]) else 1
    span = b[axis] - a[axis]
    return min(1.0, max(0.0, (xy[axis] - a[axis]) / span)) if span else 0.0


def _point(a: tuple[float, float], b: tuple[float, float], share: float) -> tuple[float, float]:
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)


def _strictly_inside(area: BaseGeometry, xy: tuple[float, float]) -> bool:
    return bool(shapely.contains_xy(area, *xy))


def _at(
    a: tuple[float, float], b: tuple[float, float], leg_share: float, share: float, inward: bool
) -> Crossing:
    x, y = _point(a, b, leg_share)
    return Crossing(share, x, y, inward)
