"""Partitions of ``fix`` by time: made ahead, dropped when packed and past all lateness.

The default partition takes what no partition fits (clocks of 1970 or 2099, a sweep that did not run), so
an insert never fails for lack of one. What landed there for a period is moved when its partition is made.

Locks: attaching locks the default partition alone against inserts while it is looked through (packing
keeps it small), never the whole table; dropping needs the whole table for a moment. Both give up after
LOCK_WAIT and are tried again by the next sweep.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from parking.queries import partitions as partition_query
from parking.queries.partitions import DEFAULT, SCHEMA, Partition

#: How far ahead partitions are made: at least this, at least two of them (assumption).
AHEAD = timedelta(hours=24)
#: An emptied partition waits so long for late fixes before it is dropped: longer than a late fix is
#: believed (policy.oldest_h, assumption).
KEPT_OPEN = timedelta(days=4)
LOCK_WAIT = "2s"
#: The words of Settings.fix_partition.
WIDTHS = {"day": timedelta(days=1), "hour": timedelta(hours=1), "10min": timedelta(minutes=10)}
_DAY = timedelta(days=1)


def sweep(session: Session, now: datetime, width: timedelta) -> tuple[int, int]:
    """Make what is missing ahead of ``now``, drop what is done with. (made, dropped). One at a time."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtext(__name__)))):
        return 0, 0
    made = sum(_tried(session, _attach, one) for one in missing(session, now, width))
    done = (p for p in partition_query.listed(session) if p.end + KEPT_OPEN < now)
    return made, sum(_tried(session, _drop, one) for one in done if partition_query.empty(session, one.name))


def missing(session: Session, now: datetime, width: timedelta) -> list[Partition]:
    """The partitions to make so that everything from ``now`` to as far ahead as wanted has one.

    They keep clear of those there, also when ``width`` was changed.
    """
    return list(_cut(partition_query.listed(session), _floor(now, width), now + max(AHEAD, 2 * width), width))


def _cut(there: list[Partition], at: datetime, until: datetime, width: timedelta) -> Iterator[Partition]:
    while at < until:
        inside = next((p for p in there if p.start <= at < p.end), None)
        if inside:
            at = inside.end
            continue
        following = min((p.start for p in there if p.start > at), default=datetime.max.replace(tzinfo=UTC))
        end = min(_floor(at, width) + width, following)
        yield Partition(at, end, f"fix_{at:%Y%m%d_%H%M}")
        at = end


def _floor(moment: datetime, width: timedelta) -> datetime:
    """The beginning of the period: whole widths since midnight UTC."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + (moment - day) // width * width


def day_of(moment: datetime) -> tuple[datetime, datetime]:
    """The day (UTC) of a fix that no partition holds."""
    start = _floor(moment, _DAY)
    return start, start + _DAY


def _tried(session: Session, act: object, one: Partition) -> bool:
    """False when somebody holds the table for too long; nothing is changed then."""
    try:
        with session.begin_nested():
            session.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
            act(session, one)  # type: ignore[operator]
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", "") != "55P03":
            raise
        return False
    return True


def _attach(session: Session, one: Partition) -> None:
    """The check tells PostgreSQL that the new table holds nothing else: it is not looked through again."""
    table, bounds = f'{SCHEMA}."{one.name}"', (f"'{one.start.isoformat()}'", f"'{one.end.isoformat()}'")
    inside = f"time >= {bounds[0]} AND time < {bounds[1]}"
    for statement in (
        f"LOCK TABLE {SCHEMA}.{DEFAULT} IN ACCESS EXCLUSIVE MODE",
        f"CREATE TABLE {table} (LIKE fix INCLUDING DEFAULTS)",
        f"WITH moved AS (DELETE FROM {SCHEMA}.{DEFAULT} WHERE {inside} RETURNING *)"  # noqa: S608 - names and instants of our own
        f" INSERT INTO {table} SELECT * FROM moved",
        f'ALTER TABLE {table} ADD CONSTRAINT "pk_{one.name}" PRIMARY KEY (time, terminal_id, serial, item)',
        f'ALTER TABLE {table} ADD CONSTRAINT "ck_{one.name}" CHECK ({inside})',
        f"ALTER TABLE fix ATTACH PARTITION {table} FOR VALUES FROM ({bounds[0]}) TO ({bounds[1]})",
        f'ALTER TABLE {table} DROP CONSTRAINT "ck_{one.name}"',
    ):
        session.execute(text(statement))


def _drop(session: Session, one: Partition) -> None:
    """Asked again under the lock: a late fix may have come in between."""
    session.execute(text("LOCK TABLE fix IN ACCESS EXCLUSIVE MODE"))
    if partition_query.empty(session, one.name):
        session.execute(text(f'DROP TABLE {SCHEMA}."{one.name}"'))
