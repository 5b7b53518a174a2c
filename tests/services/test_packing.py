"""Closed periods are packed: nothing lost, nothing doubled, at any instant, and still read as before."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time as clock
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, text, update

from parking.db import transaction
from parking.models import FixBlock, FixRow
from parking.packed.block import Damaged
from parking.packed.columns import KeptColumns
from parking.queries import fixes
from parking.services import packing, partitions
from tests.services.test_partitions import row

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
DAY, AFTER = timedelta(days=1), timedelta(hours=6)
LATER = NOW + DAY


def track(vehicle, count=200, begin=BEGIN, every_s=60, **more):
    """A truck going east, one fix a minute."""
    return [
        row(
            begin + timedelta(seconds=every_s * n), vehicle, n, lon=round(110.9 + n / 1000, 6),
            lat=round(35.6 + vehicle / 100, 6), extras={"mileage_km": 7.5 + n, "satellites": 9}, **more,
        )
        for n in range(count)
    ]  # fmt: skip


def put(session, rows):
    session.execute(insert(FixRow), rows)


def everything(session, vehicle=1):
    return fixes.of_vehicle(session, vehicle, BEGIN - 400 * DAY, NOW + 40_000 * DAY)


def hot(session):
    return session.scalar(select(func.count()).select_from(FixRow))


@pytest.fixture
def opening(engine):
    return lambda: transaction(engine)


@pytest.fixture
def filled(engine):
    with transaction(engine) as session:
        partitions.sweep(session, NOW, DAY)
        put(session, [r for vehicle in (1, 2, 3) for r in track(vehicle)])
        return everything(session)


def test_what_is_read_is_the_same_before_and_after(engine, opening, filled):
    (done,) = packing.pack_closed(opening, LATER, AFTER)
    assert (done.fixes, done.blocks) == (600, 1)
    with transaction(engine) as session:
        assert hot(session) == 0
        assert everything(session) == filled
        assert set(fixes.by_vehicle(session, BEGIN, NOW)) == {1, 2, 3}


def test_a_period_that_is_not_over_long_enough_stays(engine, opening, filled):
    assert packing.pack_closed(opening, BEGIN + DAY + AFTER / 2, AFTER) == []


def test_late_fixes_go_into_the_reopened_partition_and_are_merged(engine, opening, filled):
    packing.pack_closed(opening, LATER, AFTER)
    late = row(BEGIN + timedelta(seconds=30), 1, 999, lon=110.95, mark="late")
    with transaction(engine) as session:
        put(session, [late])
        mixed = everything(session)
        assert len(mixed) == 201 and mixed[1].serial == 999
    packing.pack_closed(opening, LATER, AFTER)
    with transaction(engine) as session:
        assert hot(session) == 0 and everything(session) == mixed
        assert session.scalar(select(func.sum(FixBlock.fixes))) == 601


def test_a_fix_sent_again_after_packing_counts_once(engine, opening, filled):
    packing.pack_closed(opening, LATER, AFTER)
    with transaction(engine) as session:
        put(session, track(1)[:5])
        assert everything(session) == filled
    packing.pack_closed(opening, LATER, AFTER)
    with transaction(engine) as session:
        assert hot(session) == 0 and everything(session) == filled


def test_another_fix_under_a_packed_key_is_kept_beside_it(engine, opening, filled):
    """A terminal whose clock stands still says another thing with the same time and serial."""
    packing.pack_closed(opening, LATER, AFTER)
    with transaction(engine) as session:
        put(session, [{**track(1)[0], "lon": 110.5}])
        mixed = everything(session)
        assert [(f.item, f.lon) for f in mixed[:2]] == [(0, 110.9), (1, 110.5)]
    packing.pack_closed(opening, LATER, AFTER)
    with transaction(engine) as session:
        assert hot(session) == 0 and everything(session) == mixed


def test_times_nobody_believes_are_packed_from_the_default_partition_and_kept(engine, opening):
    wild = [datetime(y, 6, 1, tzinfo=UTC) + timedelta(seconds=n) for y in (1970, 2099) for n in range(3)]
    with transaction(engine) as session:
        partitions.sweep(session, NOW, DAY)
        put(session, [row(t, 1, n, received_at=NOW, mark="future") for n, t in enumerate(wild)])
    assert packing.pack_closed(opening, NOW + AFTER / 2, AFTER) == []
    packing.pack_closed(opening, LATER, AFTER)
    with transaction(engine) as session:
        assert hot(session) == 0
        kept = fixes.of_vehicle(
            session, 1, datetime(1960, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
        )
        assert [k.time for k in kept] == wild


def test_a_fix_later_than_its_dropped_partition_joins_the_blocks_of_its_period(engine, opening, filled):
    packing.pack_closed(opening, LATER, AFTER)
    with transaction(engine) as session:
        assert partitions.sweep(session, NOW + 9 * DAY, DAY)[1] == 3
        put(session, [*track(1)[:2], row(BEGIN + timedelta(seconds=90), 1, 7000)])
    packing.pack_closed(opening, NOW + 12 * DAY, AFTER)
    with transaction(engine) as session:
        assert hot(session) == 0 and len(everything(session)) == 201
        assert session.execute(select(FixBlock.period_start).distinct()).scalars().all() == [BEGIN]


def test_fixes_of_a_terminal_without_vehicle_are_packed_too(engine, opening):
    with transaction(engine) as session:
        partitions.sweep(session, NOW, DAY)
        put(session, track(5, 10, vehicle_id=None, mark="unbound"))
        before = fixes.columns(session, BEGIN, NOW)
    packing.pack_closed(opening, LATER, AFTER)
    with transaction(engine) as session:
        after = fixes.columns(session, BEGIN, NOW)
        assert list(fixes.rows(after)) == list(fixes.rows(before)) and len(after) == 10


def test_a_fix_that_comes_while_its_period_is_packed_is_not_lost(engine, opening, filled, monkeypatch):
    late, merge = [row(BEGIN + timedelta(seconds=15), 2, 5000)], packing._merge

    def interrupted(*args):
        if late:
            with transaction(engine) as other:
                put(other, [late.pop()])
        return merge(*args)

    monkeypatch.setattr(packing, "_merge", interrupted)
    (done,) = packing.pack_closed(opening, LATER, AFTER)
    assert done.fixes == 601
    with transaction(engine) as session:
        assert hot(session) == 0 and len(everything(session, 2)) == 201


def test_nothing_is_emptied_when_a_block_does_not_unpack_to_what_was_read(
    engine, opening, filled, monkeypatch
):
    monkeypatch.setattr(packing.block, "unpack", lambda path, rest: KeptColumns.empty())
    with pytest.raises(Damaged):
        packing.pack_closed(opening, LATER, AFTER)
    monkeypatch.undo()
    with transaction(engine) as session:
        assert hot(session) == 600 and everything(session) == filled


def test_a_damaged_block_is_reported_and_never_read_as_something_else(engine, opening, filled):
    packing.pack_closed(opening, LATER, AFTER)
    with transaction(engine) as session:
        session.execute(update(FixBlock).values(rest=func.set_byte(FixBlock.rest, 40, 1)))
        with pytest.raises(Damaged):
            everything(session)
        session.rollback()


def test_late_fixes_also_change_where_the_next_period_comes_from(engine, opening):
    with transaction(engine) as session:
        partitions.sweep(session, NOW, DAY)
        put(session, track(1, 3, BEGIN + DAY - timedelta(seconds=300)))
        put(session, track(1, 3, BEGIN + DAY))
    packing.pack_closed(opening, LATER + DAY, AFTER)
    with transaction(engine) as session:
        put(session, [row(BEGIN + DAY - timedelta(seconds=5), 1, 4000, lon=120.0, mark="late")])
    packing.pack_closed(opening, LATER + DAY, AFTER)
    with transaction(engine) as session:
        path = session.scalar(select(FixBlock.path).where(FixBlock.period_start == BEGIN + DAY))
        assert packing.block.read_path(path).leads.lon.tolist() == [120.0]


def test_only_one_packs_at_a_time(engine, opening, filled):
    with transaction(engine) as session:
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('parking.services.packing'))"))
        assert packing.pack_closed(opening, LATER, AFTER) == []


PACKER = """
import sys
from datetime import datetime, timedelta
from parking import db
from parking.services import packing
engine = db.make_engine(sys.argv[1])
packing.CHUNK = 500
print("go", flush=True)
packing.pack_closed(lambda: db.transaction(engine), datetime.fromisoformat(sys.argv[2]), timedelta(hours=6))
"""


def test_killed_at_any_instant_nothing_is_lost_or_doubled(engine, database_url, opening):
    with transaction(engine) as session:
        partitions.sweep(session, NOW, DAY)
        for vehicle in range(1, 9):
            put(session, track(vehicle, 300))
        before = [everything(session, v) for v in range(1, 9)]
    luck = random.Random(1)
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", PACKER, database_url, LATER.isoformat()], stdout=subprocess.PIPE
        )
        process.stdout.readline()
        clock.sleep(luck.uniform(0.01, 0.2))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with transaction(engine) as session:
            assert [everything(session, v) for v in range(1, 9)] == before
            counted = hot(session), session.scalar(select(func.coalesce(func.sum(FixBlock.fixes), 0)))
            assert sorted(counted) == [0, 2400]
    packing.pack_closed(opening, LATER, AFTER)
    with transaction(engine) as session:
        assert hot(session) == 0 and [everything(session, v) for v in range(1, 9)] == before
