"""geo.crossing held against an independent check: slow, obvious, another way round.

The check cuts the segment by the area itself (not by its edge) and looks which pieces are left without the
edge. Coordinates are snapped to a coarse grid, so that ends on an edge or in a corner, segments along an
edge, holes that touch the outline and corners that only touch happen all the time.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
import shapely
from shapely import MultiPolygon, Point, Polygon
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from geo.crossing import crossings, depth

GRID = 12
SAME = 1e-9
Spot = tuple[float, float]
Ways = list[tuple[float, bool]]


def check(segments: int, seed: int) -> tuple[Counter[str], list[str]]:
    """How much was compared (and how much of it on an edge), and every difference found."""
    luck = random.Random(seed)
    done: Counter[str] = Counter()
    wrong: list[str] = []
    while done["segments"] < segments:
        area = an_area(luck)
        shapely.prepare(area)
        ends = [(a_spot(luck, area), a_spot(luck, area)) for _ in range(min(500, segments))]
        ends += [(a, (a[0] + (b[0] - a[0]) / 2, a[1] + (b[1] - a[1]) / 2)) for a, b in ends[:50]]
        _compare(area, [e for e in ends if e[0] != e[1]], done, wrong)
    return done, wrong


def _compare(
    area: BaseGeometry, ends: Sequence[tuple[Spot, Spot]], done: Counter[str], wrong: list[str]
) -> None:
    for (a, b), pieces in zip(ends, _pieces(area, ends), strict=True):
        mine = [(c.share, c.inward) for c in crossings(area, (a, b))]
        theirs = _slow(area, a, b, pieces)
        done["segments"] += 1
        done["crossings"] += len(mine)
        if not alike(mine, theirs):
            wrong.append(f"{area.wkt} {a} {b}: {mine} instead of {theirs}")
        for spot in (a, b):
            done["points"] += 1
            where = Point(spot)
            done["on an edge"] += bool(shapely.intersects(area.boundary, where))
            if (depth(area, *spot) > 0) != bool(area.contains(where)):
                wrong.append(f"{area.wkt} {spot}: depth {depth(area, *spot)}")


def _pieces(area: BaseGeometry, ends: Sequence[tuple[Spot, Spot]]) -> list[BaseGeometry]:
    """What of each segment lies in the area but not on its edge."""
    lines = shapely.linestrings(np.array(ends))
    cut = shapely.intersection(lines, area)
    return list(shapely.difference(cut, area.boundary))


def _slow(area: BaseGeometry, a: Spot, b: Spot, pieces: BaseGeometry) -> Ways:
    starts, ends = area.contains(Point(a)), area.contains(Point(b))
    found: Ways = []
    for begin, end in _intervals(a, b, pieces):
        if begin > SAME or not starts:
            found.append((begin, True))
        if end < 1 - SAME or not ends:
            found.append((end, False))
    return found


def _intervals(a: Spot, b: Spot, pieces: BaseGeometry) -> list[tuple[float, float]]:
    """Shares of the segment that lie inside; pieces that meet in a point are one."""
    length = Point(a).distance(Point(b))
    parts = [p for p in shapely.get_parts(pieces) if p.geom_type == "LineString" and p.length > 0]
    shares = [
        sorted(Point(a).distance(Point(c)) / length for c in (p.coords[0], p.coords[-1])) for p in parts
    ]
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(map(tuple, shares)):
        if merged and begin - merged[-1][1] <= SAME:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def alike(one: Ways, other: Ways) -> bool:
    return len(one) == len(other) and all(
        a[1] == b[1] and abs(a[0] - b[0]) < 1e-7 for a, b in zip(one, other, strict=True)
    )


def a_spot(luck: random.Random, area: BaseGeometry) -> Spot:
    """On the grid (mostly), in a corner, in the middle of an edge, or anywhere."""
    kind = luck.random()
    if kind < 0.5:
        return (float(luck.randint(-1, GRID + 1)), float(luck.randint(-1, GRID + 1)))
    corners = shapely.get_coordinates(area)
    i = luck.randrange(len(corners) - 1)
    if kind < 0.65:
        return (float(corners[i][0]), float(corners[i][1]))
    if kind < 0.75:
        return tuple(map(float, (corners[i] + corners[i + 1]) / 2))  # type: ignore[return-value]
    return (luck.uniform(-1, GRID + 1), luck.uniform(-1, GRID + 1))


def an_area(luck: random.Random) -> BaseGeometry:
    """A polygon on the grid, perhaps with holes, perhaps of several parts."""
    while True:
        area = luck.choice((_star, _blocks, _holed, _several))(luck)
        if area.is_valid and not area.is_empty and area.geom_type in ("Polygon", "MultiPolygon"):
            return area


def _star(luck: random.Random) -> BaseGeometry:
    angles = sorted(luck.uniform(0, 6.283) for _ in range(luck.randint(3, 9)))
    middle, spots = GRID / 2, []
    for angle in angles:
        far = luck.uniform(1, GRID / 2)
        spots.append((round(middle + far * np.cos(angle)), round(middle + far * np.sin(angle))))
    return Polygon(spots) if len(set(spots)) > 2 else Polygon()


def _blocks(luck: random.Random) -> BaseGeometry:
    """Squares of the grid put together: many edges in one line, corners that touch."""
    squares = []
    for _ in range(luck.randint(2, 7)):
        x, y = luck.randint(0, GRID - 4), luck.randint(0, GRID - 4)
        squares.append(shapely.box(x, y, x + luck.randint(1, 4), y + luck.randint(1, 4)))
    return shapely.union_all(squares)


def _holed(luck: random.Random) -> BaseGeometry:
    outline = shapely.box(0, 0, GRID, GRID) if luck.random() < 0.5 else _blocks(luck)
    holes = [translate(_blocks(luck), luck.randint(-3, 3), luck.randint(-3, 3)) for _ in range(2)]
    return shapely.difference(outline, shapely.union_all(holes))


def _several(luck: random.Random) -> BaseGeometry:
    parts = [_star(luck), translate(_star(luck), luck.randint(2, GRID), luck.randint(-4, 4))]
    flat = [p for part in parts for p in shapely.get_parts(part) if p.geom_type == "Polygon"]
    return MultiPolygon(flat) if len(flat) > 1 else shapely.union_all(flat)
