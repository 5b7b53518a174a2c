"""What a process remembers of a vehicle is only relied on while it is true, whoever else is at work."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from parking import db
from parking.db import transaction
from parking.models import FixRow, Terminal, Violation, Watch
from parking.rules import memory
from parking.rules.monitor import Ground, Journey, State, judge
from parking.rules.speeding import Race
from parking.rules.state import Seen
from parking.services import park, terminals, tracking, watches
from parking.services.fixbatch import FixBatch
from parking.services.shelf import UNKNOWN
from parking.services.tracking import NeverRegistered
from tests import land
from tests.land import START, drive, fix, stand
from tests.truck_stories import PHONE, entries

LATER = START + timedelta(hours=2)
STRANGER = Journey(booked=False, loaded=None)
#: In, a stand where none is allowed, on, out through the fence.
WAY = [
    *drive([(0, -1200), (0, -100)]),
    *stand(0, -100, 400, begin=170),
    *drive([(0, -100), (300, -100), (300, -700)], begin=600),
]


def offences(session):
    return {(v.kind, v.subject, v.started_at, v.ended_at) for v in session.scalars(select(Violation))}


def wanted():
    found = judge(Ground(land.park()), State.new(), WAY, lambda _: STRANGER, LATER).findings
    return {(str(f.kind), f.subject, f.started_at, f.ended_at) for f in found if f.offence}


@pytest.fixture
def gateways(engine, database_url):
    """Two engines on one database, as two processes have them: each remembers for itself."""
    with transaction(engine) as session:
        park.load(session, land.park(), [], START, "test")
        for n in range(1, 4):
            terminals.register(session, f"1390000000{n}", f"晋M0000{n}", 2, START)
    other = db.make_engine(database_url)
    yield engine, other
    other.dispose()


def test_two_gateways_in_turn_judge_one_vehicle_as_one_would(gateways):
    whole = entries(WAY)
    for n, (begin, end) in enumerate(pairwise([*range(0, len(whole), 7), len(whole)])):
        with transaction(gateways[n % 2]) as session:
            tracking.take(session, whole[begin:end], LATER)
    with transaction(gateways[0]) as session:
        assert offences(session) == wanted()


def test_two_gateways_at_once_with_the_same_fixes_judge_each_once(gateways):
    """Each vehicle's fixes come to both, in order, in pieces of another size; nothing is found twice."""
    ready, troubles = threading.Barrier(2), []

    def gateway(engine, piece):
        ready.wait()
        try:
            for begin in range(0, len(WAY), piece):
                batch = [
                    e for n in range(1, 4) for e in entries(WAY, f"1390000000{n}")[begin : begin + piece]
                ]
                with transaction(engine) as session:
                    tracking.take(session, batch, LATER)
        except Exception as trouble:  # a thread's failure must reach the test
            troubles.append(trouble)

    threads = [threading.Thread(target=gateway, args=(e, p)) for e, p in zip(gateways, (9, 14), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    with transaction(gateways[0]) as session:
        assert len(session.scalars(select(FixRow)).all()) == 3 * len(WAY)
        assert offences(session) == wanted()
        assert len(session.scalars(select(Violation)).all()) == 3 * len(wanted())


def test_what_was_rolled_back_is_not_relied_on(gateways):
    whole = entries(WAY)
    with transaction(gateways[0]) as session:
        tracking.take(session, whole[:20], LATER)
    with pytest.raises(RuntimeError, match="cut"), transaction(gateways[0]) as session:
        tracking.take(session, whole[20:60], LATER)
        raise RuntimeError("cut")
    for begin, end in ((20, 60), (60, len(whole))):
        with transaction(gateways[0]) as session:
            tracking.take(session, whole[begin:end], LATER)
    with transaction(gateways[0]) as session:
        assert offences(session) == wanted()


def test_known_vehicles_are_neither_locked_nor_read_again(gateways, monkeypatch):
    """The quick way is the one that is gone: otherwise nothing here would prove it."""
    with transaction(gateways[0]) as session:
        tracking.take(session, entries(WAY)[:20], LATER)
    monkeypatch.setattr(watches, "_read", None)
    monkeypatch.setattr(watches, "_locked", None)
    with transaction(gateways[0]) as session:
        assert tracking.take(session, entries(WAY)[20:60], LATER).stored == 40


def test_a_terminal_moved_to_another_vehicle_reports_for_that_one_at_once(gateways):
    with transaction(gateways[0]) as session:
        tracking.take(session, entries(WAY)[:3], LATER)
    with transaction(gateways[1]) as session:
        terminal = session.scalars(select(Terminal).where(Terminal.phone == PHONE)).one()
        terminal.vehicle_id, before = session.scalar(
            select(Terminal.vehicle_id).where(Terminal.phone == "13900000002")
        ), terminal.vehicle_id  # fmt: skip
        now = terminal.vehicle_id
    with transaction(gateways[0]) as session:
        tracking.take(session, entries(WAY)[3:6], LATER)
        rows = session.scalars(select(FixRow.vehicle_id).order_by(FixRow.time)).all()
    assert rows == [before] * 3 + [now] * 3


def test_a_terminal_forgotten_since_is_refused_by_name(gateways):
    with transaction(gateways[0]) as session:
        tracking.take(session, entries(WAY)[:3], LATER)
    with transaction(gateways[1]) as session:
        session.execute(text("DELETE FROM terminal WHERE phone = '13900000001'"))
    with pytest.raises(NeverRegistered) as refused, transaction(gateways[0]) as session:
        tracking.take(session, entries(WAY)[3:6], LATER)
    assert refused.value.phones == (PHONE,)


def test_a_state_written_back_unchanged_keeps_its_token(gateways):
    with transaction(gateways[0]) as session:
        tracking.take(session, entries(WAY)[:60], LATER)
    with transaction(gateways[0]) as session:
        watch = session.scalars(select(Watch)).one()
        token, kept = watch.token, State.from_json(watch.state)
        watch.state = kept.to_json()
        assert watch.token == token
        watch.state = replace(kept, raised={"sos": START.isoformat()}).to_json()
        assert watch.token != token
        session.flush()
        session.expire(watch)
        assert State.from_json(watch.state) == replace(kept, raised={"sos": START.isoformat()})


def test_two_fixes_of_one_instant_from_two_terminals_of_a_vehicle_are_both_kept(gateways):
    with transaction(gateways[0]) as session:
        session.execute(text("UPDATE terminal SET vehicle_id = (SELECT min(id) FROM vehicle)"))
        both = [e for n in (1, 2) for e in entries([fix(0, 0, 5), fix(0, 5, 10)], f"1390000000{n}")]
        assert tracking.take(session, both, LATER).stored == 4


_STATES = [State.new()]
for _cut in range(1, len(WAY)):
    _STATES.append(
        judge(Ground(land.park()), _STATES[-1], WAY[_cut - 1 : _cut], lambda _: STRANGER, LATER).state
    )


@settings(max_examples=60)
@given(st.integers(0, len(_STATES) - 1), st.integers(0, len(_STATES) - 1))
def test_what_is_kept_in_columns_and_text_reads_back_equal(one, other):
    """Also when only the columns were written, because the text had not changed."""
    first, then = _STATES[one], _STATES[other]
    text_first = memory.text_of(first, memory.last_of(first))
    text_then = memory.text_of(then, memory.last_of(then))
    written = memory.spell(text_first if text_first == text_then else text_then)
    assert State.from_json(memory.unpacked(json.loads(json.dumps(written)), memory.last_of(then))) == then


def test_words_that_look_like_names_of_numbers_stay_words():
    race = Race(5.0, 110.9, 35.6, 30.0, "=lon", 50.0, 7.0, True)
    seen = Seen(7.0, 110.9, 35.6, None, 0, 3)
    odd = replace(State.new(), last=seen, race=race, raised={"=at": "=lat"})
    last = memory.last_of(odd)
    kept = json.loads(json.dumps(memory.spell(memory.text_of(odd, last))))
    assert State.from_json(memory.unpacked(kept, last)) == odd


def test_a_batch_in_columns_is_the_same_batch():
    whole = [
        *entries(WAY[:5]),
        replace(entries([fix(0, 0, 1)])[0], extras={"a": 1}, items=b"\x30\x01\x05", item=3),
        replace(entries([replace(fix(0, 0, 2), speed_kmh=None, heading=None, altitude_m=None)])[0], serial=9),
    ]
    batch = FixBatch.of(whole)
    assert list(batch) == whole and list(FixBatch.joined([batch[:2], batch[2:]])) == whole
    assert list(batch.taken(np.array([6, 0]))) == [whole[6], whole[0]]


def test_a_day_of_one_vehicle_seldom_needs_its_text_written_again(gateways):
    """A moving vehicle changes only columns: that is what makes a fleet affordable."""
    written = []
    way = drive([(-3000, -3000), (3000, -3000)], every_s=10)
    for n in range(len(way)):
        with transaction(gateways[0]) as session:
            tracking.take(session, entries(way)[n : n + 1], LATER)
            written.append(session.scalar(select(Watch.memory)))
    assert sum(a != b for a, b in pairwise(written)) <= 3


def test_who_starts_anew_knows_the_text_that_stands_in_the_row(gateways):
    """Or a whole fleet's texts would be written again at every start."""
    way = drive([(-3000, -3000), (3000, -3000)], every_s=10)
    with transaction(gateways[0]) as session:
        tracking.take(session, entries(way)[:20], LATER)
    with transaction(gateways[1]) as session:
        (vehicle,) = session.scalars(select(Watch.vehicle_id))
        fresh = watches.recall(session, [vehicle], trusting=True)
    with transaction(gateways[0]) as session:
        known = watches.recall(session, [vehicle], trusting=True)
    assert list(fresh.states) == list(known.states) and fresh.tokens == known.tokens
    assert fresh.texts == known.texts and fresh.texts[0] != UNKNOWN
