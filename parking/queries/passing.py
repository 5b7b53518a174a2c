"""Which vehicles passed within a distance of a place, over packed and hot fixes alike.

``blockpaths`` says which packed tracks are worth reading; legs between fixes are judged, not only fixes,
so who passed between two reports is found, and said to be inferred. Vehicles with fixes both in blocks and in
``fix`` in that time (late ones, or the border between the two) are judged once more on all their fixes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.passing import LONGEST_S, Legs, Place, distance_m, might_pass, passes
from parking.models import FixBlock, Terminal, Vehicle
from parking.packed import ways
from parking.packed.block import Leads, Path
from parking.packed.columns import SECOND, Flags, micros, moment
from parking.packed.ways import path_of
from parking.queries import blockpaths, fixes, hotpaths
from parking.vocabulary import Certainty

#: A leg longer than this in time may have gone elsewhere meanwhile (as Policy.unsure_gap_s; assumption).
UNSURE_S = 60.0
#: Who was away for longer passed twice (assumption), seconds.
APART_S = 600
_LONGEST = timedelta(seconds=LONGEST_S)
Key = tuple[int | None, int]  # vehicle (None: bound to none), terminal


@dataclass(frozen=True, slots=True)
class Passed:
    """A vehicle (or a terminal bound to none) that came near, once for each time it did.

    ``gap_s``: between the two fixes around its closest point (``lon``, ``lat``); ``certain``: a fix itself
    lies within the distance.
    """

    vehicle_id: int | None
    plate: str | None
    terminal_phone: str | None
    first: datetime
    last: datetime
    closest_m: float
    certainty: Certainty
    gap_s: float
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Who passed, earliest first. ``blocks`` opened and ``hot`` rows looked at, to show the cost."""

    passed: tuple[Passed, ...]
    blocks: int
    hot: int

    @property
    def vehicles(self) -> int:
        """How many different ones."""
        return len({(p.vehicle_id, p.terminal_phone if p.vehicle_id is None else None) for p in self.passed})


@dataclass(frozen=True, slots=True)
class _Leg:
    """A leg that comes near: whose, from when to when (microseconds), and its closest point."""

    key: Key
    first: int
    last: int
    metres: float
    certainty: Certainty
    gap_s: float
    lon: float
    lat: float


def passed(session: Session, place: Place, since: datetime, until: datetime) -> Answer:
    """Vehicles within ``place.radius_m`` of the place at some time in [since, until]."""
    near, hot_vehicles, hot = _hot(session, place, since, until)
    opened = 0
    for blocks, path in blockpaths.paths(session, place, since, until):
        opened += blocks
        near += _judged(path, place, since, until)
    mixed = _mixed(session, since, until, hot_vehicles)
    if mixed:
        near = [leg for leg in near if leg.key[0] not in mixed]
        near += _judged(_merged(session, since, until, sorted(mixed)), place, since, until)
    return Answer(_named(session, _stays(near)), opened, hot)


def _judged(path: Path, place: Place, since: datetime, until: datetime) -> list[_Leg]:
    """The legs of a path that come near, those that follow each other as one."""
    begin, end = micros(since), micros(until)
    driven = ways.ways(path, lambda legs: might_pass(legs, place, begin, end))
    found = passes(driven.legs, place, begin, end)
    hit = np.flatnonzero(found.near)
    if not len(hit):
        return []
    legs, row = driven.legs.take(hit), driven.row[hit]
    gap = (legs.t1 - legs.t0) / SECOND
    rank = np.where(_inside(legs, place, since, until), 0, np.where(gap <= UNSURE_S, 1, 2))
    track = np.searchsorted(path.starts, row, side="right")
    enters, leaves, metres = found.enters[hit], found.leaves[hit], found.closest_m[hit]
    begins = np.flatnonzero(
        (np.diff(track, prepend=-1) != 0) | (enters - np.roll(leaves, 1) > APART_S * SECOND)
    )
    run = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(hit)))
    best = np.lexsort((metres, rank, run))[begins]
    ends = np.append(begins[1:], len(hit)) - 1
    return [
        _Leg((v if bound else None, t), first, last, near, _SURE[sure], waited, lon, lat)
        for v, bound, t, first, last, near, sure, waited, lon, lat in zip(
            path.vehicle[row[best]].tolist(), path.has_vehicle[row[best]].tolist(),
            path.terminal[row[best]].tolist(), enters[begins].tolist(), leaves[ends].tolist(),
            metres[best].tolist(), rank[best].tolist(), gap[best].tolist(),
            found.lon[hit][best].tolist(), found.lat[hit][best].tolist(), strict=True,
        )
    ]  # fmt: skip


