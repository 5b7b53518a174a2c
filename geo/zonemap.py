"""Which of many areas hold which of many points: a uniform grid with shapely as the arbiter at the edges.

Each grid cell knows the areas it lies in as a whole (sure) and those whose edge may run through it (edge).
A point takes over the sure ones and asks shapely about the edge ones only, so the answer is shapely's own.
Cells are looked at when the first point falls into them, so a map of any size costs what is used of it.
Planar, metres. A map may be asked by several threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from threading import Lock
from typing import Any, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

#: A map has at most this many cells; a wider one gets larger cells.
MOST_CELLS = 4_000_000

#: Cells are taken this much larger (metres) than they are, so that rounding puts no point outside its own.
_SLACK_M = 1e-6


class Regions(Protocol):
    """What a map is made of: numbered regions of the plane."""

    def __len__(self) -> int: ...

    def bounds(self) -> tuple[float, float, float, float]: ...

    def touching(self, boxes: NDArray[np.object_]) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """Pairs (box, region) that may have a point in common; and whether the box lies wholly inside."""

    def hold(self, regions: Ints, x: Floats, y: Floats) -> NDArray[np.bool_]:
        """Elementwise: does the region hold the point?"""


class Areas:
    """Polygons. ``closed``: the edge belongs to them (shapely ``intersects``), else not (``contains``)."""

    def __init__(self, shapes: Sequence[BaseGeometry], closed: bool = True) -> None:
        self._shapes = np.array(shapes, dtype=object)
        self._closed = closed
        self._tree = shapely.STRtree(self._shapes)
        shapely.prepare(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)

    def bounds(self) -> tuple[float, float, float, float]:
        return _bounds(self._shapes)

    def touching(self, boxes: NDArray[np.object_]) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        cells, regions = self._tree.query(boxes, predicate="intersects")
        return cells, regions, shapely.contains_properly(self._shapes[regions], boxes[cells])

    def hold(self, regions: Ints, x: Floats, y: Floats) -> NDArray[np.bool_]:
        asked = shapely.intersects_xy if self._closed else shapely.contains_xy
        return np.asarray(asked(self._shapes[regions], x, y), dtype=bool)


class Strips:
    """All within ``half_widths`` (metres, one each) of lines."""

    def __init__(self, lines: Sequence[BaseGeometry], half_widths: Sequence[float]) -> None:
        self._lines = np.array(lines, dtype=object)
        self._widths = np.array(half_widths, dtype=float)
        self._tree = shapely.STRtree(self._lines)
        shapely.prepare(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def bounds(self) -> tuple[float, float, float, float]:
        west, south, east, north = _bounds(self._lines)
        most = float(self._widths.max(initial=0.0))
        return west - most, south - most, east + most, north + most

    def touching(self, boxes: NDArray[np.object_]) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        cells, regions = self._tree.query(
            boxes, predicate="dwithin", distance=float(self._widths.max(initial=0.0))
        )
        widths = self._widths[regions]
        near = shapely.dwithin(self._lines[regions], boxes[cells], widths)
        cells, regions, widths = cells[near], regions[near], widths[near]
        middles = shapely.centroid(boxes[cells])
        west, south, east, north = shapely.bounds(boxes[cells]).T
        reach = shapely.distance(self._lines[regions], middles) + np.hypot(east - west, north - south) / 2
        return cells, regions, reach < widths

    def hold(self, regions: Ints, x: Floats, y: Floats) -> NDArray[np.bool_]:
        widths: Any = self._widths[regions]  # an array is taken, whatever the declaration says
        return np.asarray(shapely.dwithin(self._lines[regions], shapely.points(x, y), widths), dtype=bool)


def _bounds(shapes: NDArray[np.object_]) -> tuple[float, float, float, float]:
    if not len(shapes):
        return 0.0, 0.0, 0.0, 0.0
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    return west, south, east, north


class Lattice:
    """Square cells over ``bounds``; everything outside is one more cell, the last."""

    def __init__(self, bounds: tuple[float, float, float, float], cell_m: float) -> None:
        west, south, east, north = bounds
        self.cell_m = max(cell_m, math.sqrt((east - west) * (north - south) / MOST_CELLS))
        self.columns = int((east - west) // self.cell_m) + 1
        self.rows = int((north - south) // self.cell_m) + 1
        self.west, self.south = west, south

    @property
    def outside(self) -> int:
        return self.columns * self.rows

    def cells(self, x: Floats, y: Floats) -> Ints:
        """The cell of each point."""
        column, row = (x - self.west) / self.cell_m, (y - self.south) / self.cell_m
        within = (column >= 0) & (column < self.columns) & (row >= 0) & (row < self.rows)
        if within.all():
            return row.astype(np.intp) * self.columns + column.astype(np.intp)
        cells = np.full(len(x), self.outside, dtype=np.intp)
        cells[within] = row[within].astype(np.intp) * self.columns + column[within].astype(np.intp)
        return cells

    def boxes(self, cells: Ints) -> NDArray[np.object_]:
        row, column = np.divmod(cells, self.columns)
        west, south = self.west + column * self.cell_m, self.south + row * self.cell_m
        return np.asarray(
            shapely.box(
                west - _SLACK_M,
                south - _SLACK_M,
                west + self.cell_m + _SLACK_M,
                south + self.cell_m + _SLACK_M,
            )
        )

    def middles(self, cells: Ints) -> tuple[Floats, Floats]:
        row, column = np.divmod(cells, self.columns)
        return self.west + (column + 0.5) * self.cell_m, self.south + (row + 0.5) * self.cell_m


class ZoneMap:
    """Many regions asked at once; the same answer as asking shapely about every pair."""

    def __init__(self, regions: Regions, cell_m: float = 8.0) -> None:
        self._regions = regions
        self._lattice = Lattice(regions.bounds(), cell_m)
        #: What a cell holds, as a number into the tables below; -1: nobody looked yet. Outside: nothing.
        self._holds = np.full(self._lattice.outside + 1, -1, dtype=np.int32)
        self._holds[-1] = 0
        self._known: dict[tuple[bytes, bytes], int] = {(b"", b""): 0}
        self._sure, self._edge = _Table(), _Table()
        self._words = max(1, -(-len(regions) // 64))
        self._filling = Lock()

    def pairs(self, x: Floats, y: Floats) -> tuple[Ints, Ints]:
        """Pairs (point, region that holds it): two arrays of one length. ``x``, ``y``: (n,) metres."""
        holds = self._look(self._lattice.cells(x, y))
        points, regions = self._sure.expand(holds)
        asked, maybe = self._edge.expand(holds)
        if not len(asked):
            return points, regions
        truly = self._regions.hold(maybe, x[asked], y[asked])
        return np.concatenate([points, asked[truly]]), np.concatenate([regions, maybe[truly]])

    def bits(self, x: Floats, y: Floats) -> NDArray[np.uint64]:
        """The regions that hold each point, one bit each, 64 to a column; (n, columns)."""
        holds = self._look(self._lattice.cells(x, y))
        with self._filling:
            found = self._sure.bits(self._words)[holds]
        asked, maybe = self._edge.expand(holds)
        if len(asked):
            truly = self._regions.hold(maybe, x[asked], y[asked])
            word, bit = np.divmod(maybe[truly], 64)
            np.bitwise_or.at(found, (asked[truly], word), np.left_shift(np.uint64(1), bit.astype(np.uint64)))
        return found

    def _look(self, cells: Ints) -> NDArray[np.int32]:
        holds = self._holds[cells]
        if holds.min(initial=0) < 0:
            with self._filling:
                self._fill(np.unique(cells[self._holds[cells] < 0]))
            holds = self._holds[cells]
        return holds

    def _fill(self, cells: Ints) -> None:
        if not len(cells):
            return
        at, regions, whole = self._regions.touching(self._lattice.boxes(cells))
        order = np.lexsort((regions, at))
        at, regions, whole = at[order], regions[order], whole[order]
        ends = np.searchsorted(at, np.arange(len(cells) + 1))
        for n, cell in enumerate(cells):
            part = slice(ends[n], ends[n + 1])
            here, sure = regions[part], whole[part]
            self._holds[cell] = self._number(here[sure], here[~sure])

    def _number(self, sure: Ints, edge: Ints) -> int:
        key = (sure.tobytes(), edge.tobytes())
        if key not in self._known:
            self._sure.append(sure)
            self._edge.append(edge)
            self._known[key] = len(self._known)
        return self._known[key]


class _Table:
    """Lists of regions by number; number 0 is the empty list."""

    def __init__(self) -> None:
        self._starts = np.zeros(2, dtype=np.intp)
        self._counts = np.zeros(1, dtype=np.intp)
        self._all = np.zeros(0, dtype=np.intp)
        self._bits = np.zeros((0, 1), dtype=np.uint64)

    def bits(self, words: int) -> NDArray[np.uint64]:
        """Each list as bits, ``words`` of 64 a list; (lists, words)."""
        known = self._bits
        if len(known) != len(self._counts):
            known = np.zeros((len(self._counts), words), dtype=np.uint64)
            word, bit = np.divmod(self._all, 64)
            lists = np.repeat(np.arange(len(self._counts)), self._counts)
            np.bitwise_or.at(known, (lists, word), np.left_shift(np.uint64(1), bit.astype(np.uint64)))
            self._bits = known
        return known

    def append(self, regions: Ints) -> None:
        self._all = np.concatenate([self._all, regions])
        self._counts = np.append(self._counts, len(regions))
        self._starts = np.append(self._starts, len(self._all))

    def expand(self, numbers: NDArray[np.int32]) -> tuple[Ints, Ints]:
        """Pairs (position in ``numbers``, region of its list)."""
        counts = self._counts[numbers]
        some = np.flatnonzero(counts)
        if not len(some):
            return some, some
        counts = counts[some]
        ends = np.cumsum(counts)
        within = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
        return np.repeat(some, counts), self._all[np.repeat(self._starts[numbers[some]], counts) + within]


class Room:
    """How far a point surely is from the nearest of some lines: a lower bound, metres, by its cell."""

    def __init__(
        self, lines: BaseGeometry, bounds: tuple[float, float, float, float], cell_m: float = 8.0
    ) -> None:
        self._lines = lines
        self._lattice = Lattice(bounds, cell_m)
        self._metres = np.full(self._lattice.outside, np.nan)
        shapely.prepare(lines)

    def at(self, x: Floats, y: Floats) -> Floats:
        """Metres, (n,), never more than the true distance."""
        if self._lines.is_empty:
            return np.full(len(x), np.inf)
        cells = self._lattice.cells(x, y)
        metres = self._around(x, y)
        within = np.flatnonzero(cells != self._lattice.outside)
        metres[within] = self._by_cell(cells[within])
        return metres

    def _around(self, x: Floats, y: Floats) -> Floats:
        """Metres to the box that holds all lines."""
        west, south, east, north = self._lines.bounds
        aside, above = np.maximum(west - x, x - east), np.maximum(south - y, y - north)
        return np.hypot(np.maximum(aside, 0.0), np.maximum(above, 0.0))

    def _by_cell(self, cells: Ints) -> Floats:
        metres = self._metres[cells]
        new = np.unique(cells[np.isnan(metres)])
        if len(new):
            away = shapely.distance(self._lines, shapely.points(*self._lattice.middles(new)))
            self._metres[new] = np.maximum(0.0, away - self._lattice.cell_m * math.sqrt(0.5) - _SLACK_M)
            metres = self._metres[cells]
        return metres
