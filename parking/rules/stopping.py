"""Standing still where one may not: illegal stops in the park, stops in the ring.

A vehicle stands while every fix lies within the stop radius of the first one; below walking speed a
drift of twice that is still standing. Bay, dock, lot, gate and gate queue are places to stand: reaching or
leaving one ends a stand, however near.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from parking.rules.ground import Area
from parking.rules.sight import Finding, Sight, instant
from parking.vocabulary import Certainty, ViolationKind


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a vehicle stands since when; ``kind`` is the offence this place would make of it."""

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


def step(stand: Stand | None, sight: Sight) -> tuple[Stand | None, list[Finding]]:
    """The stand after this fix, and what is to be told of it."""
    if stand is None or sight.before is None or not _stays(stand, sight) or _elsewhere(stand, sight):
        ended = [_finding(stand, stand.last)] if stand and stand.told else []
        return _begin(sight), ended
    stand = replace(stand, last=sight.at, longest_gap_s=max(stand.longest_gap_s, sight.at - stand.last))
    if not stand.kind or not (stand.told or stand.last - stand.began >= _allowed_s(stand, sight)):
        return stand, []
    stand = replace(stand, told=True)
    return stand, [_finding(stand, None)]


def _elsewhere(stand: Stand, sight: Sight) -> bool:
    """However near: from the road into a place to stand, or out of one."""
    return sight.place.resting if stand.kind else _offence(sight)[0] != ""


def _stays(stand: Stand, sight: Sight) -> bool:
    away = ((sight.x - stand.x) ** 2 + (sight.y - stand.y) ** 2) ** 0.5
    slow = sight.fix.speed_kmh is not None and sight.fix.speed_kmh < sight.policy.stop_kmh
    return bool(away <= sight.policy.stop_radius_m * (2 if slow else 1))


def _begin(sight: Sight) -> Stand:
    kind, subject = _offence(sight)
    return Stand(sight.at, sight.x, sight.y, sight.fix.lon, sight.fix.lat, kind, subject, sight.at)


def _offence(sight: Sight) -> tuple[str, str]:
    place = sight.place
    if place.resting:
        return "", ""
    if place.in_park:
        return ViolationKind.ILLEGAL_STOP, _code(sight.ground.boundary(sight.fix.time), sight)
    if place.in_ring and sight.policy.ring_stop:
        return ViolationKind.RING_STOP, _code(sight.ground.control_lines(sight.fix.time), sight)
    return "", ""


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
