"""Drift while parked: a stray place of a vehicle that stands and says so.

A parked receiver wanders, and now and then throws one position far away (p95 of real parked ones 2–23 m).
A fix beyond the stop radius of a vehicle that has stood for a while and still says it stands is marked and
not judged, for a minute at most: who is still away then, or farther away than receivers drift for more
than one fix, or says that it moves, did drive.
"""

from __future__ import annotations

from dataclasses import dataclass

from parking.rules.sight import Sight
from parking.rules.stopping import Stand


@dataclass(frozen=True, slots=True)
class Drift:
    """Since when a standing vehicle has been seen elsewhere, seconds since 1970."""

    began: float


def step(drift: Drift | None, stand: Stand | None, sight: Sight) -> tuple[Drift | None, bool]:
    """The excursion after this fix, and whether the fix is one more stray of it."""
    if stand is None or not _parked(stand, sight) or not _says_it_stands(sight):
        return None, False
    away = stand.away_m(sight)
    if away <= sight.ground.policy.stop_radius_m:
        return None, False
    if drift is None:
        seen = away <= sight.ground.policy.drift_m or sight.gap_s <= sight.ground.policy.unsure_gap_s
        return (
            (Drift(sight.at), True)
            if seen and sight.gap_s <= sight.ground.policy.silence_s
            else (None, False)
        )
    short = sight.at - drift.began < sight.ground.policy.drift_s
    return (drift, True) if short and away <= sight.ground.policy.drift_m else (None, False)


def _parked(stand: Stand, sight: Sight) -> bool:
    return stand.away is None and stand.last - stand.began >= sight.ground.policy.drift_after_s


def _says_it_stands(sight: Sight) -> bool:
    speed = sight.fix.speed_kmh
    return speed is not None and speed < sight.ground.policy.stop_kmh
