"""Which legs between positions come within a distance of a place. Many legs at once, pure.

Distances on a plane that touches the earth at the place: within 0.1 % up to 50 km around it, which is
where the answer is decided; it needs no park's CRS, so it holds anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Metres of a degree of latitude (mean earth radius 6,371,008.8 m).
DEGREE_M = 111_195.08
#: Between positions further apart in time nothing is said of the way between (assumption), seconds.
LONGEST_S = 3600
#: Faster than any truck (assumption): positions that ask for it are not joined, km/h.
FASTEST_KMH = 250.0
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Place:
    """A point, degrees WGS-84, and a distance around it, metres."""

    lon: float
    lat: float
    radius_m: float


@dataclass(frozen=True, slots=True)
class Box:
    """Degrees, west ≤ east and south ≤ north."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Legs:
    """Ways from one position to the next: microseconds since 1970 and degrees, both ends."""

    t0: Ints
    lon0: Floats
    lat0: Floats
    t1: Ints
    lon1: Floats
    lat1: Floats

    def __len__(self) -> int:
        return len(self.t0)

    def take(self, rows: Any) -> Legs:
        return Legs(
            self.t0[rows], self.lon0[rows], self.lat0[rows], self.t1[rows], self.lon1[rows], self.lat1[rows]
        )


@dataclass(frozen=True, slots=True)
class Passes:
    """Of each leg: does it come near within the time asked for, from when to when, how close (metres),
    and where it is closest (degrees)."""

    near: Flags
    enters: Ints
    leaves: Ints
    closest_m: Floats
    lon: Floats
    lat: Floats


def drivable(legs: Legs) -> Flags:
    """Legs that a truck can have driven and that are short enough to speak of; the others say nothing."""
    seconds = (legs.t1 - legs.t0) / _MICRO
    x = (legs.lon1 - legs.lon0) * np.cos(np.radians((legs.lat0 + legs.lat1) / 2))
    metres = np.hypot(x, legs.lat1 - legs.lat0) * DEGREE_M
    joined: Flags = (seconds >= 0) & (seconds <= LONGEST_S)
    return joined & (metres <= 100 + FASTEST_KMH / 3.6 * seconds) & (np.abs(legs.lon1 - legs.lon0) < 180)


def box_around(place: Place) -> Box:
    """A box that holds the circle, a little larger."""
    north = place.radius_m / DEGREE_M * 1.01
    east = north / max(0.01, float(np.cos(np.radians(place.lat))))
    return Box(place.lon - east, place.lat - north, place.lon + east, place.lat + north)


def might_pass(legs: Legs, place: Place, since: int, until: int) -> Flags:
    """A quick look: False only for legs that ``passes`` would not call near (their box is away)."""
    box = box_around(place)
    may: Flags = (legs.t1 >= since) & (legs.t0 <= until)
    may &= np.maximum(legs.lat0, legs.lat1) >= box.south
    may &= np.minimum(legs.lat0, legs.lat1) <= box.north
    may &= np.maximum(legs.lon0, legs.lon1) >= box.west
    may &= np.minimum(legs.lon0, legs.lon1) <= box.east
    return may


def passes(legs: Legs, place: Place, since: int, until: int) -> Passes:
    """Judge each leg against ``place`` within [since, until], microseconds. A leg of no length is a point."""
    x0, y0 = _metres(legs.lon0, legs.lat0, place)
    x1, y1 = _metres(legs.lon1, legs.lat1, place)
    dx, dy = x1 - x0, y1 - y0
    length2 = dx * dx + dy * dy
    took = (legs.t1 - legs.t0).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        first = np.where(took > 0, np.clip((since - legs.t0) / took, 0, 1), 0.0)
        last = np.where(took > 0, np.clip((until - legs.t0) / took, 0, 1), 1.0)
        nearest = np.where(length2 > 0, -(x0 * dx + y0 * dy) / length2, 0.0)
        nearest = np.clip(nearest, first, last)
        closest = np.hypot(x0 + nearest * dx, y0 + nearest * dy)
        half = np.sqrt(np.maximum(_reach2(x0, y0, dx, dy, length2, place.radius_m), 0) / length2)
        middle = -(x0 * dx + y0 * dy) / length2
    enters = np.where(length2 > 0, np.clip(middle - half, first, last), first)
    leaves = np.where(length2 > 0, np.clip(middle + half, first, last), last)
    within = (legs.t1 >= since) & (legs.t0 <= until)
    return Passes(
        near=within & (closest <= place.radius_m),
        enters=legs.t0 + np.rint(np.nan_to_num(enters) * took).astype(np.int64),
        leaves=legs.t0 + np.rint(np.nan_to_num(leaves) * took).astype(np.int64),
        closest_m=closest,
        lon=legs.lon0 + nearest * (legs.lon1 - legs.lon0),
        lat=legs.lat0 + nearest * (legs.lat1 - legs.lat0),
    )


def distance_m(lon: Floats, lat: Floats, place: Place) -> Floats:
    x, y = _metres(lon, lat, place)
    return np.hypot(x, y)


def _reach2(x0: Floats, y0: Floats, dx: Floats, dy: Floats, length2: Floats, radius: float) -> Floats:
    """Squared half chord of the line through the leg in the circle around the place."""
    off2 = (x0 * dy - y0 * dx) ** 2 / length2
    made: Floats = radius * radius - off2
    return made


def _metres(lon: Floats, lat: Floats, place: Place) -> tuple[Floats, Floats]:
    return (
        (lon - place.lon) * np.cos(np.radians(place.lat)) * DEGREE_M,
        (lat - place.lat) * DEGREE_M,
    )
