"""Several doors of one vehicle: whose reports count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from parking.models import FixRow, Terminal
from parking.queries.fixes import KeptFix
from parking.rules import sources
from parking.rules.sources import Rank
from parking.vocabulary import Mark

_Row = TypeVar("_Row", FixRow, KeptFix)

#: With these marks a report was one of the place where the vehicle was.
_SAID = (Mark.LATE, Mark.DUPLICATE)


def better_times(
    session: Session, vehicle_id: int, own: Rank, first: datetime, last: datetime, quiet_s: float
) -> list[float]:
    """When better doors than ``own`` reported the vehicle, from ``quiet_s`` before ``first`` to ``last``.

    Seconds since 1970, ascending; only what was believed.
    """
    rows = session.execute(
        select(FixRow.time, Terminal.phone, Terminal.id)
        .join(Terminal, Terminal.id == FixRow.terminal_id)
        .where(
            FixRow.vehicle_id == vehicle_id,
            FixRow.terminal_id != own[1],
            FixRow.time.between(first - timedelta(seconds=quiet_s), last),
            or_(FixRow.mark.is_(None), FixRow.mark.in_(_SAID)),
        )
        .order_by(FixRow.time)
    )
    return [t.timestamp() for t, phone, tid in rows if (sources.of_phone(phone), tid) < own]


def preferred(session: Session, rows: Sequence[_Row], quiet_s: float) -> list[_Row]:
    """Of a stretch of one vehicle those that count; all of them where only one door speaks."""
    ids = {row.terminal_id for row in rows}
    if len(ids) < 2:
        return list(rows)
    ranks = _ranks(session, ids)
    said = [(r.time.timestamp(), ranks[r.terminal_id], r.mark is None or r.mark in _SAID) for r in rows]
    return [row for row, counts in zip(rows, sources.chosen(said, quiet_s), strict=True) if counts]


def _ranks(session: Session, ids: set[int]) -> Mapping[int, Rank]:
    found = session.execute(select(Terminal.id, Terminal.phone).where(Terminal.id.in_(ids)))
    return {tid: (sources.of_phone(phone), tid) for tid, phone in found}
