"""Leaving every approved route, or driving a one-way one backwards: an episode, in the park and in the ring.

Out beyond the corridor's half width (default 50 m) for at least 60 s or 200 m driven, back at 45 m for
10 s: who only grazes the corridor is still on the same deviation. It begins where the vehicle turned away
from the route (farther off than a fix on the route can lie, 30 m) if that is at most 100 m back, else where
it left the corridor, and ends likewise; over a long step it is taken to have followed the route until beside
the place it is seen at. Driven is what was driven between fixes, not what drift or a jump adds.
Backwards counts only from place to place farther apart than fixes jitter, and while no allowed route
explains it.
In the ring only a vehicle that is or may be loaded offends. Lot, bays, docks, gates and gate queues
are no road and end an episode.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from shapely import LineString, Point

from parking.rules.era import LEAN, LEAN_SHARE
from parking.rules.sight import Finding, Sight, degrees, instant
from parking.vocabulary import Certainty, ViolationKind

#: Direction is taken between places at least this many accuracies apart.
APART = 4.0
#: Turning away and leaving the corridor, or coming back and rejoining, belong together within this distance.
TURN_M = 100.0


#: Facts that only an ended episode has.
END_FACTS = ("end_lon", "end_lat", "latest_at")


@dataclass(frozen=True, slots=True)
class Deviation:
    """An episode off the route or against its direction, perhaps not yet long enough to be told.

    ``first``: the first fix that shows it, 0 while the vehicle only leans to the edge; ``began``: when it
    most likely began. ``led_m``: driven from there to the first fix, which proves nothing. ``back``: since
    when it seems to be over.
    """

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
    first: float = 0.0
    earliest: float = 0.0
    led_m: float = 0.0
    wrong_way: bool = False
    steps: int = 0
    back: float | None = None
    back_seen: float = 0.0
    back_x: float = 0.0
    back_y: float = 0.0
    joined: bool = False

    @property
    def leaning(self) -> bool:
        """Still in the corridor, but farther off the route than a fix on it can lie."""
        return not self.first and not self.wrong_way

    @property
    def kind(self) -> ViolationKind:
        if self.wrong_way:
            return ViolationKind.WRONG_WAY
        return ViolationKind.RING_OFF_ROUTE if self.in_ring else ViolationKind.ROUTE_DEVIATION


_Step = tuple[Deviation | None, list[Finding]]


def step(episode: Deviation | None, sight: Sight) -> _Step:
    """The episode after this fix, and what is to be told of it."""
    beyond = _beyond(sight)
    if beyond is None:
        return None, _ended(episode, sight, sight.at)
    if beyond > 0:
        if episode is not None and episode.wrong_way:
            return _begin(sight), _ended(episode, sight, episode.last)
        return _off(episode, sight)
    if episode is not None and not episode.wrong_way and not episode.leaning:
        return _coming_back(episode, beyond, sight)
    against, ended = _along(None if episode is None or episode.leaning else episode, sight)
    return against or _leaning(episode, sight), ended


def _beyond(sight: Sight) -> float | None:
    """Metres beyond the corridor here; None where no route is owed."""
    place = sight.place
    if place.resting or not place.owes_route or sight.offset is None:
        return None
    if place.in_ring and (sight.journey.loaded is False or not sight.policy.ring_off_route):
        return None
    return sight.offset.beyond_m


# ---- off the route


def _off(episode: Deviation | None, sight: Sight) -> _Step:
    if episode is None or (sight.before is None and not episode.told):
        return _begin(sight), []
    if episode.leaning:
        near = math.dist((episode.x, episode.y), (sight.x, sight.y)) <= TURN_M
        return _shown(episode, sight) if near else _begin(sight), []
    grown = replace(_grow(episode, sight), back=None)
    if not _long_enough(grown, sight):
        return grown, []
    grown = replace(grown, told=True)
    return grown, [_finding(grown, sight, None)]


def _begin(sight: Sight) -> Deviation:
    """Off the route: from where it turned away, or left the corridor, or is first seen."""
    return _shown(_from(sight, _met(sight, _lean_m(sight)) or _met(sight, 0.0) or _here(sight)), sight)


def _shown(turned: Deviation, sight: Sight) -> Deviation:
    """A turn that this fix shows to be a deviation."""
    led = math.dist((turned.x, turned.y), (sight.x, sight.y))
    offset = sight.offset
    return replace(
        turned, first=sight.at, last=sight.at, x=sight.x, y=sight.y, driven_m=led, led_m=led,
        in_ring=sight.place.in_ring, route=offset.code if offset else turned.route,
        largest_m=offset.offset_m if offset else turned.largest_m,
    )  # fmt: skip


def _leaning(episode: Deviation | None, sight: Sight) -> Deviation | None:
    """In the corridor: remembered only while it is farther off than a fix on the route can lie."""
    if sight.offset is None or sight.offset.beyond_m <= -_lean_m(sight):
        return None
    if episode is not None and episode.leaning and sight.before is not None:
        return replace(episode, last=sight.at)
    return _from(sight, _met(sight, _lean_m(sight)) or _here(sight))


def _lean_m(sight: Sight) -> float:
    """How far inside the corridor's edge a fix no longer speaks of the route itself."""
    half = sight.offset.half_width_m if sight.offset else sight.policy.corridor_m
    return half - min(LEAN * sight.policy.accuracy_m, LEAN_SHARE * half)


