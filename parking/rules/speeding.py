"""Driving faster than the zone allows, long enough to be no glitch.

More than 10 % over the limit for at least 10 s, by the terminal's own speed and, where two fixes allow
it, by the distance driven too. A terminal that says no speed, or one the distance belies by more than
half, is measured by the distance alone: straight from fix to fix, both fixes' accuracy given away, over
several fixes in a row; that is an inference. One episode is one violation, told with the place where it
was worst: once told it goes on through zones and short dips until the speed has been at the limit for a
while. Bands of the points rule: 10–20, 20–50 and ≥ 50 % over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from parking.rules.sight import Finding, Sight, instant
from parking.vocabulary import Certainty, ViolationKind

#: Below this many seconds between fixes terminal jitter drowns the distance driven.
CROSS_CHECK_S = 5.0
#: A speed the terminal says is belied when the distance shows more than this many times as much.
BELIED = 2.0


@dataclass(frozen=True, slots=True)
class Race:
    """An episode above the limit, perhaps not yet long enough to be told.

    ``limit_kmh``, ``peak_kmh``, ``worst``: limit, speed and zone where it was most over the limit.
    ``said_from``, ``said_s``: since when and how long the terminal itself says so. ``measured``: steps in
    which only the distance does. ``slow_from``: back at the limit since then.
    """

    began: float
    lon: float
    lat: float
    limit_kmh: float
    zone: str
    peak_kmh: float
    last: float
    told: bool = False
    worst: str = ""
    said_from: float | None = None
    said_s: float = 0.0
    measured: int = 0
    slow_from: float | None = None


@dataclass(frozen=True, slots=True)
class _Speed:
    """A speed above its bound: where it began to be so, and whether only the distance says it."""

    kmh: float
    limit_kmh: float
    zone: str
    since: Sight
    measured: bool


def step(race: Race | None, sight: Sight) -> tuple[Race | None, list[Finding]]:
    """The episode after this fix, and what is to be told of it."""
    fast = _too_fast(sight, race is not None and race.told)
    if race is None:
        return (_begin(fast, sight) if fast else None), []
    if sight.before is None or (fast and _long_ago(race, sight)):
        return (_begin(fast, sight) if fast else None), _end(race, sight)
    if fast is None:
        return _slower(race, sight)
    race = _grown(race, fast, sight)
    if not race.told and not _long_enough(race, sight):
        return race, []
    race = replace(race, told=True)
    return race, [_finding(race, None, sight)]


def _too_fast(sight: Sight, told: bool) -> _Speed | None:
    place, policy = sight.place, sight.ground.policy
    if place.limit_kmh is None:
        return None
    over = 1.0 if told else 1 + policy.speeding_tolerance
    said = sight.fix.speed_kmh
    if said is not None and said > place.limit_kmh * over:
        if _highest(sight) <= place.limit_kmh * over:
            return None
        return _Speed(said, place.limit_kmh, place.limit_of, sight, measured=False)
    return _measured(sight, over)


def _highest(sight: Sight) -> float:
    """The speed the distance allows at most, km/h; without bound where it says nothing."""
    if sight.before is None or sight.gap_s < CROSS_CHECK_S:
        return float("inf")
    return (sight.step_m + 2 * sight.ground.policy.accuracy_m) / sight.gap_s * 3.6


def _measured(sight: Sight, over: float) -> _Speed | None:
    """By distance and time: from a place with a limit to another one, above the higher of both."""
    before, policy, said = sight.before, sight.ground.policy, sight.fix.speed_kmh
    if before is None or not CROSS_CHECK_S <= sight.gap_s <= policy.unsure_gap_s:
        return None
    lowest = (sight.step_m - 2 * policy.accuracy_m) / sight.gap_s * 3.6
    limits = [(s.place.limit_kmh, s.place.limit_of) for s in (sight, before) if s.place.limit_kmh is not None]
    if lowest <= 0 or len(limits) < 2 or (said is not None and said * BELIED >= lowest):
        return None
    limit, zone = max(limits)
    return _Speed(lowest, limit, zone, before, measured=True) if lowest > limit * over else None


def _begin(fast: _Speed, sight: Sight) -> Race:
    return Race(
        began=fast.since.at,
        lon=fast.since.fix.lon,
        lat=fast.since.fix.lat,
        limit_kmh=fast.limit_kmh,
        zone=fast.zone,
        peak_kmh=fast.kmh,
        last=sight.at,
        worst=fast.zone,
        said_from=None if fast.measured else sight.at,
        measured=int(fast.measured),
    )


def _grown(race: Race, fast: _Speed, sight: Sight) -> Race:
    worse = fast.kmh / fast.limit_kmh > race.peak_kmh / race.limit_kmh
    if fast.measured:
        said_from, said_s = (race.said_from if race.told else None), race.said_s
    else:
        said_from = sight.at if race.said_from is None else race.said_from
        said_s = max(race.said_s, sight.at - said_from)
    return replace(
        race,
        last=sight.at,
        limit_kmh=fast.limit_kmh if worse else race.limit_kmh,
        peak_kmh=fast.kmh if worse else race.peak_kmh,
        worst=fast.zone if worse else race.worst,
        said_from=said_from,
        said_s=said_s,
        measured=race.measured + int(fast.measured),
        slow_from=None,
    )


def _long_enough(race: Race, sight: Sight) -> bool:
    policy = sight.ground.policy
    lasted = race.last - race.began >= policy.speeding_s
    return race.said_s >= policy.speeding_s or (lasted and race.measured >= policy.speeding_fixes)


def _slower(race: Race, sight: Sight) -> tuple[Race | None, list[Finding]]:
    """Back at the limit: at once the end of what was not told, after a while the end of what was."""
    if not race.told:
        return None, []
    if race.slow_from is None:
        return replace(race, slow_from=sight.at), []
    slow_s = sight.at - race.slow_from
    return (None, _end(race, sight)) if slow_s >= sight.ground.policy.speeding_back_s else (race, [])


def _long_ago(race: Race, sight: Sight) -> bool:
    """One slow fix is a dip, but nobody knows what came after it for longer than a short gap."""
    return race.slow_from is not None and sight.at - race.slow_from > sight.ground.policy.unsure_gap_s


def _end(race: Race, sight: Sight) -> list[Finding]:
    return [_finding(race, race.last, sight)] if race.told else []


def _finding(race: Race, ended: float | None, sight: Sight) -> Finding:
    over = 100 * (race.peak_kmh / race.limit_kmh - 1)
    said = race.measured == 0 or race.said_s >= sight.ground.policy.speeding_s
    return Finding(
        kind=ViolationKind.SPEEDING,
        subject=race.zone,
        started_at=instant(race.began),
        ended_at=None if ended is None else instant(ended),
        lon=race.lon,
        lat=race.lat,
        certainty=Certainty.CERTAIN if said else Certainty.INFERRED,
        facts={
            "limit_kmh": race.limit_kmh,
            "peak_kmh": round(race.peak_kmh, 1),
            "over_percent": round(over),
            "band": "10-20" if over < 20 else "20-50" if over < 50 else ">=50",
            "seconds": round(race.last - race.began),
            "zone": "" if race.worst == "park" else race.worst,
            "measured": race.measured > 0,
        },
    )
