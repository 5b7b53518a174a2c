"""Closed periods of ``fix`` are packed into blocks (see parking/packed), late fixes merged into them.

One period, one transaction: blocks are written, read back and unpacked to exactly what was read, then the
partition is emptied, all or nothing; killed at any instant it leaves everything as it was. A fix that comes
while its period is being packed is seen by the count under the lock, and the period is packed again.
The emptied partition stays open for late fixes; a key in blocks and partition counts once (the packed one).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from psycopg import sql
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from geo.passing import LONGEST_S
from parking.models import FixBlock
from parking.packed import block, grouping, outline, sealed, ways
from parking.packed.columns import KeptColumns, micros, moment
from parking.packed.numbers import Damaged
from parking.queries import fixes, hotfixes
from parking.queries import partitions as partition_query
from parking.queries.partitions import DEFAULT, SCHEMA
from parking.services import partitions

#: Rows read at once; more are packed in runs of terminals.
CHUNK = 1_000_000
#: Tries without a lock before a period that fixes keep coming into is held while it is packed.
TRIES = 3
_LEAD = timedelta(seconds=LONGEST_S)
Opening = Callable[[], AbstractContextManager[Session]]


class Busy(Exception):
    """The partition is in use, or fixes came while it was packed: nothing is changed, try again."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A closed period whose rows lie in ``table`` (of schema ``hot``): start ≤ time < end."""

    start: datetime
    end: datetime
    table: str


@dataclass(frozen=True, slots=True)
class Done:
    """``fixes``: read from the partition; ``blocks`` written of ``size`` bytes; 0 fixes: left for later."""

    period: Period
    fixes: int
    blocks: int
    size: int


def closed(session: Session, now: datetime, after: timedelta) -> list[Period]:
    """Periods to pack, oldest first: those that ended ``after`` ago and hold rows, and days nobody
    believes in the default partition, once their newest row has lain there that long."""
    there = [
        Period(p.start, p.end, p.name)
        for p in partition_query.listed(session)
        if p.end + after <= now and not partition_query.empty(session, p.name)
    ]
    return sorted(there + _strays(session, now, after))


def _strays(session: Session, now: datetime, after: timedelta) -> list[Period]:
    """Days of the default partition. A future day counts when no partition will be made for it soon."""
    days = session.execute(
        text(
            f"SELECT date_trunc('day', time, 'UTC') AS day FROM {SCHEMA}.{DEFAULT}"  # noqa: S608
            " GROUP BY day HAVING max(received_at) <= :settled"
        ),
        {"settled": now - after},
    )
    soon = now + partitions.AHEAD * 4
    found = (partitions.day_of(day) for (day,) in days)
    return [Period(s, e, DEFAULT) for s, e in found if e + after <= now or s > soon]


def pack_closed(
    opening: Opening, now: datetime, after: timedelta, tell: Callable[[Done], None] = lambda done: None
) -> list[Done]:
    """Pack every closed period, each in its own transaction. Nothing when another packs already."""
    with opening() as session:
        waiting = closed(session, now, after)
    found = []
    for period in waiting:
        done = _tried(opening, period)
        if done is None:
            break
        found.append(done)
        tell(done)
    return found


def _tried(opening: Opening, period: Period) -> Done | None:
    """None: another process packs."""
    for attempt in range(TRIES + 1):
        try:
            with opening() as session:
                if not alone(session):
                    return None
                return pack(session, period, hold=attempt == TRIES)
        except Busy:
            continue
    return Done(period, 0, 0, 0)


