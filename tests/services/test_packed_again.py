"""What is sent again after its period was packed is known, as it was while it lay in the table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from parking.db import transaction
from parking.models import FixBlock, FixRow, Letter
from parking.queries import fixes
from parking.services import packing, park, partitions, terminals, tracking
from parking.services.tracking import TerminalFix
from tests import land
from tests.land import START, drive, fix
from tests.truck_stories import entries

PHONES = ("13900000001", "13900000002")
DAY = timedelta(days=1)
#: A drive along the approved route, and when its day is packed.
DRIVEN = drive([(0, -900), (0, 300)])
PACKED_AT = START + 2 * DAY


def take(engine, given, now=PACKED_AT):
    with transaction(engine) as session:
        return tracking.take(session, given, now)


def counted(engine, table):
    with transaction(engine) as session:
        return session.scalar(select(func.count()).select_from(table))


def read(engine):
    with transaction(engine) as session:
        return fixes.columns(session, START - DAY, PACKED_AT + DAY)


@pytest.fixture
def packed(engine):
    """A day with a drive of each of two vehicles, packed."""
    with transaction(engine) as session:
        park.load(session, land.park(), [], START, "test")
        for n, phone in enumerate(PHONES, 1):
            terminals.register(session, phone, f"晋M0000{n}", 2, START)
        partitions.sweep(session, START, DAY)
    for phone in PHONES:
        take(engine, entries(DRIVEN, phone), START + timedelta(hours=1))
    done = packing.pack_closed(lambda: transaction(engine), PACKED_AT, timedelta(hours=6))
    assert sum(d.fixes for d in done) == 2 * len(DRIVEN)
    with transaction(engine) as session:
        partitions.sweep(session, PACKED_AT, DAY)
    return engine


def test_a_packed_fix_sent_again_changes_nothing(packed):
    letters = counted(packed, Letter)
    taken = take(packed, entries(DRIVEN))
    assert (taken.stored, taken.repeated) == (0, len(DRIVEN))
    assert counted(packed, FixRow) == 0 and counted(packed, Letter) == letters, "nothing to judge again"


def test_new_fixes_among_packed_ones_are_stored_alone(packed):
    fresh = [replace(f, time=f.time + timedelta(seconds=2)) for f in DRIVEN[:3]]
    now_too = fix(0, 0, (PACKED_AT - START).total_seconds(), 20)
    taken = take(packed, entries([*DRIVEN[:5], *fresh, now_too]))
    assert (taken.stored, taken.repeated) == (4, 5)
    assert counted(packed, FixRow) == 4 and len(read(packed)) == 2 * len(DRIVEN) + 4


def test_another_fix_under_a_packed_key_gets_the_next_item_and_is_known_too(packed):
    other = [TerminalFix(PHONES[0], 0, 0, replace(DRIVEN[0], lat=DRIVEN[0].lat + 0.001))]
    assert take(packed, other).stored == 1
    assert take(packed, other).stored == 0
    with transaction(packed) as session:
        assert session.scalars(select(FixRow.item)).all() == [1]
    packing.pack_closed(lambda: transaction(packed), PACKED_AT, timedelta(hours=6))
    assert take(packed, [*other, *entries(DRIVEN[:1])]).stored == 0
    assert counted(packed, FixRow) == 0 and len(read(packed)) == 2 * len(DRIVEN) + 1


def test_a_damaged_block_keeps_nothing_from_being_stored(packed):
    with transaction(packed) as session:
        session.execute(update(FixBlock).values(rest=FixBlock.path))
    assert take(packed, entries(DRIVEN)).stored == len(DRIVEN)


def test_the_same_time_and_serial_of_another_terminal_is_another_fix(packed):
    with transaction(packed) as session:
        terminals.register(session, "13900000003", "晋M00003", 2, START)
    assert take(packed, entries(DRIVEN, "13900000003")).stored == len(DRIVEN)


def test_times_of_the_future_that_were_packed_are_known(packed):
    wild = entries([replace(DRIVEN[0], time=START + timedelta(days=9_000))])
    assert take(packed, wild).stored == 1
    packing.pack_closed(lambda: transaction(packed), PACKED_AT + DAY, timedelta(hours=6))
    assert counted(packed, FixRow) == 0
    assert take(packed, wild, PACKED_AT + DAY).stored == 0
