"""Whether a fix is believed. What is not believed is kept and marked, never judged."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from geo.fix import Fix
from parking.rules.ground import Ground
from parking.vocabulary import Mark

#: Status bit 5 of JT/T 808 message 0x0200: coordinates encrypted by the national plug-in.
ENCRYPTED_BIT = 1 << 5
#: One second is the resolution of terminal time; a fix may jump this far within it.
JITTER_M = 30.0


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


def reachable(distance_m: float, seconds: float, fastest_kmh: float) -> bool:
    """Could a truck have driven this far in this time, terminal jitter allowed for?"""
    return distance_m <= JITTER_M + fastest_kmh / 3.6 * max(seconds, 0.0)
