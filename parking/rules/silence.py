"""No fix for too long from a vehicle inside the park: an alarm of its own, never "no violation".

Time alone reveals a silence while it lasts (``lasting``); the next believed fix ends it (``step``). Fixes
that a terminal kept back and sent later end it too, but do not make it unhappened.
"""

from __future__ import annotations

from dataclasses import dataclass

from parking.rules.sight import Finding, Sight, instant
from parking.vocabulary import Certainty, ViolationKind


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence already told: since the fix at ``since``, still lasting at ``until`` (seconds since 1970)."""

    since: float
    until: float
    lon: float
    lat: float
    subject: str


def step(told: Silence | None, sight: Sight) -> list[Finding]:
    """The silence that this fix ended, told before or found only now."""
    if told is not None:
        return [_finding(told, max(sight.at, told.until))]
    before = sight.before
    if before is None or not before.place.in_park or sight.gap_s < sight.policy.silence_s:
        return []
    return [_finding(_of(before, sight.at), sight.at)]


def lasting(told: Silence | None, last: Sight, now: float) -> tuple[Silence | None, list[Finding]]:
    """The silence that goes on at ``now`` (seconds since 1970); told once."""
    if not last.place.in_park or now - last.at < last.policy.silence_s:
        return told, []
    silence = _of(last, now)
    return silence, [] if told is not None and told.since == silence.since else [_finding(silence, None)]


def _of(last: Sight, until: float) -> Silence:
    inside = last.ground.boundary(last.fix.time)
    subject = next((a.code for a in inside if a.holds(last.x, last.y)), "")
    return Silence(last.at, until, last.fix.lon, last.fix.lat, subject)


def _finding(silence: Silence, ended: float | None) -> Finding:
    return Finding(
        kind=ViolationKind.LOST_SIGNAL,
        subject=silence.subject,
        started_at=instant(silence.since),
        ended_at=None if ended is None else instant(ended),
        lon=silence.lon,
        lat=silence.lat,
        certainty=Certainty.CERTAIN,
        facts={} if ended is None else {"seconds": round(ended - silence.since)},
    )
