"""Datums and the park's local metric frame.

Positions are stored as WGS-84 longitude, latitude (CGCS2000 differs by centimetres); distances are
computed in the park's metric CRS. GCJ-02, the shifted datum of Chinese web maps, lies some 500 m away
at Jishan: it is converted only where somebody declared it, never guessed.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer
from shapely import transform
from shapely.geometry.base import BaseGeometry

Degrees = NDArray[np.float64]


class Datum(StrEnum):
    """What a drawing's longitudes and latitudes may be declared to mean."""

    WGS84 = "wgs84"
    CGCS2000 = "cgcs2000"  # within centimetres of WGS-84
    GCJ02 = "gcj02"  # 火星坐标: what Chinese web maps show


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


#: Krasovsky 1940, the ellipsoid the shift is computed on: half axis in metres, squared eccentricity.
_AXIS_M = 6_378_245.0
_ECCENTRICITY_2 = 0.006_693_421_622_965_943


def gcj02_from_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Degrees, Degrees]:
    """WGS-84 degrees to GCJ-02 degrees, arrays (n,).

    The published approximation of the undisclosed transformation, as map makers use it; good to about
    a metre. It is defined for China only; the caller sees to that.
    """
    lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    x, y = lon - 105.0, lat - 35.0
    phi = np.radians(lat)
    flat = 1 - _ECCENTRICITY_2 * np.sin(phi) ** 2
    north_m_per_rad = _AXIS_M * (1 - _ECCENTRICITY_2) / flat**1.5
    east_m_per_rad = _AXIS_M / np.sqrt(flat) * np.cos(phi)
    east, north = _east_m(x, y), _north_m(x, y)
    return lon + np.degrees(east / east_m_per_rad), lat + np.degrees(north / north_m_per_rad)


def wgs84_from_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Degrees, Degrees]:
    """GCJ-02 degrees to WGS-84 degrees, arrays (n,): the inverse of ``gcj02_from_wgs84`` to 1e-9 degrees."""
    lon, lat = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    found_lon, found_lat = lon.copy(), lat.copy()
    for _ in range(20):
        seen_lon, seen_lat = gcj02_from_wgs84(found_lon, found_lat)
        found_lon, found_lat = found_lon + (lon - seen_lon), found_lat + (lat - seen_lat)
        if np.all(np.abs(lon - seen_lon) < 1e-10) and np.all(np.abs(lat - seen_lat) < 1e-10):
            break
    return found_lon, found_lat


def _waves(at: Degrees, *terms: tuple[float, float]) -> Degrees:
    """Two thirds of a sum of sines over ``at``, degrees; a term is (metres, half a wave in degrees)."""
    total = np.zeros_like(at)
    for amplitude, half_wave in terms:
        total = total + amplitude * np.sin(at * np.pi / half_wave)
    return total * 2 / 3


def _fine(x: Degrees) -> Degrees:
    """The short waves both axes share."""
    return _waves(x, (20.0, 1 / 6), (20.0, 1 / 2))


def _east_m(x: Degrees, y: Degrees) -> Degrees:
    """Shift to the east, metres; x, y are degrees from 105 E 35 N."""
    smooth = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    return smooth + _fine(x) + _waves(x, (20.0, 1.0), (40.0, 3.0), (150.0, 12.0), (300.0, 30.0))


def _north_m(x: Degrees, y: Degrees) -> Degrees:
    """Shift to the north, metres; x, y are degrees from 105 E 35 N."""
    smooth = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    return smooth + _fine(x) + _waves(y, (20.0, 1.0), (40.0, 3.0), (160.0, 12.0), (320.0, 30.0))
