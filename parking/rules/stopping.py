"""Standing still where one may not: illegal stops in the park, stops in the ring.

A vehicle stands while every fix lies within the stop radius of the first one; below walking speed a
drift of twice that is still standing. A single stray fix ends no stand: only when the next one does not
lie where the vehicle stood either has it left, and it left when it was first seen elsewhere. Two strays
need two fixes between them at the old place, so driving to and fro is no standing. Bay, dock, lot, gate
and gate queue are places to stand: reaching or leaving one ends a stand, however near.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

from parking.rules.era import Area
from parking.rules.sight import Finding, Sight, instant
from parking.vocabulary import Certainty, ViolationKind

#: So many fixes in a row at the old place, and one elsewhere may be a stray.
CALM = 2


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a vehicle stands since when; ``kind`` is the offence this place would make of it.

    ``count``, ``mean_x``, ``mean_y``: the fixes that lie here and their middle, metres. ``away``: the
    stand that began elsewhere with the newest fix, if that was no stray.
    """

    began: float
    x: float
    y: float
    lon: float
    lat: float
    kind: str  # a ViolationKind, or "" where standing is allowed
    subject: str
    last: float
    longest_gap_s: float = 0.0
    told: bool = False
    calm: int = 1
    count: int = 1
    mean_x: float = 0.0
    mean_y: float = 0.0
    away: Stand | None = None

    def away_m(self, sight: Sight) -> float:
        """Metres from where it began."""
        x, y = sight.x - self.x, sight.y - self.y
        return sqrt(x * x + y * y)  # to the last digit as the arrays of ``gliding`` have it

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Stand | None:
        if data is None:
            return None
        return cls(**{**data, "away": cls.from_json(data.get("away"))})


def step(stand: Stand | None, sight: Sight) -> tuple[Stand | None, list[Finding]]:
    """The stand after this fix, and what is to be told of it."""
    if stand is None or sight.before is None:
        return _begin(sight), _end(stand)
    if _stays(stand, sight) and not _elsewhere(stand, sight):
        return _goes_on(stand, sight)
    if stand.away is not None:
        after, found = step(stand.away, sight)
        return after, _end(stand) + found
    if stand.calm < CALM:
        return _begin(sight), _end(stand)
    return replace(stand, away=_begin(sight), calm=0), []


def _goes_on(stand: Stand, sight: Sight) -> tuple[Stand, list[Finding]]:
    count = stand.count + 1
    stand = replace(
        stand,
        last=sight.at,
        longest_gap_s=max(stand.longest_gap_s, sight.at - stand.last),
        calm=stand.calm + 1,
        count=count,
        mean_x=stand.mean_x + (sight.x - stand.mean_x) / count,
        mean_y=stand.mean_y + (sight.y - stand.mean_y) / count,
        away=None,
    )
    if not stand.kind or not (stand.told or stand.last - stand.began >= _allowed_s(stand, sight)):
        return stand, []
    stand = replace(stand, told=True)
    return stand, [_finding(stand, None)]


def _end(stand: Stand | None) -> list[Finding]:
    return [_finding(stand, stand.last)] if stand and stand.told else []


def _elsewhere(stand: Stand, sight: Sight) -> bool:
    """However near: from the road into a place to stand, or out of one."""
    return sight.place.resting if stand.kind else _offence(sight)[0] != ""


def _stays(stand: Stand, sight: Sight) -> bool:
    slow = sight.fix.speed_kmh is not None and sight.fix.speed_kmh < sight.policy.stop_kmh
    return bool(stand.away_m(sight) <= sight.policy.stop_radius_m * (2 if slow else 1))


def _begin(sight: Sight) -> Stand:
    kind, subject = _offence(sight)
    return Stand(
        began=sight.at,
        x=sight.x,
        y=sight.y,
        lon=sight.fix.lon,
        lat=sight.fix.lat,
        kind=kind,
        subject=subject,
        last=sight.at,
        mean_x=sight.x,
        mean_y=sight.y,
    )


def _offence(sight: Sight) -> tuple[str, str]:
    place = sight.place
    if place.resting:
        return "", ""
    if place.in_park:
        return ViolationKind.ILLEGAL_STOP, _code(sight.ground.boundary(sight.fix.time), sight)
    if place.in_ring and sight.policy.ring_stop and not _excused(sight):
        return ViolationKind.RING_STOP, _code(sight.era.control_lines, sight)
    return "", ""


def _excused(sight: Sight) -> bool:
    """Empty and clean, where the park minds only loaded vehicles; not known to be empty counts as loaded."""
    return sight.journey.loaded is False and not sight.policy.ring_stop_empty


def _code(areas: tuple[Area, ...], sight: Sight) -> str:
    return next((a.code for a in areas if a.holds(sight.x, sight.y)), "")


def _allowed_s(stand: Stand, sight: Sight) -> float:
    ring = stand.kind == ViolationKind.RING_STOP
    return sight.policy.ring_stop_s if ring else sight.policy.illegal_stop_s


def _finding(stand: Stand, ended: float | None) -> Finding:
    return Finding(
        kind=ViolationKind(stand.kind),
        subject=stand.subject,
        started_at=instant(stand.began),
        ended_at=None if ended is None else instant(ended),
        lon=stand.lon,
        lat=stand.lat,
        certainty=Certainty.INFERRED if stand.longest_gap_s > 120 else Certainty.CERTAIN,
        facts={"seconds": round(stand.last - stand.began), "gap_s": round(stand.longest_gap_s, 1)},
    )
