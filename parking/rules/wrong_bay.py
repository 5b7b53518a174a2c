"""Standing at another bay than the assigned one (错停泊位).

A gate or a person confirms a bay; GPS never does, it only contradicts. Bays are four metres wide and
parked positions drift by 2–23 m (p95), so a vehicle is accused only when the middle of all its positions,
over minutes of standing, lies farther from its own bay than they drift, by another bay, and nearer to that
one by as much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from parking.rules.sight import Finding, Sight, degrees, instant
from parking.rules.stopping import Stand
from parking.vocabulary import Certainty, ViolationKind

#: Fewer positions than this have no middle worth accusing by.
FIXES_MIN = 5


@dataclass(frozen=True, slots=True)
class WrongBay:
    """A stand already told of: which bay was assigned, by which one it stands, how far away."""

    began: float
    last: float
    lon: float
    lat: float
    bay: str
    near: str
    away_m: float


def step(wrong: WrongBay | None, stand: Stand | None, sight: Sight) -> tuple[WrongBay | None, list[Finding]]:
    """What is known after this fix; ``stand``: where the vehicle stands with it."""
    found = _contradicted(stand, sight)
    if wrong is None:
        return found, [_finding(found, None)] if found else []
    if _same(wrong, stand, sight):
        if found is None:  # it stands there still, only less clearly
            return replace(wrong, last=stand.last if stand else sight.at), []
        going_on = replace(found, lon=wrong.lon, lat=wrong.lat, near=wrong.near)
        return going_on, [_finding(going_on, None)]
    return found, [_finding(wrong, wrong.last)] + ([_finding(found, None)] if found else [])


def _same(wrong: WrongBay, stand: Stand | None, sight: Sight) -> bool:
    return stand is not None and stand.began == wrong.began and sight.journey.bay == wrong.bay


def _contradicted(stand: Stand | None, sight: Sight) -> WrongBay | None:
    """The stand as evidence against the assigned bay; None where it is none."""
    own = sight.journey.bay
    if own is None or stand is None or stand.kind or stand.count < FIXES_MIN:
        return None
    policy = sight.ground.policy
    if stand.last - stand.began < policy.wrong_bay_min * 60:
        return None
    away = sight.era.bay_m(own, stand.mean_x, stand.mean_y)
    if away is None or away <= policy.wrong_bay_m:
        return None
    near, metres = min(sight.era.bays_m(stand.mean_x, stand.mean_y), key=lambda found: (found[1], found[0]))
    if metres > policy.accuracy_m or away - metres < policy.wrong_bay_m:
        return None
    lon, lat = degrees(sight.ground, stand.mean_x, stand.mean_y)
    return WrongBay(stand.began, stand.last, lon, lat, own, near, away)


def _finding(wrong: WrongBay, ended: float | None) -> Finding:
    return Finding(
        kind=ViolationKind.WRONG_BAY,
        subject=wrong.bay,
        started_at=instant(wrong.began),
        ended_at=None if ended is None else instant(ended),
        lon=wrong.lon,
        lat=wrong.lat,
        certainty=Certainty.INFERRED,
        facts={
            "bay": wrong.bay,
            "near": wrong.near,
            "away_m": round(wrong.away_m),
            "seconds": round(wrong.last - wrong.began),
        },
    )
