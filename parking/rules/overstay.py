"""Staying too long (超时停放): the clocks of one visit, and who is told how much later.

Each clock is counted from this very visit. Its own limit is when the stay is due to end; the bay's clock
becomes a violation after a grace, the others' at once. The ladder is counted from the limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from parking.rules.policy import Policy
from parking.vocabulary import Rung


class Clock(StrEnum):
    """What is measured: the booked end of the bay, the longest stay in the park, that of zone and class."""

    BAY = "bay"
    PARK = "park"
    ZONE = "zone"


@dataclass(frozen=True, slots=True)
class Overstay:
    """One running episode: since when it is a violation, the limit behind it, and the rungs reached."""

    clock: Clock
    limit_at: datetime
    started_at: datetime
    rungs: tuple[Rung, ...]


def judge(
    window_end: datetime,
    admitted_at: datetime | None,
    now: datetime,
    policy: Policy,
    zone_h: float | None = None,
) -> list[Overstay]:
    """The overstays of a vehicle still inside at ``now``; without ``admitted_at`` no clock runs yet.

    ``zone_h``: the longest stay of its zone and class in hours, where the park has set one.
    """
    if admitted_at is None:
        return []
    grace = timedelta(minutes=policy.overstay_grace_min)
    limits = {
        Clock.BAY: (window_end, window_end + grace),
        Clock.PARK: (admitted_at + timedelta(hours=policy.park_stay_h),) * 2,
    }
    if zone_h is not None:
        limits[Clock.ZONE] = (admitted_at + timedelta(hours=zone_h),) * 2
    return [
        Overstay(clock, limit, due, _rungs(limit, now, policy))
        for clock, (limit, due) in limits.items()
        if now > due
    ]


def _rungs(limit_at: datetime, now: datetime, policy: Policy) -> tuple[Rung, ...]:
    """Every rung of the ladder reached so far, in order."""
    ladder = (
        (Rung.DISPATCHER, policy.tell_dispatcher_min),
        (Rung.SUPERVISOR, policy.tell_supervisor_min),
        (Rung.ENFORCEMENT, policy.tell_enforcement_min),
    )
    return tuple(rung for rung, minutes in ladder if now >= limit_at + timedelta(minutes=minutes))
