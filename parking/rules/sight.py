"""What a rule of the monitor looks at: one believed fix, the one before, the place, the journey."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from geo.corridor import Corridors, Offset, road
from geo.datum import wgs84_from_gcj02
from geo.fix import Fix
from parking.rules.era import Era, Place
from parking.rules.ground import Ground
from parking.rules.policy import Policy
from parking.vocabulary import Certainty, PassageKind, ViolationKind


@dataclass(frozen=True, slots=True)
class Journey:
    """What was known of the vehicle at that moment. ``loaded`` None: unknown, judged as loaded.

    ``routes`` names the approved routes it may take; empty: every approved route of the park.
    """

    booked: bool
    loaded: bool | None
    routes: tuple[str, ...] = ()
    booking_id: int | None = None
    visit_id: int | None = None
    bay: str | None = None
    zones: tuple[str, ...] | None = None  # closed zones it is booked for; None: all


NOTHING_KNOWN = Journey(booked=False, loaded=None)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Journeys over time: ``journeys[n]`` from ``since[n]`` (seconds since 1970, ascending) to the next."""

    since: tuple[float, ...]
    journeys: tuple[Journey, ...]

    def __call__(self, at: datetime) -> Journey:
        return self.journeys[max(0, bisect_right(self.since, at.timestamp()) - 1)]


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
    calm: int = (
        0  # the rules (parking.rules.scene) known to find nothing at this step, having nothing going on
    )

    @property
    def policy(self) -> Policy:
        """The park's policy; in a ring whose control line sets its own, that one."""
        return self._ring_policy if self.era.lines_differ else self.ground.policy

    @cached_property
    def _ring_policy(self) -> Policy:
        return self.era.ring_policy(self.place.inside) if self.place.in_ring else self.ground.policy

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

    def alone(self) -> Sight:
        """The same sight without what came before it."""
        made = replace(self, before=None, calm=0)
        made.__dict__.update(
            {k: self.__dict__[k] for k in ("era", "place", "offset", "any_offset") if k in self.__dict__}
        )
        return made

    @cached_property
    def era(self) -> Era:
        return self.ground.era(self.fix.time)

    @cached_property
    def place(self) -> Place:
        return self.era.place(self.x, self.y)

    @cached_property
    def unshifted(self) -> tuple[float, float]:
        """Where it would be if what was sent were GCJ-02, metres. Evidence only: nothing is converted."""
        lon, lat = wgs84_from_gcj02([self.fix.lon], [self.fix.lat])
        x, y = self.ground.frame.metres(lon, lat)
        return float(x[0]), float(y[0])

    @cached_property
    def any_offset(self) -> Offset | None:
        """How far off the nearest approved route, whoever may take it."""
        return self.era.corridors.nearest(self.x, self.y)

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
        stretch = self.place.stretch
        if stretch >= 0 and stretch == self.before.place.stretch and self.era is self.before.era:
            shared = self.era.shared(stretch, here, there, self.corridors)
            return road(shared, here, there, reach, self.policy.accuracy_m)
        return self.corridors.road(here, there, reach, self.policy.accuracy_m)


def instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)


def degrees(ground: Ground, x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude, seven decimals (a centimetre)."""
    lon, lat = ground.frame.degrees([x], [y])
    return round(float(lon[0]), 7), round(float(lat[0]), 7)
