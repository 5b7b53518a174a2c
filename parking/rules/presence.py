"""Being inside the control line without a booking.

In is deeper inside than the terminal's accuracy, out again is as far outside: along the line it is one stay.
"""

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
    line = _line(sight, episode.line if episode else None)
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


def _line(sight: Sight, stayed: str | None) -> str | None:
    """The control line the vehicle is inside without a booking; ``stayed``: where it was before."""
    if sight.journey.booked or not sight.policy.ring_unbooked:
        return None
    for area in sight.ground.control_lines(sight.fix.time):
        needed = sight.policy.accuracy_m * (-1 if area.code == stayed else 1)
        if depth(area.shape, sight.x, sight.y) > needed:
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
