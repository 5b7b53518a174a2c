"""Being inside the control line without a booking.

In is deeper inside than the terminal's accuracy. Out again is as far outside, and for a while: along the
line, or with a stray fix beyond it, it is one stay. Told at once, but for a vehicle never seen before: its
very first fix may be an old place, the next one tells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from geo.crossing import depth
from parking.rules.era import Area
from parking.rules.sight import Finding, Sight, instant
from parking.vocabulary import Certainty, ViolationKind


@dataclass(frozen=True, slots=True)
class Unbooked:
    """Since when a vehicle without a booking is inside which line; ``out_from``: seen outside since then."""

    began: float
    lon: float
    lat: float
    line: str
    last: float
    told: bool = True
    out_from: float | None = None


def step(episode: Unbooked | None, sight: Sight) -> tuple[Unbooked | None, list[Finding]]:
    """The episode after this fix; ended when the vehicle has been out for a while, or is booked."""
    if episode is None:
        return _begin(sight)
    if sight.journey.booked:
        return None, _end(episode, sight.at)
    out = sight.at if episode.out_from is None else episode.out_from
    if _inside(episode, sight):  # one fix outside is a stray, but not when nobody saw it come back
        if sight.at - out < sight.ground.policy.silence_s:
            return _stays(episode, sight)
    elif episode.told and sight.before is not None and sight.at - out < _back_s(episode, sight):
        return replace(episode, out_from=out), []
    begun, found = _begin(sight)
    return begun, _end(episode, out) + found


def _stays(episode: Unbooked, sight: Sight) -> tuple[Unbooked, list[Finding]]:
    after = replace(episode, last=sight.at, told=True, out_from=None)
    return after, [] if episode.told else [_finding(after, None)]


def _begin(sight: Sight) -> tuple[Unbooked | None, list[Finding]]:
    area = None if sight.journey.booked else _entered(sight)
    if area is None:
        return None, []
    known = sight.before is not None
    begun = Unbooked(sight.at, sight.fix.lon, sight.fix.lat, area.code, sight.at, told=known)
    return begun, [_finding(begun, None)] if known else []


def _entered(sight: Sight) -> Area | None:
    """The control line the vehicle is inside of for sure, if being there unbooked offends."""
    for area in sight.era.control_lines:
        policy = sight.era.policy_of(area)
        if policy.ring_unbooked and depth(area.shape, sight.x, sight.y) > policy.accuracy_m:
            return area
    return None


def _inside(episode: Unbooked, sight: Sight) -> bool:
    """Still inside the line it entered, or too near to say."""
    area = _line(episode, sight)
    if area is None or not sight.era.policy_of(area).ring_unbooked:
        return False
    return depth(area.shape, sight.x, sight.y) > -sight.ground.policy.accuracy_m


def _line(episode: Unbooked, sight: Sight) -> Area | None:
    lines = sight.era.control_lines
    return next((a for a in lines if a.code == episode.line), None)


def _back_s(episode: Unbooked, sight: Sight) -> float:
    area = _line(episode, sight)
    return (sight.era.policy_of(area) if area else sight.ground.policy).unbooked_back_s


def _end(episode: Unbooked, ended: float) -> list[Finding]:
    return [_finding(episode, ended)] if episode.told else []


def _finding(episode: Unbooked, ended: float | None) -> Finding:
    return Finding(
        kind=ViolationKind.RING_UNBOOKED,
        subject=episode.line,
        started_at=instant(episode.began),
        ended_at=None if ended is None else instant(ended),
        lon=episode.lon,
        lat=episode.lat,
        certainty=Certainty.CERTAIN,
        facts={"line": episode.line, "seconds": round((ended or episode.last) - episode.began)},
    )
