"""Datums and the park's local metric frame.

Positions are stored as WGS-84 longitude, latitude (CGCS2000 differs by centimetres); distances are
computed in the park's metric CRS.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer
from shapely import transform
from shapely.geometry.base import BaseGeometry


class LocalFrame:
    """Longitude/latitude (degrees, WGS-84) to and from metres (x east, y north) in ``crs``."""

    def __init__(self, crs: str) -> None:
        self.crs = crs
        self._out = _transformer("EPSG:4326", crs)
        self._back = _transformer(crs, "EPSG:4326")

    def metres(self, lon: ArrayLike, lat: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Arrays (n,) of degrees to arrays (n,) of x, y in metres."""
        x, y = self._out.transform(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))
        return np.asarray(x), np.asarray(y)

    def degrees(self, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Arrays (n,) of metres to arrays (n,) of longitude, latitude in degrees."""
        lon, lat = self._back.transform(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        return np.asarray(lon), np.asarray(lat)

    def to_metres(self, geometry: BaseGeometry) -> BaseGeometry:
        return transform(geometry, lambda xy: np.column_stack(self.metres(xy[:, 0], xy[:, 1])))

    def to_degrees(self, geometry: BaseGeometry) -> BaseGeometry:
        return transform(geometry, lambda xy: np.column_stack(self.degrees(xy[:, 0], xy[:, 1])))


@lru_cache
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)
