"""A coarse grid of numbered cells, so that an index can say which blocks pass near a place.

Legs are sampled at most a cell apart. Whatever comes within a distance of a place has a sample at most
half a cell further, so the cells asked for reach that much further: none is missed.
"""

from __future__ import annotations

import numpy as np

from geo.passing import DEGREE_M, Legs, Place
from parking.packed.columns import Floats, Ints

#: Size of a cell, degrees (about 1 km: twice as large, the index is half as large and a third more blocks
#: are opened; measured).
CELL = 0.01
_ROW = round(360 / CELL)


def of_points(lon: Floats, lat: Floats) -> Ints:
    """The number of each point's cell."""
    column = np.clip(np.floor((lon + 180) / CELL), 0, _ROW - 1)
    row = np.clip(np.floor((lat + 90) / CELL), 0, _ROW // 2 - 1)
    made: Ints = (row * _ROW + column).astype(np.int64)
    return made


def of_legs(legs: Legs) -> Ints:
    """Every cell the legs are sampled in, each once."""
    if len(legs) == 0:
        return np.zeros(0, np.int64)
    span = np.maximum(np.abs(legs.lon1 - legs.lon0), np.abs(legs.lat1 - legs.lat0))
    steps = np.ceil(span / CELL).astype(np.int64) + 1
    row = np.repeat(np.arange(len(legs)), steps)
    place = np.arange(len(row)) - np.repeat(np.cumsum(steps) - steps, steps)
    share = place / np.maximum(steps[row] - 1, 1)
    lon = legs.lon0[row] + share * (legs.lon1 - legs.lon0)[row]
    lat = legs.lat0[row] + share * (legs.lat1 - legs.lat0)[row]
    return np.unique(of_points(lon, lat))


def around(place: Place) -> list[int]:
    """The cells in which a leg that comes within the distance must have a sample."""
    reach_lat = place.radius_m / DEGREE_M + CELL / 2
    reach_lon = place.radius_m / (DEGREE_M * max(0.01, np.cos(np.radians(place.lat)))) + CELL / 2
    columns = _steps(place.lon - reach_lon, place.lon + reach_lon)
    rows = _steps(place.lat - reach_lat, place.lat + reach_lat)
    lon, lat = np.meshgrid(columns, rows)
    return [int(n) for n in np.unique(of_points(lon.ravel(), lat.ravel()))]


def _steps(first: float, last: float) -> Floats:
    inside = np.arange(np.ceil(first / CELL), np.floor(last / CELL) + 1) * CELL + CELL / 1000
    return np.concatenate([[first], inside, [last]])
