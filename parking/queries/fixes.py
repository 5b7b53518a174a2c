"""The one door to fixes: hot rows, packed blocks and kept evidence, each fix once.

A period being packed moves from ``fix`` to ``fix_block`` in one transaction. Hot rows are read first, so a
reader between the two reads may see a fix twice, which ``once`` mends, and never misses one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import Evidence, FixBlock
from parking.packed import block
from parking.packed.columns import (
    NO_ALTITUDE,
    NO_HEADING,
    NO_SPEED,
    NO_VEHICLE,
    FixColumns,
    micros,
    moment,
)
from parking.queries import hotfixes

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
) -> dict[int, FixColumns]:
    """For replays: vehicle → its fixes as columns, by time; of every vehicle unless some are named."""
    found = columns(session, since, until, vehicles).by_time()
    found = found.take(found.has_vehicle)
    begins = np.flatnonzero(np.diff(found.vehicle, prepend=-1))
    ends = np.append(begins[1:], len(found))
    return {int(found.vehicle[b]): found.take(slice(b, e)) for b, e in zip(begins, ends, strict=True)}


def columns(
    session: Session, since: datetime, until: datetime, vehicles: Sequence[int] | None = None
) -> FixColumns:
    """Fixes with since ≤ time ≤ until, each once, in the order of blocks; of ``vehicles`` only, if given."""
    hot = hotfixes.columns(session, since, until, vehicles)
    kept = [_cut(part, since, until, vehicles) for part in _packed(session, since, until, vehicles)]
    return FixColumns.joined([*kept, hot]).once()


def _packed(
    session: Session, since: datetime, until: datetime, vehicles: Sequence[int] | None
) -> Iterator[FixColumns]:
    """Whole blocks and evidence that may hold such fixes."""
    wanted = select(FixBlock.path, FixBlock.rest).where(FixBlock.since <= until, FixBlock.until >= since)
    proof = select(Evidence.path, Evidence.rest).where(Evidence.since <= until, Evidence.until >= since)
    if vehicles is not None:
        wanted = wanted.where(FixBlock.vehicles.overlap(list(vehicles)))
        proof = proof.where(Evidence.vehicle_id.in_(vehicles))
    for statement in (wanted, proof):
        for path, rest in session.execute(statement.execution_options(yield_per=200)):
            yield block.unpack(path, rest)


def _cut(part: FixColumns, since: datetime, until: datetime, vehicles: Sequence[int] | None) -> FixColumns:
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


def rows(found: FixColumns) -> Iterator[KeptFix]:
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
