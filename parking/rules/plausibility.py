"""Whether a fix is believed. What is not believed is kept and marked, never judged."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from geo.fix import Fix, FixColumns
from parking.rules.ground import Ground
from parking.vocabulary import Mark

#: Status bit 5 of JT/T 808 message 0x0200: coordinates encrypted by the national plug-in.
ENCRYPTED_BIT = 1 << 5
#: One second is the resolution of terminal time; a fix may jump this far within it.
JITTER_M = 30.0


#: Every mark by its place; 0 is none: the fix is believed.
MARKS: tuple[Mark | None, ...] = (None, *Mark)


def mark(fix: Fix, ground: Ground, now: datetime) -> Mark | None:
    """What is wrong with ``fix`` by itself; None when nothing is."""
    if not fix.located:
        return Mark.NOT_LOCATED
    if fix.status & ENCRYPTED_BIT:
        return Mark.ENCRYPTED
    return when(fix, ground, now) or _where(fix, ground.park.watch_area)


def when(fix: Fix, ground: Ground, now: datetime) -> Mark | None:
    """What is wrong with the time of ``fix``; a fix without a place has one too."""
    if fix.time > now + timedelta(seconds=ground.policy.future_s):
        return Mark.FUTURE
    if (now - fix.time).total_seconds() > ground.policy.oldest_h * 3600:
        return Mark.TOO_OLD
    return None


def _where(fix: Fix, watch_area: tuple[float, float, float, float]) -> Mark | None:
    if not (math.isfinite(fix.lon) and math.isfinite(fix.lat)):
        return Mark.NOT_LOCATED
    if abs(fix.lon) < 1e-3 and abs(fix.lat) < 1e-3:
        return Mark.NULL_ISLAND
    if _within(fix.lon, fix.lat, watch_area):
        return None
    return Mark.SWAPPED_AXES if _within(fix.lat, fix.lon, watch_area) else Mark.OUTSIDE_WATCH_AREA


def _within(lon: float, lat: float, area: tuple[float, float, float, float]) -> bool:
    west, south, east, north = area
    return west <= lon <= east and south <= lat <= north


def marks(columns: FixColumns, ground: Ground, now: datetime) -> NDArray[np.int8]:
    """``mark`` of every row: its place in ``MARKS``, (n,)."""
    west, south, east, north = ground.park.watch_area
    lon, lat, at = columns.lon, columns.lat, columns.at
    found = np.zeros(len(columns), dtype=np.int8)

    def within(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
        return (west <= x) & (x <= east) & (south <= y) & (y <= north)

    def say(mark: Mark, where: NDArray[np.bool_]) -> None:
        found[where & (found == 0)] = MARKS.index(mark)

    say(Mark.NOT_LOCATED, ~columns.located)
    say(Mark.ENCRYPTED, (columns.status & ENCRYPTED_BIT) != 0)
    say(Mark.FUTURE, at > now.timestamp() + ground.policy.future_s)
    say(Mark.TOO_OLD, now.timestamp() - at > ground.policy.oldest_h * 3600)
    say(Mark.NOT_LOCATED, ~(np.isfinite(lon) & np.isfinite(lat)))
    say(Mark.NULL_ISLAND, (np.abs(lon) < 1e-3) & (np.abs(lat) < 1e-3))
    say(Mark.SWAPPED_AXES, ~within(lon, lat) & within(lat, lon))
    say(Mark.OUTSIDE_WATCH_AREA, ~within(lon, lat))
    return found


def reachable_all(
    distance_m: NDArray[np.float64], seconds: NDArray[np.float64], fastest_kmh: float
) -> NDArray[np.bool_]:
    """``reachable`` for arrays (n,)."""
    return np.asarray(distance_m <= JITTER_M + fastest_kmh / 3.6 * np.maximum(seconds, 0.0))


def reachable(distance_m: float, seconds: float, fastest_kmh: float) -> bool:
    """Could a truck have driven this far in this time, terminal jitter allowed for?"""
    return distance_m <= JITTER_M + fastest_kmh / 3.6 * max(seconds, 0.0)