def alone(session: Session) -> bool:
    """One process packs at a time: True for the first, to the end of its transaction."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtext(__name__)))))


def pack(session: Session, period: Period, hold: bool = False) -> Done:
    """Pack ``period`` and empty its partition. Raises Busy, Damaged; the caller's transaction is then void.

    ``hold``: let nobody write into the partition from the beginning.
    """
    session.execute(text(f"SET LOCAL lock_timeout = '{partitions.LOCK_WAIT}'"))
    if hold:
        _lock(session, period.table, "SHARE ROW EXCLUSIVE")
    read = blocks = size = 0
    for terminals in _runs(session, period):
        rows = hotfixes.columns(
            session, period.start, period.end, table=sql.Identifier(SCHEMA, period.table), more=terminals
        )
        rows = rows.take(rows.time < micros(period.end))
        read += len(rows)
        for start, end in _borders(session, period):
            inside = rows.take((rows.time >= micros(start)) & (rows.time < micros(end)))
            if len(inside):
                written = _merge(session, start, end, inside)
                blocks, size = blocks + written[0], size + written[1]
    _empty(session, period, read)
    return Done(period, read, blocks, size)


def _merge(session: Session, start: datetime, end: datetime, rows: KeptColumns) -> tuple[int, int]:
    """Write ``rows`` and all that shares a block with their terminals. (blocks, bytes)."""
    known = session.execute(
        select(FixBlock.id, FixBlock.path, FixBlock.rest).where(
            FixBlock.period_start == start,
            FixBlock.period_end == end,
            FixBlock.terminals.overlap(np.unique(rows.terminal).tolist()),
        )
    ).all()
    whole = KeptColumns.joined([*(block.unpack(path, rest) for _, path, rest in known), rows]).once()
    if known:
        session.execute(delete(FixBlock).where(FixBlock.id.in_([number for number, _, _ in known])))
    written = _write(session, start, end, whole)
    if known:
        _join_next(session, end, whole)
    return written


def _write(session: Session, start: datetime, end: datetime, rows: KeptColumns) -> tuple[int, int]:
    vehicles = np.unique(rows.vehicle[rows.has_vehicle]).tolist()
    before = fixes.columns(session, start - _LEAD, start - timedelta(microseconds=1), vehicles)
    last = ways.last_placed(before)
    count = size = 0
    for piece, leads in grouping.pieces(rows, last):
        count, size = count + 1, size + write_block(session, start, end, piece, leads)
    return count, size


def write_block(
    session: Session, start: datetime, end: datetime, rows: KeptColumns, leads: block.Leads
) -> int:
    """Insert one block and read it back. Its size in bytes. Raises Damaged."""
    packed = block.pack(rows, leads)  # unpacks and compares
    where = ways.reach(ways.path_of(rows, leads))
    west, south, east, north = where.box or (None, None, None, None)
    begins = int(np.append(leads.time[leads.time > 0], rows.time.min()).min())
    made = FixBlock(
        period_start=start, period_end=end, since=moment(begins), until=moment(int(rows.time.max())),
        last_received=moment(int(rows.received.max())), fixes=len(rows),
        west=west, south=south, east=east, north=north, version=sealed.VERSION, cells=where.cells,
        vehicles=np.unique(rows.vehicle[rows.has_vehicle]).tolist(),
        terminals=np.unique(rows.terminal).tolist(), path=packed.path, rest=packed.rest,
        outline=outline.made(packed.path),
    )  # fmt: skip
    session.add(made)
    session.flush()
    session.expunge(made)
    kept = session.execute(
        select(func.sha256(FixBlock.path), func.sha256(FixBlock.rest)).where(FixBlock.id == made.id)
    ).one()
    if [bytes(k) for k in kept] != [hashlib.sha256(p).digest() for p in (packed.path, packed.rest)]:
        raise Damaged("the database does not give back the block that was written")
    return packed.size


def _join_next(session: Session, end: datetime, rows: KeptColumns) -> None:
    """Late fixes may have moved where tracks of the next period come from: its blocks are written anew."""
    vehicles = np.unique(rows.vehicle[rows.has_vehicle]).tolist()
    following = session.scalars(
        select(FixBlock).where(
            FixBlock.period_start >= end,
            FixBlock.period_start < end + _LEAD,
            FixBlock.since < end + _LEAD,
            FixBlock.vehicles.overlap(vehicles),
        )
    )
    for old in following.all():
        kept, leads = block.unpack(old.path, old.rest), block.read_path(old.path).leads
        before = fixes.columns(session, end - _LEAD, end - timedelta(microseconds=1), old.vehicles)
        fresh = ways.leads_of(kept, ways.last_placed(before))
        moved = (leads.time < micros(end)) & (fresh.time > leads.time)
        if moved.any():
            session.delete(old)
            joined = block.Leads(
                *(np.where(moved, getattr(fresh, n), getattr(leads, n)) for n in ("time", "lon", "lat"))
            )
            write_block(session, old.period_start, old.period_end, kept, joined)


def _borders(session: Session, period: Period) -> list[tuple[datetime, datetime]]:
    """The period itself; for strays the periods packed earlier that lie in it, and what is between."""
    if period.table != DEFAULT:
        return [(period.start, period.end)]
    known = session.execute(
        select(FixBlock.period_start, FixBlock.period_end)
        .where(FixBlock.period_start < period.end, FixBlock.period_end > period.start)
        .distinct()
        .order_by(FixBlock.period_start)
    ).all()
    found, at = [], period.start
    for start, end in known:
        if start > at:
            found.append((at, start))
        if end > at:
            found.append((start, end))
            at = end
    return [*found, (at, period.end)] if at < period.end else found


def _runs(session: Session, period: Period) -> Iterator[sql.Composable]:
    """Conditions on terminals that cut a large partition into readable runs; together they hold all of it."""
    counts: Sequence[Any] = session.execute(
        text(
            f'SELECT terminal_id, count(*) FROM {SCHEMA}."{period.table}"'  # noqa: S608
            " WHERE time >= :start AND time < :end GROUP BY terminal_id ORDER BY terminal_id"
        ),
        {"start": period.start, "end": period.end},
    ).all()
    low, held = None, 0
    for terminal, count in counts:
        if held and held + count > CHUNK:
            yield _between(low, terminal)
            low, held = terminal, 0
        held += count
    yield _between(low, None)


def _between(low: int | None, high: int | None) -> sql.Composable:
    parts: list[sql.Composable] = [sql.SQL("TRUE")]
    if low is not None:
        parts.append(sql.SQL("terminal_id >= {}").format(sql.Literal(low)))
    if high is not None:
        parts.append(sql.SQL("terminal_id < {}").format(sql.Literal(high)))
    return sql.SQL(" AND ").join(parts)


def _empty(session: Session, period: Period, read: int) -> None:
    """Take away what was packed, and only if that is all there is."""
    table, during = f'{SCHEMA}."{period.table}"', {"start": period.start, "end": period.end}
    where = "WHERE time >= :start AND time < :end"
    _lock(session, period.table, "SHARE ROW EXCLUSIVE" if period.table == DEFAULT else "ACCESS EXCLUSIVE")
    if session.scalar(text(f"SELECT count(*) FROM {table} {where}"), during) != read:  # noqa: S608
        raise Busy(period)
    if period.table == DEFAULT:
        session.execute(text(f"DELETE FROM {table} {where}"), during)  # noqa: S608
    else:
        session.execute(text(f"TRUNCATE {table}"))


def _lock(session: Session, name: str, mode: str) -> None:
    try:
        session.execute(text(f'LOCK TABLE {SCHEMA}."{name}" IN {mode} MODE'))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") == "55P03":
            raise Busy(name) from None
        raise