def _inside(legs: Legs, place: Place, since: datetime, until: datetime) -> Flags:
    """An end of the leg is a fix within the distance and the time."""
    ends = ((legs.t0, legs.lon0, legs.lat0), (legs.t1, legs.lon1, legs.lat1))
    found = np.zeros(len(legs), bool)
    for at, lon, lat in ends:
        timely = (at >= micros(since)) & (at <= micros(until))
        found |= timely & (distance_m(lon, lat, place) <= place.radius_m)
    return found


def _hot(
    session: Session, place: Place, since: datetime, until: datetime
) -> tuple[list[_Leg], set[int], int]:
    """Hot legs that come near, the vehicles that have hot fixes in that time at all, and rows read."""
    near: list[_Leg] = []
    vehicles: set[int] = set()
    rows = 0
    for path in hotpaths.paths(session, since - _LONGEST, until + _LONGEST):
        rows += len(path.time)
        vehicles |= set(np.unique(path.vehicle[path.has_vehicle]).tolist())
        near += _judged(path, place, since, until)
    return near, vehicles, rows


def _mixed(session: Session, since: datetime, until: datetime, hot: set[int]) -> set[int]:
    """Vehicles with fixes both hot and packed around that time."""
    if not hot:
        return set()
    packed = session.scalars(
        select(FixBlock.vehicles).where(
            FixBlock.touching(since - _LONGEST, until + _LONGEST), FixBlock.vehicles.overlap(sorted(hot)),
        )
    )  # fmt: skip
    return hot & {vehicle for vehicles in packed for vehicle in vehicles}


def _merged(session: Session, since: datetime, until: datetime, vehicles: list[int]) -> Path:
    rows = fixes.columns(session, since - _LONGEST, until + _LONGEST, vehicles)
    return path_of(rows, Leads.none(len(rows.tracks())))


def _stays(legs: Iterable[_Leg]) -> list[_Leg]:
    """Legs of one vehicle and terminal that follow each other as one, with its surest, closest point."""
    stays: list[_Leg] = []
    for leg in sorted(legs, key=lambda one: (one.key[0] or 0, one.key[1], one.first, one.last)):
        known = stays[-1] if stays else None
        if known is None or known.key != leg.key or leg.first - known.last > APART_S * SECOND:
            stays.append(leg)
            continue
        best = min(known, leg, key=lambda one: (_RANK[one.certainty], one.metres))
        stays[-1] = replace(best, first=known.first, last=max(known.last, leg.last))
    return stays


_SURE = (Certainty.CERTAIN, Certainty.INFERRED, Certainty.SOMEWHERE_BETWEEN)
_RANK = {sure: rank for rank, sure in enumerate(_SURE)}


def _named(session: Session, found: list[_Leg]) -> tuple[Passed, ...]:
    vehicles = sorted({leg.key[0] for leg in found if leg.key[0] is not None})
    named = select(Vehicle.id, Vehicle.plate).where(Vehicle.id == func.any(vehicles))
    plates = {row.id: row.plate for row in session.execute(named)}
    terminals = sorted({leg.key[1] for leg in found})
    called = select(Terminal.id, Terminal.phone).where(Terminal.id.in_(terminals))
    phones = {row.id: row.phone for row in session.execute(called)}
    made = [
        Passed(v, plates.get(v or 0), phones.get(t), moment(leg.first), moment(leg.last), leg.metres,
               leg.certainty, leg.gap_s, leg.lon, leg.lat)
        for leg in found
        for v, t in [leg.key]
    ]  # fmt: skip
    return tuple(sorted(made, key=lambda p: (p.first, p.plate or "", p.terminal_phone or "")))
