"""Leaving every approved route: an episode with hysteresis, in the park and in the ring.

Out beyond the corridor's half width (default 50 m) for at least 60 s or 200 m driven, back at 45 m.
In the ring only a vehicle that is or may be loaded offends. Lot, bays, docks, gates and gate queues
are no road and end an episode.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from parking.rules.sight import Finding, Sight, instant
from parking.vocabulary import Certainty, ViolationKind


@dataclass(frozen=True, slots=True)
class Deviation:
    """An episode off the route, perhaps not yet long enough to be told."""

    began: float
    lon: float
    lat: float
    in_ring: bool
    route: str
    largest_m: float
    driven_m: float
    x: float  # last place counted into driven_m
    y: float
    last: float
    longest_gap_s: float = 0.0
    told: bool = False

    @property
    def kind(self) -> ViolationKind:
        return ViolationKind.RING_OFF_ROUTE if self.in_ring else ViolationKind.ROUTE_DEVIATION


def step(episode: Deviation | None, sight: Sight) -> tuple[Deviation | None, list[Finding]]:
    """The episode after this fix, and what is to be told of it."""
    beyond = _beyond(sight)
    if episode is None:
        return (_begin(sight) if beyond is not None and beyond > 0 else None), []
    slack = sight.policy.corridor_m - sight.policy.corridor_back_m
    if beyond is None or beyond <= -slack:
        return None, [_finding(episode, sight, sight.at)] if episode.told else []
    grown = _grow(episode, sight)
    if not _long_enough(grown, sight):
        return grown, []
    grown = replace(grown, told=True)
    return grown, [_finding(grown, sight, None)]


def _beyond(sight: Sight) -> float | None:
    """Metres beyond the corridor here; None where no route is owed."""
    place = sight.place
    if place.resting or not place.owes_route or sight.offset is None:
        return None
    if place.in_ring and (sight.journey.loaded is False or not sight.policy.ring_off_route):
        return None
    return sight.offset.beyond_m


def _begin(sight: Sight) -> Deviation:
    offset = sight.offset
    assert offset is not None  # noqa: S101 - _beyond() answered a number, so there is an offset
    return Deviation(
        sight.at,
        sight.fix.lon,
        sight.fix.lat,
        sight.place.in_ring,
        offset.code,
        offset.offset_m,
        0.0,
        sight.x,
        sight.y,
        sight.at,
    )


def _grow(episode: Deviation, sight: Sight) -> Deviation:
    moved = ((sight.x - episode.x) ** 2 + (sight.y - episode.y) ** 2) ** 0.5
    jumped = sight.before is None  # nothing says that it drove there
    counted = jumped or moved > sight.policy.accuracy_m
    largest = max(episode.largest_m, sight.offset.offset_m if sight.offset else 0.0)
    return replace(
        episode,
        largest_m=largest,
        driven_m=episode.driven_m + (moved if counted and not jumped else 0.0),
        x=sight.x if counted else episode.x,
        y=sight.y if counted else episode.y,
        last=sight.at,
        longest_gap_s=max(episode.longest_gap_s, sight.at - episode.last),
    )


def _long_enough(episode: Deviation, sight: Sight) -> bool:
    lasted = episode.last - episode.began
    return episode.told or lasted >= sight.policy.deviation_s or episode.driven_m >= sight.policy.deviation_m


def _finding(episode: Deviation, sight: Sight, ended: float | None) -> Finding:
    unsure = episode.longest_gap_s > sight.policy.unsure_gap_s
    return Finding(
        kind=episode.kind,
        subject=episode.route,
        started_at=instant(episode.began),
        ended_at=None if ended is None else instant(ended),
        lon=episode.lon,
        lat=episode.lat,
        certainty=Certainty.INFERRED if unsure else Certainty.CERTAIN,
        facts={
            "route": episode.route,
            "largest_offset_m": round(episode.largest_m, 1),
            "driven_m": round(episode.driven_m, 1),
            "seconds": round(episode.last - episode.began),
            "gap_s": round(episode.longest_gap_s, 1),
            "loaded": sight.journey.loaded,
        },
    )
