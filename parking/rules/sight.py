"""What a rule of the monitor looks at: one believed fix, the one before, the place, the journey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from geo.corridor import Corridors, Offset
from geo.fix import Fix
from parking.rules.ground import Ground, Place
from parking.rules.policy import Policy
from parking.vocabulary import Certainty, PassageKind, ViolationKind


@dataclass(frozen=True, slots=True)
class Journey:
    """What was known of the vehicle at that moment. ``loaded`` None: unknown, judged as loaded.

    ``routes`` names the approved routes it may take; empty: every approved route of the park.
    ``zones``: the closed zones its booking is for; None: not said, then any booking is for every zone.
    """

    booked: bool
    loaded: bool | None
    routes: tuple[str, ...] = ()
    booking_id: int | None = None
    visit_id: int | None = None
    bay: str | None = None
    zones: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One offence or one passage. Times aware UTC, position WGS-84 degrees, facts plain JSON."""

    kind: ViolationKind | PassageKind
    subject: str
    started_at: datetime
    ended_at: datetime | None
    lon: float | None
    lat: float | None
    certainty: Certainty
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def offence(self) -> bool:
        return isinstance(self.kind, ViolationKind)

    @property
    def key(self) -> tuple[str, str, datetime]:
        return (self.kind, self.subject, self.started_at)


@dataclass(frozen=True)
class Sight:
    """One believed fix at ``x``, ``y`` metres, after another (None: the first, or after a break)."""

    ground: Ground
    journey: Journey
    fix: Fix
    x: float
    y: float
    before: Sight | None

    @property
    def policy(self) -> Policy:
        return self.ground.policy

    @property
    def at(self) -> float:
        """Seconds since 1970, UTC."""
        return self.fix.time.timestamp()

    @property
    def gap_s(self) -> float:
        """Seconds since the fix before (0 for the first)."""
        return self.at - self.before.at if self.before else 0.0

    @property
    def step_m(self) -> float:
        """Straight distance from the fix before, metres (0 for the first)."""
        if self.before is None:
            return 0.0
        return float(((self.x - self.before.x) ** 2 + (self.y - self.before.y) ** 2) ** 0.5)

    @cached_property
    def place(self) -> Place:
        return self.ground.place(self.x, self.y, self.fix.time)

    @cached_property
    def offset(self) -> Offset | None:
        """How far off the nearest route this vehicle may take."""
        return self.corridors.nearest(self.x, self.y)

    @property
    def corridors(self) -> Corridors:
        """The routes this vehicle may take now."""
        return self.ground.corridors_for(self.journey.routes, self.fix.time)

    @cached_property
    def road(self) -> list[tuple[float, float]]:
        """The likely path from the fix before, metres."""
        if self.before is None:
            return [(self.x, self.y)]
        reach = 2 * self.policy.accuracy_m + self.policy.fastest_kmh / 3.6 * max(self.gap_s, 0.0)
        here, there = (self.before.x, self.before.y), (self.x, self.y)
        return self.corridors.road(here, there, reach, self.policy.accuracy_m)


def instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)


def degrees(ground: Ground, x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude, seven decimals (a centimetre)."""
    lon, lat = ground.frame.degrees([x], [y])
    return round(float(lon[0]), 7), round(float(lat[0]), 7)
