"""No fix for too long from a vehicle inside the park: an alarm of its own, never "no violation".

Time alone reveals a silence while it lasts (``lasting``); the next believed fix ends it (``step``). Fixes
that a terminal kept back and sent later end it too, but do not make it unhappened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from parking.rules.ground import Ground
from parking.rules.sight import Finding, Sight, instant
from parking.vocabulary import Certainty, ViolationKind


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence told while it lasted: since the fix (or the admission) at ``since``, lasting at ``until``.

    Seconds since 1970; no position where no fix ever came.
    """

    since: float
    until: float
    lon: float | None
    lat: float | None
    subject: str


def step(told: Silence | None, sight: Sight) -> list[Finding]:
    """The silence that this fix ended, told before or found only now."""
    if told is not None:
        return [_finding(told, max(sight.at, told.until))]
    before = sight.before
    if before is None or not before.place.in_park or sight.gap_s < sight.policy.silence_s:
        return []
    return [_finding(_of(before, sight.at), sight.at, awaited=False)]


def lasting(
    told: Silence | None,
    last: Sight | None,
    ground: Ground,
    now: datetime,
    inside_since: datetime | None = None,
    left: datetime | None = None,
) -> tuple[Silence | None, list[Finding]]:
    """The silence that goes on at ``now``; told once.

    ``inside_since``: when people let the vehicle in, if they say it is inside: then it is awaited, though
    its last fix lies outside or there never was one. ``left``: when they saw it leave, which ends a silence.
    """
    if inside_since is None and left is not None and (last is None or last.fix.time <= left):
        return None, [_finding(told, max(told.since, left.timestamp()))] if told else []
    silence = _now(last, ground, now, inside_since)
    if silence is None or now.timestamp() - silence.since < ground.policy.silence_s:
        return told, []
    return silence, [] if told is not None and told.since == silence.since else [_finding(silence, None)]


def _now(last: Sight | None, ground: Ground, now: datetime, inside_since: datetime | None) -> Silence | None:
    if last is not None and last.place.in_park:
        return _of(last, now.timestamp())
    if inside_since is None:
        return None
    since = max(inside_since.timestamp(), last.at if last else 0.0)
    subject = next((a.code for a in ground.boundary(now)), "")
    lon, lat = (last.fix.lon, last.fix.lat) if last else (None, None)
    return Silence(since, now.timestamp(), lon, lat, subject)


def _of(last: Sight, until: float) -> Silence:
    inside = last.ground.boundary(last.fix.time)
    subject = next((a.code for a in inside if a.holds(last.x, last.y)), "")
    return Silence(last.at, until, last.fix.lon, last.fix.lat, subject)


def _finding(silence: Silence, ended: float | None, awaited: bool = True) -> Finding:
    """``awaited``: told while it lasted, so that fixes sent later do not refute it."""
    return Finding(
        kind=ViolationKind.LOST_SIGNAL,
        subject=silence.subject,
        started_at=instant(silence.since),
        ended_at=None if ended is None else instant(ended),
        lon=silence.lon,
        lat=silence.lat,
        certainty=Certainty.CERTAIN,
        facts={"awaited": awaited} | ({} if ended is None else {"seconds": round(ended - silence.since)}),
    )
