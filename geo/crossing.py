"""Where a path crosses the edge of an area.

Everything here is planar, metres in the park's metric CRS. An area is its open interior: a point on
the edge is outside, running along an edge is no crossing, and touching it from either side is none.
So the number of crossings of a path is odd exactly when one of its ends is inside and the other not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import shapely
from shapely import LineString, Point
from shapely.geometry.base import BaseGeometry

#: Shares closer than this along a path are one place (a millimetre on a kilometre).
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Crossing:
    """``share`` 0…1 of the path's length; ``x``, ``y`` metres; ``inward``: entering the area."""

    share: float
    x: float
    y: float
    inward: bool


def crossings(area: BaseGeometry, path: Sequence[tuple[float, float]]) -> tuple[Crossing, ...]:
    """Every crossing of ``path`` (two or more points) with the edge of ``area``, in order of travel."""
    line = LineString(path)
    if line.length == 0 or not shapely.intersects(area, line):
        return ()
    found: list[Crossing] = []
    for begin, end in _inside(area, line):
        if begin > _SAME or not _strictly_inside(area, path[0]):
            found.append(_at(line, begin, inward=True))
        if end < 1 - _SAME or not _strictly_inside(area, path[-1]):
            found.append(_at(line, end, inward=False))
    return tuple(found)


def depth(area: BaseGeometry, x: float, y: float) -> float:
    """Metres beyond the edge: positive inside, negative outside."""
    distance = float(shapely.distance(area.boundary, Point(x, y)))
    return distance if _strictly_inside(area, (x, y)) else -distance


def deepest(area: BaseGeometry, path: Sequence[tuple[float, float]], samples: int = 21) -> float:
    """The greatest depth (metres) a path reaches inside ``area``; negative when it never enters."""
    line = LineString(path)
    points = shapely.line_interpolate_point(line, [i / (samples - 1) for i in range(samples)], normalized=True)
    return max(depth(area, p.x, p.y) for p in points)


def _inside(area: BaseGeometry, line: LineString) -> list[tuple[float, float]]:
    """Intervals of share in which the line runs through the open interior, merged and in order."""
    cuts = {0.0, 1.0}
    met = shapely.intersection(area.boundary, line)
    for part in shapely.get_parts(met):
        cuts.update(
            float(shapely.line_locate_point(line, Point(xy), normalized=True))
            for xy in shapely.get_coordinates(part)
        )
    cuts.update(_vertices(line))
    marks = sorted(cuts)
    merged: list[tuple[float, float]] = []
    for begin, end in zip(marks, marks[1:], strict=False):
        if end - begin <= _SAME or not _midpoint_inside(area, line, begin, end):
            continue
        if merged and begin - merged[-1][1] <= _SAME and _joined(area, line, begin):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((begin, end))
    return merged


def _vertices(line: LineString) -> list[float]:
    inner = list(line.coords)[1:-1]
    return [float(shapely.line_locate_point(line, Point(xy), normalized=True)) for xy in inner]


def _midpoint_inside(area: BaseGeometry, line: LineString, begin: float, end: float) -> bool:
    middle = line.interpolate((begin + end) / 2, normalized=True)
    return bool(shapely.contains_properly(area, middle))


def _joined(area: BaseGeometry, line: LineString, share: float) -> bool:
    """Two intervals meeting at ``share`` are one unless the meeting point lies on the edge."""
    point = line.interpolate(share, normalized=True)
    return bool(shapely.distance(area.boundary, point) > 1e-6)


def _strictly_inside(area: BaseGeometry, xy: tuple[float, float]) -> bool:
    return bool(shapely.contains_properly(area, Point(xy)))


def _at(line: LineString, share: float, inward: bool) -> Crossing:
    point = line.interpolate(share, normalized=True)
    return Crossing(share, point.x, point.y, inward)
