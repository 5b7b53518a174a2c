"""One terminal cannot be in two places: connections that take turns, positions that take turns.

A lorry's address changes as it roams and its old connection may linger; what betrays two devices is that
they come back, each in turn, faster than one could.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import asin, cos, hypot, radians, sin, sqrt

from parking.rules.plausibility import reachable

#: A connection that took another's place so soon is one of two devices that throw each other out. Assumption.
SOON = timedelta(seconds=20)

#: Entries kept of a terminal's connections.
KEPT = 12

_EARTH_M = 6_371_000.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A connection of one terminal; ``over``: while another of it was still open."""

    at: datetime
    source: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class Spot:
    """A position of one terminal, WGS-84 degrees."""

    at: datetime
    lon: float
    lat: float


def remember(arrivals: Sequence[Arrival], new: Arrival) -> tuple[Arrival, ...]:
    """The history with ``new``; who comes again from where it was adds nothing."""
    if arrivals and arrivals[-1].source == new.source and not _thrown_out(arrivals[-1], new):
        return tuple(arrivals)
    return (*arrivals, new)[-KEPT:]


def take_turns(arrivals: Sequence[Arrival], now: datetime, within: timedelta, flips: int) -> tuple[str, ...]:
    """The sources that take turns; none when nothing is odd."""
    recent = [a for a in arrivals if a.at > now - within]
    changes = [b for a, b in pairwise(recent) if a.source != b.source or _thrown_out(a, b)]
    sources = [a.source for a in recent]
    came_back = len(set(sources)) < len(sources)
    return tuple(sorted(set(sources))) if len(changes) >= flips and came_back else ()


def alternate(spots: Sequence[Spot], fastest_kmh: float, flips: int) -> tuple[Spot, Spot] | None:
    """Two positions the terminal takes turns between, in order of time; None when nothing is odd.

    A single wild fix is a jump; two tracks that interleave, each of them drivable, are two devices.
    """
    turns = [
        (before, here)
        for before, here, after in zip(spots, spots[1:], spots[2:], strict=False)
        if not _drivable(before, here, fastest_kmh)
        and not _drivable(here, after, fastest_kmh)
        and _drivable(before, after, fastest_kmh)
    ]
    steady = [pair for pair, following in pairwise(turns) if _drivable(pair[1], following[0], fastest_kmh)]
    return turns[-1] if len(steady) + 1 >= flips and steady else None


def distance_m(a: Spot, b: Spot) -> float:
    """Along the great circle."""
    north, east = radians(b.lat - a.lat) / 2, radians(b.lon - a.lon) / 2
    chord = hypot(sin(north), sqrt(cos(radians(a.lat)) * cos(radians(b.lat))) * sin(east))
    return 2 * _EARTH_M * asin(min(1.0, chord))


def _thrown_out(before: Arrival, after: Arrival) -> bool:
    return after.over and after.at - before.at <= SOON


def _drivable(a: Spot, b: Spot, fastest_kmh: float) -> bool:
    return reachable(distance_m(a, b), abs((b.at - a.at).total_seconds()), fastest_kmh)
