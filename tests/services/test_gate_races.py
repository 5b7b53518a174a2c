"""Two people at the gate in the same instant: kept twice, answered twice, put right while it is let in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from parking.db import transaction
from parking.models import Booking, CheckAnswer, Override, ParkRow, Visit, Watch
from parking.queries import checklist as lists
from parking.queries import lot as lots
from parking.rules.admission import CargoLine
from parking.rules.checklist import Answer
from parking.services import bookings, cargo, checklist, overrides, visits
from parking.vocabulary import BookingState, CheckResult, LoadState, Refusal, VisitState, VisitStep
from tests.factories import DRIVER, HERE, NOW, STAFF, form, held, hours, lot
from tests.services.test_booking_races import race, won, words

pytestmark = pytest.mark.servers
GUARD, THEN = "guard:zhao", NOW + hours(1)


def waiting(engine, **policy):
    """A petrol truck at the gate: its visit's id."""
    with transaction(engine) as session:
        lot(session, policy=policy)
        checklist.ensure(session, session.scalars(select(ParkRow.id)).one())
        visit = visits.check_in(session, held(session, "B05").id, THEN, GUARD, HERE)
        session.add(Watch(vehicle_id=visit.vehicle_id, state={}, last_time=THEN))
        return visit.id


def test_one_form_kept_and_sent_in_the_same_instant_is_one_booking(engine):
    with transaction(engine) as session:
        lot(session)
    made = form(idempotency_key="one-and-the-same")
    outcomes = race(
        engine,
        *[lambda s: bookings.keep(s, made, NOW, DRIVER, HERE).id] * 3,
        *[lambda s: bookings.request(s, made, NOW, DRIVER, HERE).id] * 3,
    )
    assert len(set(won(outcomes))) == 1 and len(won(outcomes)) == 6
    with transaction(engine) as session:
        assert session.scalars(select(Booking.state)).all() == [BookingState.ENTERPRISE_APPROVED]


def test_nobody_is_let_in_with_cargo_that_was_being_put_right(engine):
    """Either he is in with what was booked, or he waits and is looked at anew: never in, and unlooked at."""
    visit_id = waiting(engine)
    other = (CargoLine("1230", 20_000),)
    outcomes = race(
        engine,
        lambda s: visits.step(s, visit_id, VisitStep.ADMIT, THEN, GUARD, HERE).id,
        lambda s: cargo.correct(s, visit_id, LoadState.LOADED, other, THEN, GUARD, HERE).id,
    )
    assert won(outcomes)
    with transaction(engine) as session:
        visit = session.get_one(Visit, visit_id)
        load = lots.load_of(session, session.get_one(Booking, visit.booking_id))
        if visit.state == VisitState.ADMITTED and len(won(outcomes)) == 1:
            assert load.hazards == ("3",) and words(outcomes) == {Refusal.BOOKING_STATE}
        else:
            assert load.hazards == ("3", "6.1")


def test_a_row_answered_by_two_counts_as_the_one_who_came_last_and_both_stand_on_record(engine):
    visit_id = waiting(engine, checklist_required=True)
    bad = Answer(CheckResult.FAIL, None, "渗漏")
    outcomes = race(
        engine,
        *(
            lambda s, a=a: checklist.answer(s, visit_id, "V9", a, THEN, GUARD, HERE).id
            for a in (Answer(CheckResult.PASS), bad, Answer(CheckResult.PASS), bad)
        ),
    )
    assert len(won(outcomes)) == 4
    with transaction(engine) as session:
        last = session.scalars(select(CheckAnswer).order_by(CheckAnswer.id.desc()).limit(1)).one()
        line = next(x for x in lists.of_visit(session, visit_id, THEN).lines if x.row.code == "V9")
        assert line.answer is not None and line.answer.result == last.result


def test_a_row_set_aside_by_three_in_one_instant_is_set_aside_once(engine):
    visit_id = waiting(engine, checklist_required=True)
    late = THEN + hours(1)
    with transaction(engine) as session:
        number = overrides.ask_check(session, visit_id, "V8", "终端送修", late, STAFF, HERE).id
        overrides.answer(session, number, True, "同意", late, "supervisor:wu", HERE)
    outcomes = race(engine, *[lambda s: overrides.use(s, number, late, STAFF, HERE)] * 3)
    assert len(won(outcomes)) == 1 and words(outcomes) == {Refusal.OVERRIDE_OVER}
    with transaction(engine) as session:
        assert session.get_one(Override, number).state == "spent"


def test_a_window_over_midnight_is_one_stay(engine):
    """21:30 to 02:30 in the park: the paper must last until the day of leaving."""
    begins, ends = NOW + hours(13.5), NOW + hours(18.5)  # NOW is 08:00 in the park
    with transaction(engine) as session:
        lot(session)
        over = form(window_start=begins, window_end=ends)
        today, tomorrow = begins.date(), ends.date()
        assert today == tomorrow, "by the clock of Greenwich it is one day, in the park it is two"
        with pytest.raises(Exception, match="document_expires"):
            bookings.request(session, replace(over, documents={"insurance": today}), NOW, DRIVER, HERE)
        made = bookings.request(session, over, NOW, DRIVER, HERE)
        assert made.window_end - made.window_start == hours(5)