_Where = tuple[float, float, float]


def _from(sight: Sight, where: _Where) -> Deviation:
    at, x, y = where
    here = (x, y) == (sight.x, sight.y)
    lon, lat = (sight.fix.lon, sight.fix.lat) if here else degrees(sight.ground, x, y)
    offset = sight.offset
    return Deviation(
        at, lon, lat, sight.place.in_ring, offset.code if offset else "", offset.offset_m if offset else 0.0,
        0.0, x, y, sight.at, earliest=sight.at if here or sight.before is None else sight.before.at,
    )  # fmt: skip


def _here(sight: Sight) -> _Where:
    return sight.at, sight.x, sight.y


def _met(sight: Sight, inside_m: float) -> _Where | None:
    """When and where the way from the fix before met the line ``inside_m`` within the corridor's edge.

    None where other routes were named between the two: by neither it drove over an edge.
    """
    before = sight.before
    if before is None or before.journey.routes != sight.journey.routes:
        return None
    if sight.offset is None or (there := _beyond(before)) is None:
        return None
    outside = sight.offset.beyond_m > -inside_m
    if (there > -inside_m) == outside:
        return None
    way = LineString(_way(before, sight, outside))
    low, high = 0.0, 1.0  # low: as the fix before, high: as this one
    for _ in range(14):
        share = (low + high) / 2
        place = way.interpolate(share, normalized=True)
        offset = sight.corridors.nearest(place.x, place.y)
        low, high = (low, share) if offset and (offset.beyond_m > -inside_m) == outside else (share, high)
    met = way.interpolate(high, normalized=True)
    return round(before.at + sight.gap_s * high), met.x, met.y


def _way(before: Sight, sight: Sight, outside: bool) -> list[tuple[float, float]]:
    """The likely way: straight; over a longer step along the route to (or from) where it lies beside it."""
    a, b = (before.x, before.y), (sight.x, sight.y)
    if sight.step_m <= TURN_M:
        return [a, b]
    on, off = (before, b) if outside else (sight, a)
    corridor = next((c for c in sight.corridors if on.offset and c.code == on.offset.code), None)
    if corridor is None:
        return [a, b]
    foot = corridor.line.interpolate(corridor.line.project(Point(off)))
    road = sight.corridors.road((on.x, on.y), (foot.x, foot.y), 2 * sight.step_m, sight.policy.accuracy_m)
    return [*road, off] if outside else [off, *road[::-1]]


def _grow(episode: Deviation, sight: Sight) -> Deviation:
    moved = math.dist((sight.x, sight.y), (episode.x, episode.y))
    jumped = sight.before is None  # nothing says that it drove there
    counted = jumped or moved > sight.policy.accuracy_m
    largest = max(episode.largest_m, sight.offset.offset_m if sight.offset else 0.0)
    return replace(
        episode,
        largest_m=largest,
        driven_m=episode.driven_m + (_driven(moved, episode, sight) if counted and not jumped else 0.0),
        x=sight.x if counted else episode.x,
        y=sight.y if counted else episode.y,
        last=sight.at,
        longest_gap_s=max(episode.longest_gap_s, sight.at - episode.last),
    )


def _driven(moved: float, episode: Deviation, sight: Sight) -> float:
    """Metres of a move, but no more than the terminal's own speeds allow, where it tells any."""
    if episode.wrong_way:  # from place to place far apart: that is no drift
        return moved
    speeds = [s.fix.speed_kmh for s in (sight.before, sight) if s is not None]
    known = [v for v in speeds if v is not None]
    if len(known) < 2:
        return moved
    seconds = max(sight.gap_s, sight.at - episode.last)
    return min(moved, sight.policy.accuracy_m + max(known) / 3.6 * seconds * 1.5)


def _long_enough(episode: Deviation, sight: Sight) -> bool:
    lasted, driven = episode.last - episode.first, episode.driven_m - episode.led_m
    return episode.told or lasted >= sight.policy.deviation_s or driven >= sight.policy.deviation_m


