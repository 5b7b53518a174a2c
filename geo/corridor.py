"""Approved routes as corridors: how far off, how far along, and the road between two fixes.

Planar, metres in the park's metric CRS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString
from shapely.ops import substring

#: Two fixes on a route follow it only if the way along it is not absurdly longer than the straight one.
DETOUR_FACTOR = 3.0
DETOUR_SLACK_M = 100.0


@dataclass(frozen=True, slots=True)
class Corridor:
    """An approved route: its line in driving order and its half width, metres."""

    code: str
    line: LineString
    half_width_m: float


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
        shapely.prepare(self._lines)

    def __len__(self) -> int:
        return len(self._all)

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

    def road(self, a: tuple[float, float], b: tuple[float, float]) -> list[tuple[float, float]]:
        """The likely path from ``a`` to ``b``: along a corridor both lie in, else straight."""
        straight = float(np.hypot(b[0] - a[0], b[1] - a[1]))
        ends = shapely.points([a, b])
        best: tuple[float, list[tuple[float, float]]] | None = None
        for corridor in self._both_in(ends):
            along = shapely.line_locate_point(corridor.line, ends).tolist()
            length = abs(along[1] - along[0])
            if length > DETOUR_FACTOR * straight + DETOUR_SLACK_M:
                continue
            if best is None or length < best[0]:
                best = (length, _between(corridor.line, along[0], along[1]))
        return [a, *best[1], b] if best else [a, b]

    def _both_in(self, ends: NDArray[np.object_]) -> list[Corridor]:
        if not self._all:
            return []
        near = shapely.distance(self._lines, ends[:, None]) <= self._widths
        return [self._all[i] for i in np.flatnonzero(near.all(axis=0))]


def _between(line: LineString, begin: float, end: float) -> list[tuple[float, float]]:
    """Vertices of ``line`` strictly between two chainages, in the direction of travel."""
    if abs(end - begin) < 1e-6:
        return []
    part = substring(line, min(begin, end), max(begin, end))
    inner = [(float(x), float(y)) for x, y in part.coords]
    return inner if begin <= end else inner[::-1]
