"""Metres between the outlines of all bays, measured once for a drawing and kept while it does not change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from parking.rules.kept import Kept


@dataclass(frozen=True, slots=True, eq=False)
class Nearness:
    """``metres[i, j]`` between the i-th and the j-th outline; ``place`` finds the index of a bay's id."""

    place: Mapping[int, int]
    metres: npt.NDArray[np.float64]


_kept: Kept[Nearness] = Kept(4)


def nearness(ids: Sequence[int], shapes: Sequence[BaseGeometry]) -> Nearness:
    """Distances between outlines, metres where the shapes are in metres.

    The same outlines in memory are known again at a glance; equal ones read anew are measured once.
    """
    return _kept.of(shapes, tuple(ids), lambda: _measured(tuple(ids), _outlines(shapes)))


def _outlines(shapes: Sequence[BaseGeometry]) -> tuple[bytes, ...]:
    return tuple(shapely.to_wkb(np.array(shapes, dtype=object)).tolist())


@lru_cache(maxsize=4)
def _measured(ids: tuple[int, ...], outlines: tuple[bytes, ...]) -> Nearness:
    shapes = shapely.from_wkb(np.array(outlines, dtype=object))
    metres = np.zeros((len(ids), len(ids)))
    for row, shape in enumerate(shapes):
        shapely.prepare(shape)
        metres[row, :] = shapely.distance(shape, shapes)
    metres.setflags(write=False)
    return Nearness({bay: n for n, bay in enumerate(ids)}, metres)
