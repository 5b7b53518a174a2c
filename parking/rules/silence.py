"""No fix for too long from a vehicle inside the park: an alarm of its own, never "no violation"."""

from __future__ import annotations

from parking.rules.sight import Finding, Sight, instant
from parking.vocabulary import Certainty, ViolationKind


def broken(sight: Sight) -> list[Finding]:
    """A silence that this fix ended."""
    before = sight.before
    if before is None or not before.place.in_park or sight.gap_s < sight.policy.silence_s:
        return []
    return [_finding(before, sight.at)]


def lasting(last: Sight, now: float) -> list[Finding]:
    """A silence that goes on at ``now`` (seconds since 1970)."""
    if not last.place.in_park or now - last.at < last.policy.silence_s:
        return []
    return [_finding(last, None)]


def _finding(last: Sight, ended: float | None) -> Finding:
    inside = last.ground.boundary(last.fix.time)
    subject = next((a.code for a in inside if a.holds(last.x, last.y)), "")
    return Finding(
        kind=ViolationKind.LOST_SIGNAL,
        subject=subject,
        started_at=last.fix.time,
        ended_at=None if ended is None else instant(ended),
        lon=last.fix.lon,
        lat=last.fix.lat,
        certainty=Certainty.CERTAIN,
        facts={} if ended is None else {"seconds": round(ended - last.at)},
    )
