"""Tracks from a file, moved onto the park and sent through the real gateway by terminals of their own."""

from __future__ import annotations

import asyncio
import math
import time
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from geo.fix import Fix
from geo.shapes import LayerKind, Park
from workers.jt808.location import Location
from workers.terminal import MOST_IN_BATCH, Rejected, Terminal, Unanswered

#: Vehicles on the road at the same time.
AT_ONCE = 50

#: A speed the file does not give is taken from neighbours at most this far apart, and never beyond this.
NEIGHBOURS_S, FASTEST_KMH = 60.0, 120.0

#: The most the message's speed field can say.
FASTEST_WIRE_KMH = 6553.5

_METRES_A_DEGREE = 111_320.0


def centre(park: Park) -> tuple[float, float]:
    """Longitude and latitude of the middle of the boundary's box. Raises ValueError without a boundary."""
    if not (boundaries := park.of(LayerKind.BOUNDARY)):
        raise ValueError("the park has no boundary")
    west, south, east, north = boundaries[0].geometry.bounds
    return (west + east) / 2, (south + north) / 2


def onto(track: Sequence[Fix], middle: tuple[float, float], now: datetime) -> list[Fix]:
    """The track with the centre of its box at ``middle`` and its last fix at ``now``; metres stay metres."""
    west, east = min(f.lon for f in track), max(f.lon for f in track)
    south, north = min(f.lat for f in track), max(f.lat for f in track)
    lon, lat = (west + east) / 2, (south + north) / 2
    stretch = math.cos(math.radians(lat)) / math.cos(math.radians(middle[1]))
    later = now - max(f.time for f in track)
    return [
        replace(f, lon=middle[0] + (f.lon - lon) * stretch, lat=middle[1] + f.lat - lat, time=f.time + later)
        for f in track
    ]


def located(track: Sequence[Fix]) -> list[Location]:
    """As a terminal reports it; what lies nowhere on earth is left out.

    The wire knows no "unknown speed": it is then taken from the way made.
    """
    ways = [(0.0, 0), *(_way(a, b) for a, b in pairwise(track))]
    return [
        Location(
            fix.time,
            fix.lat,
            fix.lon,
            min(max(0.0, way[0] if fix.speed_kmh is None else fix.speed_kmh), FASTEST_WIRE_KMH),
            way[1] if fix.heading is None else fix.heading,
        )
        for fix, way in zip(track, ways, strict=True)
        if abs(fix.lat) <= 90 and abs(fix.lon) <= 180
    ]


def _way(a: Fix, b: Fix) -> tuple[float, int]:
    """Speed (km/h) and heading from ``a`` to ``b``."""
    east = (b.lon - a.lon) * _METRES_A_DEGREE * math.cos(math.radians(a.lat))
    north = (b.lat - a.lat) * _METRES_A_DEGREE
    took = (b.time - a.time).total_seconds()
    speed = math.hypot(east, north) / took * 3.6 if 0 < took <= NEIGHBOURS_S else 0.0
    return min(speed, FASTEST_KMH), round(math.degrees(math.atan2(east, north))) % 360


def terminal_of(vehicle: str, host: str, port: int, version: str = "2013") -> Terminal:
    """The same phone and plate for the same vehicle id every time; 测 (test) is no province's letter."""
    number = zlib.crc32(vehicle.encode())
    return Terminal(
        host, port, f"19{number:010d}", f"测{number:08X}", version=version, patience=30.0, attempts=10
    )


class Pace:
    """Lets through at most ``rate`` fixes a second, over all terminals; without a rate, all at once."""

    def __init__(self, rate: float | None) -> None:
        self._rate, self._next = rate, 0.0

    async def wait(self, fixes: int) -> None:
        if self._rate:
            begins = max(self._next, time.monotonic())
            self._next = begins + fixes / self._rate
            await asyncio.sleep(begins - time.monotonic())


async def replay(
    tracks: Mapping[str, Sequence[Fix]], host: str, port: int, rate: float | None = None
) -> dict[str, float]:
    """Send every track, at most ``rate`` fixes a second (None: as fast as they are acknowledged).

    The counts: vehicles, fixes, acknowledged, refused, unanswered, seconds.
    """
    counts: Counter[str] = Counter()
    gate, started, pace = asyncio.Semaphore(AT_ONCE), time.monotonic(), Pace(rate)

    async def drive(vehicle: str, track: Sequence[Fix]) -> None:
        async with gate:
            reports = located(track)
            counts["refused"] += len(track) - len(reports)
            await _send(terminal_of(vehicle, host, port), reports, counts, pace)

    await asyncio.gather(*(drive(vehicle, track) for vehicle, track in tracks.items()))
    names = ("acknowledged", "refused", "unanswered")
    return {
        "vehicles": len(tracks), "fixes": sum(map(len, tracks.values())), **{n: counts[n] for n in names},
        "seconds": round(time.monotonic() - started, 3),
    }  # fmt: skip


async def _send(terminal: Terminal, reports: Sequence[Location], counts: Counter[str], pace: Pace) -> None:
    sent = 0
    try:
        await terminal.reconnect(attempts=5)
        for n in range(0, len(reports), MOST_IN_BATCH):
            part = reports[n : n + MOST_IN_BATCH]
            await pace.wait(len(part))
            result = await terminal.send_fixes(part)
            counts["refused" if result else "acknowledged"] += len(part)
            sent += len(part)
    except Rejected:
        counts["refused"] += len(reports) - sent
    except (Unanswered, OSError, TimeoutError):
        counts["unanswered"] += len(reports) - sent
    finally:
        await terminal.close()
