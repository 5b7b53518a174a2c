"""What is sent again is cheap, changes nothing, and is never taken for something else."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text

from parking import db
from parking.db import transaction
from parking.models import FixRow, Letter, Notice, Passage, Violation, Watch
from parking.rules.monitor import Ground, Journey, State, judge
from parking.services import park, partitions, repeats, storing, terminals, tracking, watches
from parking.services.fixbatch import FixBatch, microseconds
from parking.services.tracking import TerminalFix
from tests import land
from tests.land import START, drive, fix, stand

PHONES = ("13900000001", "13900000002", "13900000003")
LATER = START + timedelta(hours=2)
STRANGER = Journey(booked=False, loaded=None)
#: In, a stand where none is allowed, on, out through the fence.
WAY = [
    *drive([(0, -1200), (0, -100)]),
    *stand(0, -100, 400, begin=170),
    *drive([(0, -100), (300, -100), (300, -700)], begin=600),
]
_FOUND = judge(Ground(land.park()), State.new(), WAY, lambda _: STRANGER, LATER).findings
WANTED = {(str(f.kind), f.subject, f.started_at, f.ended_at) for f in _FOUND if f.offence}


def entries(fixes, phone=PHONES[0]):
    return [TerminalFix(phone, n, 0, f) for n, f in enumerate(fixes)]


#: Three vehicles on the same way, in order of time.
ALL = [e for row in zip(*(entries(WAY, phone) for phone in PHONES), strict=True) for e in row]


def load(session):
    park.load(session, land.park(), [], START, "test")
    for n, phone in enumerate(PHONES):
        terminals.register(session, phone, f"晋M0000{n}", 2, START)


@pytest.fixture
def loaded(engine):
    with transaction(engine) as session:
        load(session)
    return engine


def take(engine, batch):
    with transaction(engine) as session:
        return tracking.take(session, batch, LATER)


def count(engine, table=FixRow):
    with transaction(engine) as session:
        return session.scalar(select(func.count()).select_from(table))


def as_if_sent_once(engine):
    with transaction(engine) as session:
        rows = session.scalars(select(Violation)).all()
        found = {(v.kind, v.subject, v.started_at, v.ended_at) for v in rows}
        passed = session.scalar(select(func.count()).select_from(Passage))
        fixes = session.scalar(select(func.count()).select_from(FixRow))
    assert fixes == len(ALL)
    assert found == WANTED and len(rows) == len(PHONES) * len(WANTED)
    assert passed == len(PHONES) * len([f for f in _FOUND if not f.offence])


@pytest.fixture
def never_held(loaded, monkeypatch):
    """Vehicles are not locked, or the test fails: from here on only the quick way will do."""
    take(loaded, ALL[:30])
    monkeypatch.setattr(watches, "_locked", None)
    return loaded


def test_a_fix_twice_in_a_batch_costs_no_second_taking(never_held):
    batch = ALL[30:60]
    taken = take(never_held, [*batch, *batch[::-1], *batch])
    assert (taken.stored, taken.repeated) == (30, 60)


def test_once_repeats_are_met_the_next_are_known_before_anything_is_judged(loaded, monkeypatch):
    take(loaded, ALL[:30])
    taken = take(loaded, ALL[:60])
    assert (taken.stored, taken.repeated) == (30, 30)
    monkeypatch.setattr(watches, "_locked", None)
    for n in range(60, 90, 6):
        taken = take(loaded, [*ALL[n : n + 6], *ALL[:40]])
        assert (taken.stored, taken.repeated) == (6, 40)
    assert take(loaded, ALL[:90]).repeated == 90
    assert count(loaded) == 90


def test_a_batch_of_repeats_that_was_undone_does_not_undo_the_next(loaded, monkeypatch):
    take(loaded, ALL[:30])
    assert take(loaded, ALL[:30]).repeated == 30
    monkeypatch.setattr(watches, "_locked", None)
    assert take(loaded, ALL[30:60]).stored == 30


def test_new_fixes_are_not_looked_up_unless_something_was_sent_again(loaded, monkeypatch):
    take(loaded, ALL[:30])
    take(loaded, ALL[:30])
    new = iter(range(30, len(ALL)))
    for _ in range(repeats.CALM):
        take(loaded, [ALL[next(new)]])
    monkeypatch.setattr(storing, "stored", None)
    assert take(loaded, [ALL[next(new)]]).stored == 1


def test_one_gateway_that_meets_repeats_does_not_slow_another(loaded, database_url):
    other = db.make_engine(database_url)
    take(loaded, ALL[:30])
    take(loaded, ALL[:30])
    with transaction(loaded) as one, transaction(other) as two:
        assert repeats.expected(one) and not repeats.expected(two)
    other.dispose()


def test_other_words_under_a_known_key_are_kept_on_the_quick_way_too(never_held):
    """A clock that stands, and a count that began anew: not the same fix, though the key is the same."""
    old = ALL[0]
    moved = replace(old, fix=replace(old.fix, lon=old.fix.lon + 0.001))
    alarm = replace(old, fix=replace(old.fix, alarm=1))
    assert take(never_held, [*ALL[30:33], ALL[30]]).repeated == 1  # from now on there is a look first
    taken = take(never_held, [moved, old, moved, alarm, moved])
    assert (taken.stored, taken.repeated) == (2, 3)
    assert take(never_held, [alarm, moved, old]).repeated == 3
    with transaction(never_held) as session:
        rows = session.execute(
            select(FixRow.item, FixRow.lon, FixRow.alarm)
            .where(FixRow.time == old.fix.time, FixRow.serial == old.serial, FixRow.vehicle_id.is_not(None))
            .order_by(FixRow.terminal_id, FixRow.item)
        ).all()
    assert [tuple(r) for r in rows[:3]] == [
        (0, old.fix.lon, old.fix.alarm), (1, moved.fix.lon, 0), (2, old.fix.lon, 1),
    ]  # fmt: skip


def test_two_places_of_one_message_with_the_same_words_are_two_fixes(never_held):
    twice = [replace(ALL[30], item=0), replace(ALL[30], item=1)]
    assert take(never_held, twice).stored == 2


def test_a_terminal_bound_to_nothing_may_repeat_itself_as_well(loaded):
    with transaction(loaded) as session:
        terminals.register(session, "13900000009", "VIN000", 0, START)
    strange = entries(WAY[:20], "13900000009")
    assert take(loaded, strange).stored == 20
    assert take(loaded, [*strange, *ALL[:30], *strange]).stored == 30
    assert take(loaded, strange).repeated == 20
    assert count(loaded) == 50


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_sent_again_whenever_it_is_as_if_sent_once(session, data):
    """New fixes come in order, in pieces cut anywhere; between and beside them anything that was before."""
    for table in (Notice, Letter, Violation, Passage, FixRow, Watch):
        session.execute(delete(table))
    if not session.scalar(text("SELECT count(*) FROM terminal")):
        load(session)
    cuts = data.draw(st.lists(st.integers(1, len(ALL) - 1), max_size=8, unique=True).map(sorted))
    stored = 0
    for begin, end in zip([0, *cuts], [*cuts, len(ALL)], strict=True):
        again = data.draw(st.lists(st.integers(0, end - 1), max_size=30))
        batch = data.draw(st.permutations([*ALL[begin:end], *(ALL[n] for n in again)]))
        taken = tracking.take(session, batch, LATER)
        assert taken.stored + taken.repeated == len(batch)
        stored += taken.stored
    assert stored == len(ALL)
    session.flush()
    rows = session.scalars(select(Violation)).all()
    assert {(v.kind, v.subject, v.started_at, v.ended_at) for v in rows} == WANTED
    assert len(rows) == len(PHONES) * len(WANTED)


def test_other_words_that_come_between_the_look_and_the_writing_are_all_kept(
    loaded, database_url, monkeypatch
):
    """A terminal without a vehicle has no memory to lock: another gateway may always be first."""
    with transaction(loaded) as session:
        terminals.register(session, "13900000009", "VIN000", 0, START)
    (one,) = entries(WAY[:1], "13900000009")
    said = [replace(one, fix=replace(one.fix, alarm=n)) for n in range(3)]
    rivals, look, other = said[1:], repeats.unknown, db.make_engine(database_url)

    def and_then_another_comes(*arguments):
        found = look(*arguments)
        if rivals:
            take(other, [rivals.pop()])
        return found

    assert take(loaded, [ALL[0], ALL[0]]).repeated == 1  # from now on there is a look first
    monkeypatch.setattr(repeats, "unknown", and_then_another_comes)
    assert take(loaded, [said[0]]).stored == 1
    other.dispose()
    with transaction(loaded) as session:
        rows = session.execute(
            select(FixRow.item, FixRow.alarm).where(FixRow.vehicle_id.is_(None)).order_by(FixRow.item)
        ).all()
    assert [tuple(r) for r in rows] == [(0, 2), (1, 1), (2, 0)]


@pytest.mark.parametrize("engines", [1, 2])
def test_two_at_once_who_repeat_themselves_and_each_other_leave_each_fix_once(loaded, database_url, engines):
    """With two engines as two gateways; with one, what is remembered is shared besides."""
    other = db.make_engine(database_url) if engines == 2 else loaded
    ready, troubles = threading.Barrier(2), []

    def gateway(engine, piece, back):
        ready.wait()
        try:
            for begin in range(0, len(ALL), piece):
                take(engine, ALL[max(0, begin - back) : begin + piece][:: -1 if begin % 2 else 1])
                take(engine, ALL[begin // 2 : begin // 2 + back])
        except Exception as trouble:  # a thread's failure must reach the test
            troubles.append(trouble)

    threads = [
        threading.Thread(target=gateway, args=arguments)
        for arguments in ((loaded, 27, 40), (other, 41, 13))
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.dispose()
    assert troubles == []
    as_if_sent_once(loaded)


def test_who_is_cut_off_before_the_commit_has_stored_nothing_and_hears_so_again(loaded):
    take(loaded, ALL[:30])
    take(loaded, ALL[:30])
    with pytest.raises(RuntimeError, match="cut"), transaction(loaded) as session:
        assert tracking.take(session, ALL[:60], LATER).stored == 30
        raise RuntimeError("cut")
    assert take(loaded, ALL[:60]).stored == 30
    assert take(loaded, ALL).stored == len(ALL) - 60
    as_if_sent_once(loaded)


def test_the_look_goes_by_the_index_also_where_the_table_was_empty_when_first_asked(session):
    """A plan made then would read the whole partition once for every fix."""
    load(session)
    partitions.sweep(session, START, timedelta(days=1))
    fixes = FixBatch.of(entries(WAY[:5]))
    (terminal,) = session.scalars(text("SELECT id FROM terminal WHERE phone = :p"), {"p": PHONES[0]})
    stems = [(at, terminal, n) for n, at in enumerate(fixes.at.tolist())]
    for _ in range(20):
        assert storing.stored(session, stems) == {stem: {} for stem in stems}
    session.execute(_FILL, {"at": START})
    tracking.take(session, entries(WAY[:5]), LATER)
    before = session.scalar(_SCANNED)
    found = storing.stored(session, [*stems, (microseconds(START), 7, 0), (microseconds(START), 7, 1)])
    assert [len(there) for there in found.values()] == [1] * 5 + [1, 0]
    assert session.scalar(_SCANNED) == before


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(-(10**5), 10**5), min_size=1, max_size=60, unique=True))
def test_clocks_far_apart_are_asked_for_in_few_questions_that_find_all(session, hours):
    session.execute(text("DELETE FROM fix"))
    start, at = microseconds(START), {"at": START}
    session.execute(_ONE, [{**at, "hours": h} for h in hours[::2]])
    stems = [(start + h * 3_600_000_000, 7, 1) for h in hours]
    found = storing.stored(session, stems)
    assert [len(found[stem]) for stem in stems] == [1 - n % 2 for n in range(len(hours))]
    assert len(storing._close_in_time(np.array([at for at, *_ in stems]))) <= storing._QUESTIONS


_ONE = text(
    "INSERT INTO fix (time, terminal_id, serial, item, lon, lat, located, alarm, status, backfill,"
    " received_at) VALUES (:at + :hours * interval '1 hour', 7, 1, 0, 0, 0, true, 0, 3, false, :at)"
)
_FILL = text(
    "INSERT INTO fix (time, terminal_id, serial, item, lon, lat, located, alarm, status, backfill,"
    " received_at) SELECT :at + n * interval '1 second', t, 0, 0, 0, 0, true, 0, 3, false, :at"
    " FROM generate_series(0, 2000) n, generate_series(1, 50) t"
)
#: Times a partition of fix was read from end to end in this transaction.
_SCANNED = text("SELECT sum(pg_stat_get_xact_numscans(relid)) FROM pg_partition_tree('fix') WHERE isleaf")


def test_a_fix_in_a_batch_of_one_is_looked_at_as_the_others_are(loaded):
    one = entries([fix(0, 0, 0)])
    assert [take(loaded, one).stored for _ in range(3)] == [1, 0, 0]
