"""Metres between the outlines of all bays, measured once for a drawing and kept while it does not change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True, eq=False)
class Nearness:
    """``metres[i, j]`` between the i-th and the j-th outline; ``place`` finds the index of a bay's id."""

    place: Mapping[int, int]
    metres: npt.NDArray[np.float64]


def nearness(ids: Sequence[int], shapes: Sequence[BaseGeometry]) -> Nearness:
    """Distances between outlines, metres where the shapes are in metres."""
    return _measured(tuple(ids), tuple(shapely.to_wkb(np.array(shapes, dtype=object)).tolist()))


@lru_cache(maxsize=4)
def _measured(ids: tuple[int, ...], outlines: tuple[bytes, ...]) -> Nearness:
    shapes = shapely.from_wkb(np.array(outlines, dtype=object))
    metres = np.zeros((len(ids), len(ids)))
    for row, shape in enumerate(shapes):
        shapely.prepare(shape)
        metres[row, :] = shapely.distance(shape, shapes)
    metres.setflags(write=False)
    return Nearness({bay: n for n, bay in enumerate(ids)}, metres)
