"""The one door to fixes: hot rows, packed blocks and kept evidence, each fix once.

A period being packed moves from ``fix`` to ``fix_block`` in one transaction. Hot rows are read first, so a
reader between the two reads may see a fix twice, which ``once`` mends, and never misses one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.fix import Fix
from geo.fix import FixColumns as Tracks
from parking import odometer
from parking.models import Evidence, FixBlock, FixRow
from parking.packed import block
from parking.packed.columns import (
    NO_ALTITUDE,
    NO_HEADING,
    NO_SPEED,
    NO_VEHICLE,
    KeptColumns,
    micros,
    moment,
)
from parking.queries import hotfixes
from parking.vocabulary import Mark

#: Marks of fixes whose time nobody believes: they have no place in a stretch.
UNTIMED = (Mark.FUTURE, Mark.TOO_OLD)

#: Later than any fix.
FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class KeptFix:
    """One fix as kept; the fields are those of ``FixRow``."""

    time: datetime
    terminal_id: int
    serial: int
    item: int
    vehicle_id: int | None
    lon: float
    lat: float
    speed_kmh: float | None
    heading: int | None
    altitude_m: int | None
    located: bool
    alarm: int
    status: int
    backfill: bool
    extras: Mapping[str, Any] | None
    mark: str | None
    received_at: datetime


def of_vehicle(session: Session, vehicle_id: int, since: datetime, until: datetime) -> tuple[KeptFix, ...]:
    """The fixes of one vehicle with since ≤ time ≤ until, by time, serial, item."""
    return tuple(rows(columns(session, since, until, [vehicle_id]).by_time()))


def by_vehicle(
    session: Session, since: datetime, until: datetime, vehicles: Sequence[int] | None = None
) -> dict[int, KeptColumns]:
    """For replays: vehicle → its fixes as columns, by time; of every vehicle unless some are named."""
    found = columns(session, since, until, vehicles).by_time()
    found = found.take(found.has_vehicle)
    begins = np.flatnonzero(np.diff(found.vehicle, prepend=-1))
    ends = np.append(begins[1:], len(found))
    return {int(found.vehicle[b]): found.take(slice(b, e)) for b, e in zip(begins, ends, strict=True)}


def vehicles(session: Session, since: datetime, until: datetime) -> list[int]:
    """Vehicles with fixes in that time, in order of id."""
    hot = select(FixRow.vehicle_id).where(
        FixRow.time >= since, FixRow.time <= until, FixRow.vehicle_id.is_not(None)
    )
    block_vehicles = select(func.unnest(FixBlock.vehicles)).where(
        FixBlock.since <= until, FixBlock.until >= since
    )
    proof = select(Evidence.vehicle_id).where(Evidence.since <= until, Evidence.until >= since)
    found: set[int] = set()
    for statement in (hot.distinct(), block_vehicles.distinct(), proof.distinct()):
        found |= {int(v) for v in session.scalars(statement) if v is not None}
    return sorted(found)


def count(session: Session, since: datetime, until: datetime) -> int:
    """How many fixes of vehicles lie in that time, packed ones counted by whole blocks: at most so many."""
    hot = select(func.count()).where(
        FixRow.time >= since, FixRow.time <= until, FixRow.vehicle_id.is_not(None)
    )
    packed = select(func.coalesce(func.sum(FixBlock.fixes), 0)).where(
        FixBlock.since <= until, FixBlock.until >= since
    )
    return sum(int(session.scalar(statement) or 0) for statement in (hot, packed))


def tracks(session: Session, vehicle_ids: Sequence[int], since: datetime, until: datetime) -> Tracks:
    """The fixes of some vehicles (``vehicle``: their place in ``vehicle_ids``) as the monitor judges them.

    Marked ones are among them, as when late ones are judged again; those without a believed time are not.
    """
    found = columns(session, since, until, vehicle_ids).by_time()
    timed = np.array([mark not in UNTIMED for mark in found.mark], dtype=bool)
    found = found.take(timed & found.has_vehicle)
    place = {vehicle_id: n for n, vehicle_id in enumerate(vehicle_ids)}
    number = np.array([place[v] for v in found.vehicle.tolist()], dtype=np.intp)
    order = np.argsort(number, kind="stable")
    found, number = found.take(order), number[order]
    speed = np.where((found.nulls & NO_SPEED) != 0, np.nan, found.speed)
    driven = np.array([odometer.one(extras) for extras in found.extras], dtype=np.float64)
    return Tracks(
        number, found.time / 1e6, found.lon, found.lat, speed, found.alarm.astype(np.uint32),
        found.status.astype(np.uint32), found.located, found.backfill, driven,
    )  # fmt: skip


def judged(row: KeptFix) -> Fix:
    """A kept fix as the monitor judges it."""
    driven = odometer.one(row.extras)
    return Fix(
        row.time, row.lon, row.lat, row.speed_kmh, row.heading, row.altitude_m, row.located, row.alarm,
        row.status, row.backfill, None if math.isnan(driven) else driven,
    )  # fmt: skip


def columns(
    session: Session, since: datetime, until: datetime, vehicles: Sequence[int] | None = None
) -> KeptColumns:
    """Fixes with since ≤ time ≤ until, each once, in the order of blocks; of ``vehicles`` only, if given."""
    hot = hotfixes.columns(session, since, until, vehicles)
    kept = [_cut(part, since, until, vehicles) for part in _packed(session, since, until, vehicles)]
    return KeptColumns.joined([*kept, hot]).once()


def _packed(
    session: Session, since: datetime, until: datetime, vehicles: Sequence[int] | None
) -> Iterator[KeptColumns]:
    """Whole blocks and evidence that may hold such fixes."""
    wanted = select(FixBlock.path, FixBlock.rest).where(FixBlock.since <= until, FixBlock.until >= since)
    proof = select(Evidence.path, Evidence.rest).where(Evidence.since <= until, Evidence.until >= since)
    if vehicles is not None:
        wanted = wanted.where(FixBlock.vehicles.overlap(list(vehicles)))
        proof = proof.where(Evidence.vehicle_id.in_(vehicles))
    for statement in (wanted, proof):
        for path, rest in session.execute(statement.execution_options(yield_per=200)):
            yield block.unpack(path, rest)


def _cut(part: KeptColumns, since: datetime, until: datetime, vehicles: Sequence[int] | None) -> KeptColumns:
    chosen = (part.time >= micros(since)) & (part.time <= micros(until))
    if vehicles is not None:
        chosen &= np.isin(part.vehicle, list(vehicles)) & part.has_vehicle
    return part.take(chosen)


def packed_share(session: Session, since: datetime) -> dict[int, tuple[int, int]]:
    """Vehicle → (packed fixes since then, those of them that place nobody)."""
    counted: dict[int, tuple[int, int]] = {}
    for path in session.scalars(select(FixBlock.path).where(FixBlock.until >= since)):
        part = block.read_path(path)
        chosen = part.has_vehicle & (part.time >= micros(since))
        vehicles, total = np.unique(part.vehicle[chosen], return_counts=True)
        placed = np.unique(part.vehicle[chosen & part.placed], return_counts=True)
        believed = dict(zip(placed[0].tolist(), placed[1].tolist(), strict=True))
        for vehicle, count in zip(vehicles.tolist(), total.tolist(), strict=True):
            before = counted.get(vehicle, (0, 0))
            doubted = count - believed.get(vehicle, 0)
            counted[vehicle] = before[0] + count, before[1] + doubted
    return counted


def rows(found: KeptColumns) -> Iterator[KeptFix]:
    """Columns as rows, in their order."""
    names = ("time", "received", "terminal", "vehicle", "serial", "item", "lon", "lat", "speed", "heading",
             "altitude", "located", "backfill", "alarm", "status", "nulls", "mark", "extras")  # fmt: skip
    for (
        time, received, terminal, vehicle, serial, item, lon, lat, speed, heading, altitude,
        located, backfill, alarm, status, nulls, mark, extras,
    ) in zip(*(getattr(found, name).tolist() for name in names), strict=True):  # fmt: skip
        yield KeptFix(
            moment(time), terminal, serial, item, None if nulls & NO_VEHICLE else vehicle, lon, lat,
            None if nulls & NO_SPEED else speed, None if nulls & NO_HEADING else heading,
            None if nulls & NO_ALTITUDE else altitude, located, alarm, status, backfill, extras, mark,
            moment(received),
        )  # fmt: skip
