"""Stored fixes as the monitor judges them, a stretch of one vehicle at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from geo.fix import Fix
from parking.models import FixRow
from parking.vocabulary import Mark

#: Marks of fixes whose time nobody believes: they have no place in a stretch.
UNTIMED = (Mark.FUTURE, Mark.TOO_OLD)


def vehicles(session: Session, since: datetime, until: datetime) -> Sequence[int]:
    """Vehicles with fixes in [since, until), in order of id."""
    found = session.scalars(
        select(FixRow.vehicle_id)
        .where(FixRow.time >= since, FixRow.time < until, FixRow.vehicle_id.is_not(None))
        .distinct()
        .order_by(FixRow.vehicle_id)
    )
    return [vehicle_id for vehicle_id in found if vehicle_id is not None]


def count(session: Session, since: datetime, until: datetime) -> int:
    """How many fixes of vehicles lie in [since, until)."""
    found = session.scalar(
        select(func.count()).where(FixRow.time >= since, FixRow.time < until, FixRow.vehicle_id.is_not(None))
    )
    return found or 0


def stretches(
    session: Session, vehicle_ids: Sequence[int], since: datetime, until: datetime
) -> Iterator[tuple[int, list[Fix]]]:
    """(vehicle, its fixes in [since, until)) in order of time, one vehicle in memory at a time.

    Marked fixes are among them, as when late ones are judged again; those without a believed time are not.
    """
    for vehicle_id in vehicle_ids:
        rows: Any = session.execute(
            select(
                FixRow.time, FixRow.lon, FixRow.lat, FixRow.speed_kmh, FixRow.heading, FixRow.altitude_m,
                FixRow.located, FixRow.alarm, FixRow.status, FixRow.backfill,
            )
            .where(
                FixRow.vehicle_id == vehicle_id,
                FixRow.time >= since,
                FixRow.time < until,
                or_(FixRow.mark.is_(None), FixRow.mark.not_in(UNTIMED)),
            )
            .order_by(FixRow.time, FixRow.serial, FixRow.item)
        )  # fmt: skip
        yield vehicle_id, [Fix(*row) for row in rows]
