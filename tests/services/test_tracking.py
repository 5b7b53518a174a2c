"""Every fix is kept once, judged once, told once, all in one transaction."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text

from parking.db import transaction
from parking.models import FixRow, Letter, Notice, Passage, Terminal, Violation, Watch
from parking.rules.monitor import Ground, Journey, State, judge
from parking.services import notices, terminals, tracking
from parking.vocabulary import Mark
from tests import land
from tests.land import START, after, drive, fix, stand
from tests.truck_stories import entries, load

LATER = START + timedelta(hours=2)
#: Out through the fence, away from every gate, by a truck nobody booked.
THROUGH_THE_FENCE = drive([(-300, -300), (-300, -650)])


def count(session, table):
    session.flush()
    return session.scalar(select(func.count()).select_from(table))


def test_a_fix_sent_again_is_stored_and_judged_once(loaded):
    first = tracking.take(loaded, entries(THROUGH_THE_FENCE), LATER)
    again = tracking.take(loaded, entries(THROUGH_THE_FENCE), LATER)
    assert (first.stored, first.repeated) == (len(THROUGH_THE_FENCE), 0)
    assert (again.stored, again.repeated) == (0, len(THROUGH_THE_FENCE))
    assert count(loaded, FixRow) == len(THROUGH_THE_FENCE)
    assert [
        v.kind for v in loaded.scalars(select(Violation).where(Violation.kind == "boundary_crossing"))
    ] == ["boundary_crossing"]


def test_a_fix_twice_in_one_batch_is_stored_once(loaded):
    one = entries(THROUGH_THE_FENCE)[:1]
    assert tracking.take(loaded, one * 3, LATER).stored == 1


def test_what_is_not_believed_is_kept_with_its_reason(loaded):
    good = fix(0, 0, 0, 20)
    odd = [
        replace(good, time=START + timedelta(seconds=10), located=False),
        replace(good, time=START + timedelta(seconds=20), lon=0.0, lat=0.0),
        replace(good, time=START + timedelta(seconds=30), lon=116.4, lat=39.9),
        replace(good, time=START + timedelta(days=2)),
        replace(good, time=START - timedelta(days=20)),
    ]
    taken = tracking.take(loaded, entries([good, *odd]), LATER)
    assert taken.stored == 6
    marks = sorted(m for m in loaded.scalars(select(FixRow.mark)) if m)
    assert marks == ["future", "not_located", "null_island", "outside_watch_area", "too_old"]
    assert sum(taken.marks.values()) == 5


def test_a_terminal_without_a_vehicle_is_kept_and_marked(loaded):
    terminals.register(loaded, "13900000002", "VIN000", 0, START)
    taken = tracking.take(loaded, entries([fix(0, 0, 0)], "13900000002"), LATER)
    assert taken.marks == {Mark.UNBOUND: 1}
    assert count(loaded, FixRow) == 1


def test_a_terminal_nobody_registered_is_refused_whole(loaded):
    with pytest.raises(LookupError, match="13999999999"):
        tracking.take(loaded, entries(THROUGH_THE_FENCE, "13999999999"), LATER)


def test_fix_violation_and_letter_are_one_transaction(engine):
    with transaction(engine) as session:
        load(session)
    with pytest.raises(RuntimeError, match="cut"), transaction(engine) as session:
        tracking.take(session, entries(THROUGH_THE_FENCE), LATER)
        assert count(session, Violation) > 0
        raise RuntimeError("cut")
    with transaction(engine) as session:
        assert [count(session, t) for t in (FixRow, Violation, Letter, Passage)] == [0, 0, 0, 0]
        tracking.take(session, entries(THROUGH_THE_FENCE), LATER)
    with transaction(engine) as session:
        told = session.scalars(select(Letter.payload).where(Letter.name == "violation_seen")).all()
        assert {p["violation_id"] for p in told} == set(session.scalars(select(Violation.id)))


def test_two_gateways_with_the_same_fixes_store_each_once(engine):
    with transaction(engine) as session:
        load(session)
    ready = threading.Barrier(4)
    troubles = []

    def gateway():
        ready.wait()
        try:
            with transaction(engine) as session:
                tracking.take(session, entries(THROUGH_THE_FENCE), LATER)
        except Exception as trouble:  # a thread's failure must reach the test
            troubles.append(trouble)

    threads = [threading.Thread(target=gateway) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    with transaction(engine) as session:
        assert count(session, FixRow) == len(THROUGH_THE_FENCE)
        crossings = session.scalars(select(Violation).where(Violation.kind == "boundary_crossing")).all()
        assert len(crossings) == 1


def test_an_episode_grows_instead_of_being_written_again(loaded):
    standing = stand(0, 100, 900)
    for entry in entries(standing):
        tracking.take(loaded, [entry], LATER)
    stops = loaded.scalars(select(Violation).where(Violation.kind == "illegal_stop")).all()
    assert len(stops) == 1
    assert stops[0].facts["seconds"] == 900
    on = drive([(0, 100), (0, 300)], begin=after(standing))
    tracking.take(loaded, [replace(e, serial=e.serial + 1000) for e in entries(on)], LATER)
    loaded.refresh(stops[0])
    assert stops[0].ended_at is not None


WAY = [
    *drive([(0, -1200), (0, -100)]),
    *stand(0, -100, 400, begin=170),
    *drive([(0, -100), (300, -100), (300, -700)], begin=600),
]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, len(WAY) - 1), max_size=8))
def test_the_table_is_what_the_monitor_says_however_the_stream_is_cut(loaded, cuts):
    for table in (Notice, Letter, Violation, Passage, FixRow, Watch):
        loaded.execute(delete(table))
    marks = [0, *sorted(set(cuts)), len(WAY)]
    all_entries = entries(WAY)
    for begin, end in pairwise(marks):
        tracking.take(loaded, all_entries[begin:end], LATER)
    loaded.expire_all()
    stranger = Journey(booked=False, loaded=None)
    wanted = judge(Ground(land.park()), State.new(), WAY, lambda _: stranger, LATER).findings
    rows = loaded.scalars(select(Violation)).all()
    assert {(v.kind, v.subject, v.started_at, v.ended_at) for v in rows} == {
        (f.kind, f.subject, f.started_at, f.ended_at) for f in wanted if f.offence
    }
    assert count(loaded, Passage) == len([f for f in wanted if not f.offence])


def test_a_notice_goes_to_each_role_once_however_often_the_letter_comes(loaded):
    tracking.take(loaded, entries(THROUGH_THE_FENCE), LATER)
    loaded.flush()
    letters = loaded.scalars(select(Letter).where(Letter.name == "violation_seen")).all()
    first = [notices.announce(loaded, letter, LATER) for letter in letters]
    again = [notices.announce(loaded, letter, LATER) for letter in letters]
    assert set(first) == {2} and set(again) == {0}
    plates = {n.facts["plate"] for n in loaded.scalars(select(Notice))}
    assert plates == {"晋M00001"}


def test_the_terminals_last_sign_of_life_is_noted(loaded):
    tracking.take(loaded, entries(THROUGH_THE_FENCE[:1]), LATER)
    loaded.expire_all()
    assert loaded.scalars(select(Terminal.last_seen_at)).one() == LATER
    assert loaded.execute(text("SELECT count(*) FROM fix WHERE mark IS NULL")).scalar() == 1
