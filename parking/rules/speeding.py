"""Driving faster than the zone allows, long enough to be no glitch.

More than 10 % over the limit for at least 10 s, by the terminal's own speed and, where two fixes allow
it, by the distance driven too. Once told it goes on until the speed is back at the limit. Bands of the
points rule: 10–20, 20–50 and ≥ 50 % over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from parking.rules.sight import Finding, Sight, instant
from parking.vocabulary import Certainty, ViolationKind

#: Below this many seconds between fixes terminal jitter drowns the distance driven.
CROSS_CHECK_S = 5.0


@dataclass(frozen=True, slots=True)
class Race:
    """An episode above the limit, perhaps not yet long enough to be told."""

    began: float
    lon: float
    lat: float
    limit_kmh: float
    zone: str
    peak_kmh: float
    last: float
    told: bool = False


def step(race: Race | None, sight: Sight) -> tuple[Race | None, list[Finding]]:
    """The episode after this fix, and what is to be told of it."""
    limit, zone = sight.place.limit_kmh, sight.place.limit_of
    told = race is not None and race.told and race.zone == zone
    too_fast = limit is not None and _too_fast(sight, limit, told)
    if race is not None and (not too_fast or zone != race.zone or sight.before is None):
        ended = [_finding(race, race.last, sight)] if race.told else []
        return _begin(sight) if too_fast else None, ended
    if not too_fast:
        return None, []
    if race is None:
        return _begin(sight), []
    race = replace(race, last=sight.at, peak_kmh=max(race.peak_kmh, sight.fix.speed_kmh or 0.0))
    if not race.told and race.last - race.began < sight.policy.speeding_s:
        return race, []
    race = replace(race, told=True)
    return race, [_finding(race, None, sight)]


def _too_fast(sight: Sight, limit: float, told: bool) -> bool:
    bound = limit if told else limit * (1 + sight.policy.speeding_tolerance)
    speed = sight.fix.speed_kmh
    if speed is None or speed <= bound:
        return False
    if sight.before is None or sight.gap_s < CROSS_CHECK_S:
        return True
    driven = sight.step_m + 2 * sight.policy.accuracy_m
    return driven / sight.gap_s * 3.6 > bound


def _begin(sight: Sight) -> Race:
    place = sight.place
    return Race(
        sight.at,
        sight.fix.lon,
        sight.fix.lat,
        place.limit_kmh or 0.0,
        place.limit_of,
        sight.fix.speed_kmh or 0.0,
        sight.at,
    )


def _finding(race: Race, ended: float | None, sight: Sight) -> Finding:
    over = 100 * (race.peak_kmh / race.limit_kmh - 1)
    return Finding(
        kind=ViolationKind.SPEEDING,
        subject=race.zone,
        started_at=instant(race.began),
        ended_at=None if ended is None else instant(ended),
        lon=race.lon,
        lat=race.lat,
        certainty=Certainty.CERTAIN,
        facts={
            "limit_kmh": race.limit_kmh,
            "peak_kmh": round(race.peak_kmh, 1),
            "over_percent": round(over),
            "band": "10-20" if over < 20 else "20-50" if over < 50 else ">=50",
            "seconds": round(race.last - race.began),
        },
    )
