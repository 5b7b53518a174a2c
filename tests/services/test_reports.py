"""Positions from several doors: each kept once, one of them judged."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from parking.db import transaction
from parking.models import FixRow, Violation
from parking.queries import tracks
from parking.services import rejudging, terminals, tracking
from parking.vocabulary import Mark
from tests.doors import PLATE, TRUCK, opened
from tests.land import START, drive, fix, stand

LATER = START + timedelta(hours=1)
HOME = [fix(-5000, 3000, n * 30, 0.0) for n in range(20)]
AT_WORK = [fix(0, 395, 10 + n * 30, 0.0) for n in range(20)]


@pytest.fixture
def doors(session):
    return opened(session)


def test_a_phone_left_at_home_makes_its_truck_jump_nowhere(doors):
    for seen, home in zip(AT_WORK, HOME, strict=True):
        doors.by_terminal([seen], LATER, serial=int(seen.time.timestamp()) % 60_000)
        doors.by(doors.phone, [replace(home, time=seen.time + timedelta(seconds=5))], LATER)
    assert set(doors.marks()) == {None}
    assert set(doors.marks(doors.phone)) == {Mark.SECONDARY}
    assert "boundary_crossing" not in doors.offences()


def test_without_a_terminals_word_the_phone_is_judged(doors):
    doors.by(doors.phone, drive([(-300, -300), (-300, -650)]), LATER)
    assert "boundary_crossing" in doors.offences()


def test_the_phone_counts_again_once_the_terminal_is_silent_for_the_quiet_time(doors):
    doors.by_terminal([fix(0, 0, 0, 0.0)], LATER)
    early, late = fix(5, 0, 119, 0.0), fix(5, 0, 121, 0.0)
    assert [str(r) for r in doors.by(doors.phone, [early, late], LATER).results] == ["secondary", "stored"]


def test_a_terminal_that_is_not_located_leaves_the_word_to_the_phone(doors):
    doors.by_terminal([replace(fix(0, 0, 0), located=False)], LATER)
    assert doors.by(doors.phone, [fix(5, 0, 3, 0.0)], LATER).results == ("stored",)


def test_a_carriers_platform_comes_before_a_phone(doors):
    doors.by(doors.platform, [fix(0, 0, 0, 0.0)], LATER)
    assert doors.by(doors.phone, [fix(5, 0, 3, 0.0)], LATER).results == ("secondary",)
    assert doors.by(doors.platform, [fix(0, 5, 6, 0.0)], LATER).results == ("stored",)


def test_a_report_sent_again_changes_nothing_even_after_the_terminal_fell_silent(doors):
    doors.by_terminal([fix(0, 0, 0, 0.0)], LATER)
    beside = fix(5, 0, 60, 0.0)
    twice = doors.by(doors.phone, [beside, beside], LATER)
    assert twice.results == ("secondary", "repeated")
    assert doors.by(doors.phone, [beside], LATER).results == ("repeated",)
    assert len(doors.marks(doors.phone)) == 1


def test_an_alarm_is_obeyed_though_the_terminal_speaks(doors):
    doors.by_terminal([fix(0, 0, 0, 0.0)], LATER)
    sos = replace(fix(5, 0, 3, 0.0), alarm=1)
    assert doors.by(doors.phone, [sos], LATER).results == ("stored",)
    assert "terminal_alarm" in doors.offences()


def test_a_phone_that_says_nothing_of_an_alarm_does_not_end_the_terminals(doors):
    doors.by_terminal([replace(fix(0, 0, 0, 0.0), alarm=1)], LATER)
    doors.by(doors.phone, [fix(5, 0, 300, 0.0)], LATER)
    alarm = select(Violation).where(Violation.kind == "terminal_alarm")
    assert doors.session.scalars(alarm).one().ended_at is None
    doors.by_terminal([fix(0, 0, 400, 0.0)], LATER, serial=7)
    doors.session.expire_all()
    assert doors.session.scalars(alarm).one().ended_at is not None


def test_a_phones_own_alarm_ends_when_it_says_so(doors):
    doors.by(doors.phone, [replace(fix(0, 0, 0, 0.0), alarm=1)], LATER)
    doors.by(doors.phone, [fix(0, 5, 30, 0.0)], LATER)
    alarm = doors.session.scalars(select(Violation).where(Violation.kind == "terminal_alarm")).one()
    assert alarm.ended_at == START + timedelta(seconds=30)


def test_what_the_terminal_kept_and_sends_late_is_not_mixed_with_the_phone(doors, monkeypatch):
    """The terminal was out of reach, the phone was judged: judged again, the terminal counts."""
    doors.by_terminal([fix(0, 390, 0, 0.0)], LATER)
    doors.by(doors.phone, [fix(-900, 800, 200 + 30 * n, 0.0) for n in range(10)], LATER)
    doors.by_terminal([fix(0, 395, 10 + 30 * n, 0.0) for n in range(20)], LATER, serial=100)
    before = doors.offences()
    seen = []
    judging = rejudging.judge
    monkeypatch.setattr(rejudging, "judge", lambda *a: seen.append(judging(*a)) or seen[-1])
    assert tracking.judge_again(doors.session, doors.vehicle_id, START, LATER) == 0
    assert set(seen[0].marks) == {None}
    assert doors.offences() == before
    standing = select(Violation).where(Violation.kind == "ring_stop")
    assert doors.session.scalars(standing).one().ended_at is not None


def test_two_reports_of_one_second_are_both_kept(doors):
    doors.by(doors.phone, [fix(0, 0, 0), fix(3, 0, 0)], LATER)
    assert doors.marks(doors.phone).count(Mark.DUPLICATE) == 1


def test_a_phone_bars_no_terminal_from_its_vehicle_and_shows_it_once(doors):
    doors.by(doors.phone, [fix(0, 0, 0, 0.0)], LATER)
    doors.session.execute(terminals.Terminal.__table__.delete().where(terminals.Terminal.phone == TRUCK))
    assert terminals.register(doors.session, "13900000009", PLATE, 2, LATER).result == 0
    assert [v.terminal_phone for v in tracks.vehicles(doors.session)] == ["13900000009"]


def test_a_phone_waits_for_the_terminal_that_is_being_stored(engine):
    """Both report at once: whoever holds the vehicle first is seen by the other."""
    with transaction(engine) as session:
        doors = opened(session)
        vehicle_id, phone = doors.vehicle_id, doors.phone
    began, results = threading.Event(), []

    def report():
        with transaction(engine) as session:
            began.set()
            mine = replace(doors, session=session)
            results.append(mine.by(phone, [fix(400, 0, 5, 0.0)], LATER).results[0])

    with transaction(engine) as session:
        replace(doors, session=session).by_terminal([fix(0, 0, 0, 0.0)], LATER)
        thread = threading.Thread(target=report)
        thread.start()
        assert began.wait(10)
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(20)
    assert results == ["secondary"]
    with transaction(engine) as session:
        seen = session.execute(select(FixRow.vehicle_id, FixRow.mark).order_by(FixRow.time)).all()
    assert seen == [(vehicle_id, None), (None, Mark.SECONDARY)]


def test_a_vehicle_the_feed_does_not_speak_for_is_refused_whole(doors):
    other = terminals.vehicle_of(doors.session, "晋M00002", 2, START)
    with pytest.raises(LookupError, match="does not speak"):
        replace(doors, vehicle_id=other).by(doors.phone, stand(0, 0, 60), LATER)
