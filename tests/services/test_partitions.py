"""Partitions of fixes: made ahead, whatever a terminal's clock says; nothing is refused or lost."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from alembic import command
from sqlalchemy import func, insert, select, text

from parking import schema
from parking.db import transaction
from parking.models import FixRow
from parking.queries import partitions as partition_query
from parking.services import partitions
from tests import earlier

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def row(time, terminal=1, serial=1, **more):
    return {
        "time": time, "terminal_id": terminal, "serial": serial, "item": 0, "vehicle_id": terminal,
        "lon": 110.9,
        "lat": 35.6, "speed_kmh": 12.5, "heading": 90, "altitude_m": 400, "located": True, "alarm": 0,
        "status": 3, "backfill": False, "extras": None, "mark": None, "received_at": time, **more,
    }  # fmt: skip


def put(session, *times, **more):
    session.execute(insert(FixRow), [row(t, serial=n, **more) for n, t in enumerate(times)])


def where(session, time):
    """The table a fix of this time lies in."""
    asked = select(text("tableoid::regclass::text")).select_from(FixRow).where(FixRow.time == time)
    return session.scalar(asked)


def test_the_days_ahead_have_partitions_and_a_second_sweep_makes_none(session):
    assert partitions.sweep(session, NOW, DAY)[0] == 3
    assert partitions.sweep(session, NOW, DAY) == (0, 0)
    put(session, NOW, NOW + DAY)
    assert where(session, NOW) == "hot.fix_20260302_0000"
    assert where(session, NOW + DAY) == "hot.fix_20260303_0000"


@pytest.mark.parametrize("year", [1970, 2000, 2099])
def test_a_time_nobody_believes_is_kept_all_the_same(session, year):
    partitions.sweep(session, NOW, DAY)
    time = datetime(year, 1, 1, tzinfo=UTC)
    put(session, time)
    assert where(session, time) == "hot.fix_default"


def test_fixes_that_came_before_their_partition_are_moved_into_it(session):
    put(session, NOW, NOW + DAY, NOW - 30 * DAY)
    partitions.sweep(session, NOW, DAY)
    assert [where(session, NOW + d) for d in (0 * DAY, DAY)] == [
        "hot.fix_20260302_0000",
        "hot.fix_20260303_0000",
    ]
    assert where(session, NOW - 30 * DAY) == "hot.fix_default"
    assert session.scalar(select(func.count()).select_from(FixRow)) == 3


def test_a_changed_width_never_overlaps_what_is_there(session):
    partitions.sweep(session, NOW, DAY)
    partitions.sweep(session, NOW + 2 * DAY, HOUR)
    partitions.sweep(session, NOW + 3 * DAY, DAY)
    found = partition_query.listed(session)
    assert all(a.end == b.start for a, b in pairwise(found))
    assert {p.end - p.start for p in found} >= {DAY, HOUR}
    assert found[-1].end >= NOW + 4 * DAY


def test_a_partition_goes_when_it_is_empty_and_past_all_lateness(session):
    partitions.sweep(session, NOW, DAY)
    put(session, NOW + DAY)
    assert partitions.sweep(session, NOW + 7 * DAY, DAY)[1] == 2  # the second day holds a fix
    assert partition_query.listed(session)[0].name == "fix_20260303_0000"


def test_a_repeated_fix_is_refused_by_its_key_whichever_partition_it_is_in(session):
    from sqlalchemy.dialects.postgresql import insert as upsert

    partitions.sweep(session, NOW, DAY)
    for time in (NOW, datetime(1970, 1, 1, tzinfo=UTC)):
        put(session, time)
        repeated = upsert(FixRow).values(row(time, serial=0)).on_conflict_do_nothing().returning(FixRow.time)
        assert session.execute(repeated).all() == []


def test_two_sweeps_at_once_make_each_partition_once(engine):
    gate = threading.Barrier(2)
    made = []

    def sweep():
        with transaction(engine) as session:
            gate.wait()
            made.append(partitions.sweep(session, NOW, HOUR)[0])

    threads = [threading.Thread(target=sweep) for _ in range(2)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(made)[1] == 25 and sum(made) in (25, 25)


def test_who_reads_for_long_makes_the_sweep_wait_its_turn_not_fail(engine, monkeypatch):
    monkeypatch.setattr(partitions, "LOCK_WAIT", "50ms")
    with transaction(engine) as reader, transaction(engine) as session:
        put(reader, datetime(1970, 1, 1, tzinfo=UTC))  # holds the default partition
        assert partitions.sweep(session, NOW, DAY) == (0, 0)
    with transaction(engine) as session:
        assert partitions.sweep(session, NOW, DAY)[0] == 3


def test_a_migrated_park_keeps_its_fixes_and_the_sweep_sorts_them(servers):
    """A plain table of fixes, before 0010 → this version: nothing is copied, nothing lost."""
    with earlier.database_at(servers, "0009") as engine:
        with transaction(engine) as session:
            session.execute(insert(FixRow), [row(NOW - 40 * DAY), row(NOW)])
        earlier.move(engine, command.upgrade, "0010")
        earlier.move(engine, command.downgrade, "0009")
        with transaction(engine) as session:
            assert session.scalar(text("SELECT count(*) FROM fix")) == 2
        schema.upgrade(engine)
        with transaction(engine) as session:
            partitions.sweep(session, NOW, DAY)
            assert where(session, NOW) == "hot.fix_20260302_0000"
            assert where(session, NOW - 40 * DAY) == "hot.fix_default"
