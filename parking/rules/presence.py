"""Being inside the control line without a booking."""

from __future__ import annotations

from dataclasses import dataclass, replace

from geo.crossing import depth
from parking.rules.sight import Finding, Sight, instant
from parking.vocabulary import Certainty, ViolationKind


@dataclass(frozen=True, slots=True)
class Unbooked:
    """Since when a vehicle without a booking is inside which control line."""

    began: float
    lon: float
    lat: float
    line: str
    last: float


def step(episode: Unbooked | None, sight: Sight) -> tuple[Unbooked | None, list[Finding]]:
    """The episode after this fix; told at once, ended when the vehicle is out or booked."""
    line = _line(sight)
    if episode is not None and line != episode.line:
        ended = [_finding(episode, sight.at)]
        begun, told = _begin(line, sight)
        return begun, ended + told
    if episode is None:
        return _begin(line, sight)
    return replace(episode, last=sight.at), []


def _begin(line: str | None, sight: Sight) -> tuple[Unbooked | None, list[Finding]]:
    if line is None:
        return None, []
    begun = Unbooked(sight.at, sight.fix.lon, sight.fix.lat, line, sight.at)
    return begun, [_finding(begun, None)]


def _line(sight: Sight) -> str | None:
    """The control line the fix lies inside, beyond the terminal's accuracy, without a booking."""
    if sight.journey.booked or not sight.policy.ring_unbooked:
        return None
    for area in sight.ground.control_lines(sight.fix.time):
        if depth(area.shape, sight.x, sight.y) > sight.policy.accuracy_m:
            return area.code
    return None


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
