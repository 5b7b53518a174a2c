"""Polygons and lines with few vertices, for devices that can hold no more; what that costs is measured.

Planar, metres. A simplified area always contains the original (holes are filled: whoever is inside the
original is inside what is held), and stays so after its vertices are rounded to the device's grid. A
simplified line stays within a stated distance of the original.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

#: Puts vertices where the device will read them back: (n, 2) metres → (n, 2) metres.
Grid = Callable[[NDArray[np.float64]], NDArray[np.float64]]

#: Farther outward than the grid can move a vertex inward, metres.
MARGIN_M = 0.3

#: How far apart a line's deviation is measured, metres.
STEP_M = 0.5

#: Tolerances tried, metres, each half as much again as the one before.
_FIRST_M, _GROWTH, _STEPS = 0.05, 1.5, 30


class TooManyTurns(ValueError):
    """A line cannot be held by so few points within so small a distance."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a device holds of an area. ``shape``: one ring, its vertices on the grid; ``added_m2`` lies
    outside the original (filled holes included); ``farthest_m``: its boundary from the original's."""

    shape: Polygon
    added_m2: float
    farthest_m: float
    holes: int


@dataclass(frozen=True, slots=True)
class Thinned:
    """A line with fewer points, on the grid; no point of it or of the original is farther off than
    ``deviation_m``."""

    line: LineString
    deviation_m: float


def parts(shape: BaseGeometry, most: int) -> tuple[Polygon, ...]:
    """The polygons of ``shape``, largest first; those beyond ``most`` share one hull with the last kept."""
    found = shape.geoms if isinstance(shape, MultiPolygon) else [shape]
    polygons = [p for p in found if isinstance(p, Polygon) and not p.is_empty]
    ordered = sorted(polygons, key=lambda p: -p.area)
    if len(ordered) <= most:
        return tuple(ordered)
    hull = MultiPolygon(ordered[most - 1 :]).convex_hull
    return (*ordered[: most - 1], Polygon(shapely.get_coordinates(hull)))


def outward(polygon: Polygon, most: int, grid: Grid) -> Held:
    """The tightest outline found with at most ``most`` (≥ 4) vertices that contains ``polygon``."""
    filled = Polygon(polygon.exterior)
    fitting = (c for c in _candidates(filled, grid) if _vertices(c) <= most and c.covers(filled))
    best = next(fitting, None) or _box(filled, grid)
    return Held(best, best.area - polygon.area, _farthest(best, filled), len(polygon.interiors))


def thin(line: LineString, most: int, allowed_m: float, grid: Grid) -> Thinned:
    """``line`` with at most ``most`` points, as close as they can. Raises TooManyTurns over ``allowed_m``."""
    for tolerance in (0.0, *_tolerances()):
        made = _on_grid(line.simplify(tolerance), grid)
        if len(made.coords) <= most and (deviation := _deviation(made, line)) <= allowed_m:
            return Thinned(made, deviation)
        if tolerance > allowed_m:
            break
    raise TooManyTurns(f"no {most} points stay within {allowed_m:g} m of the line")


def _candidates(filled: Polygon, grid: Grid) -> Iterator[Polygon]:
    """Outlines further and further out, with fewer and fewer vertices."""
    for tolerance in (0.0, *_tolerances()):
        out = filled.buffer(tolerance + MARGIN_M, join_style="mitre", mitre_limit=2.0)
        yield from _usable(out.simplify(tolerance), grid)
    yield from _usable(filled.convex_hull.buffer(MARGIN_M, join_style="mitre"), grid)


def _usable(shape: BaseGeometry, grid: Grid) -> Iterator[Polygon]:
    for polygon in shape.geoms if isinstance(shape, MultiPolygon) else [shape]:
        if isinstance(polygon, Polygon) and not polygon.is_empty:
            made = Polygon(grid(shapely.get_coordinates(polygon.exterior)))
            if made.is_valid:
                yield made


def _box(filled: Polygon, grid: Grid) -> Polygon:
    """The last resort: four corners hold anything."""
    west, south, east, north = filled.bounds
    frame = shapely.box(west - 1, south - 1, east + 1, north + 1)
    return Polygon(grid(shapely.get_coordinates(frame)))


def _tolerances() -> Sequence[float]:
    return [_FIRST_M * _GROWTH**n for n in range(_STEPS)]


def _vertices(polygon: Polygon) -> int:
    return len(polygon.exterior.coords) - 1


def _farthest(held: Polygon, filled: Polygon) -> float:
    return float(shapely.hausdorff_distance(held.exterior, filled.exterior, densify=0.02))


def _deviation(made: LineString, line: LineString) -> float:
    """An upper bound: what is measured at points STEP_M apart, and what may lie between two of them."""
    away = max(_away(made, line), _away(line, made))
    return away + STEP_M / 2


def _away(one: LineString, other: LineString) -> float:
    spots = shapely.points(shapely.get_coordinates(shapely.segmentize(one, STEP_M)))
    shapely.prepare(other)
    return float(np.max(shapely.distance(spots, other)))


def _on_grid(line: BaseGeometry, grid: Grid) -> LineString:
    return LineString(grid(shapely.get_coordinates(line)))