def _coming_back(episode: Deviation, beyond: float, sight: Sight) -> _Step:
    """Inside the corridor again: over only when well inside, and for a while."""
    if not episode.told and sight.before is None:
        return None, []
    slack = sight.policy.corridor_m - sight.policy.corridor_back_m
    if episode.back is None and beyond > -slack:
        return _off(episode, sight)
    if not episode.told:
        return None, []
    episode = _back(episode, sight)
    if sight.at - episode.back_seen < sight.policy.corridor_back_s and sight.before is not None:
        return episode, []
    return None, _ended(episode, sight, sight.at)


def _back(episode: Deviation, sight: Sight) -> Deviation:
    """Back in the corridor since when, and where it joined the route, if that is near."""
    joined = sight.offset is not None and sight.offset.beyond_m <= -_lean_m(sight)
    if episode.back is None:
        at, x, y = (_met(sight, _lean_m(sight)) if joined else None) or _met(sight, 0.0) or _here(sight)
        led = 0.0 if sight.before is None else math.dist((episode.x, episode.y), (x, y))
        gap = max(episode.longest_gap_s, sight.at - episode.last)
        episode = replace(
            episode, back=at, back_seen=sight.at, back_x=x, back_y=y, joined=joined,
            driven_m=episode.driven_m + led, longest_gap_s=gap,
        )  # fmt: skip
    elif joined and not episode.joined:
        at, x, y = _met(sight, _lean_m(sight)) or _here(sight)
        further = math.dist((episode.back_x, episode.back_y), (x, y))
        episode = replace(episode, joined=True)
        if further <= TURN_M:
            episode = replace(episode, back=at, back_x=x, back_y=y, driven_m=episode.driven_m + further)
    return replace(episode, x=sight.x, y=sight.y, last=sight.at)


# ---- against the route


def _along(episode: Deviation | None, sight: Sight) -> _Step:
    """On the route: which way? Only places far enough apart say so."""
    corridors = sight.corridors
    if not (sight.policy.wrong_way and corridors.any_one_way) or sight.before is None:
        return None, _ended(episode, sight, episode.last if episode else 0.0)
    if episode is None:
        return (_anchor(sight.before) if any(c.one_way for c in _held(sight.before)) else None), []
    if math.dist((episode.x, episode.y), (sight.x, sight.y)) < APART * sight.policy.accuracy_m:
        return replace(episode, last=sight.at, longest_gap_s=max(episode.longest_gap_s, sight.gap_s)), []
    route = corridors.against((episode.x, episode.y), (sight.x, sight.y), sight.policy.accuracy_m)
    if route is None or (episode.told and route != episode.route):
        return None, _ended(episode, sight, episode.last)
    grown = replace(_grow(episode, sight), route=route, steps=episode.steps + 1)
    if not (grown.told or (grown.driven_m >= sight.policy.wrong_way_m and grown.steps > 1)):
        return grown, []
    grown = replace(grown, told=True)
    return grown, [_finding(grown, sight, None)]


def _held(sight: Sight) -> list[Any]:
    return sight.corridors.holding((sight.x, sight.y))


def _anchor(sight: Sight) -> Deviation:
    """From where the direction is taken next."""
    offset = sight.offset
    return Deviation(
        sight.at, sight.fix.lon, sight.fix.lat, sight.place.in_ring, offset.code if offset else "",
        offset.offset_m if offset else 0.0, 0.0, sight.x, sight.y, sight.at,
        first=sight.at, earliest=sight.at, wrong_way=True,
    )  # fmt: skip


# ---- told


def _ended(episode: Deviation | None, sight: Sight, at: float) -> list[Finding]:
    if episode is None or not episode.told:
        return []
    return [_finding(episode, sight, at if episode.back is None else episode.back)]


def _finding(episode: Deviation, sight: Sight, ended: float | None) -> Finding:
    unsure = episode.longest_gap_s > sight.policy.unsure_gap_s
    until = episode.last if episode.back is None else episode.back
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
            "reason": "backwards" if episode.wrong_way else "off_route",
            "largest_offset_m": round(episode.largest_m, 1),
            "driven_m": round(episode.driven_m, 1),
            "seconds": round(until - episode.began),
            "gap_s": round(episode.longest_gap_s, 1),
            "earliest_at": instant(episode.earliest).isoformat(),
            "loaded": sight.journey.loaded,
            **(_where_ended(episode, sight) if ended is not None else {}),
        },
    )


def _where_ended(episode: Deviation, sight: Sight) -> dict[str, Any]:
    x, y = (episode.x, episode.y) if episode.back is None else (episode.back_x, episode.back_y)
    lon, lat = degrees(sight.ground, x, y)
    latest = sight.at if episode.back is None else episode.back_seen
    return {"end_lon": lon, "end_lat": lat, "latest_at": instant(latest).isoformat()}
