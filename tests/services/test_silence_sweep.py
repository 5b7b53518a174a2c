"""A vehicle the park lets in is heard from, or somebody is told: no data is never "all clear"."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from parking.models import Booking, Lot, ParkRow, Violation, Visit
from parking.services import park, silence, terminals, tracking
from parking.services.tracking import TerminalFix
from parking.vocabulary import LoadState, VisitState
from tests import land
from tests.land import START

PHONE = "13900000001"


@pytest.fixture
def loaded(session):
    park.load(session, land.park(), [], START, "test")
    if session.scalar(select(Lot)) is None:
        row = session.scalars(select(ParkRow)).one()
        session.add(Lot(park_id=row.id, code="LOT", name_zh="停车场", name_en="Lot"))
        session.flush()
    return session


def at(seconds):
    return START + timedelta(seconds=seconds)


def inside(session, plate="晋M00001", admitted=0.0):
    """A truck the guard let in ``admitted`` seconds after the start."""
    lot = session.scalars(select(Lot)).first()
    when = at(admitted)
    booking = Booking(
        code=f"C{plate[-5:]}", lot_id=lot.id, plate=plate, plate_colour=2, carrier="c", driver_name="d",
        driver_phone="1", escort_name="e", waybill_no=plate, mass_kg=1, load_state=LoadState.LOADED,
        window_start=when, window_end=when + timedelta(hours=4), state="used", created_at=when,
    )  # fmt: skip
    session.add(booking)
    session.flush()
    vehicle_id = terminals.vehicle_of(session, plate, 2, when)
    session.add(
        Visit(
            booking_id=booking.id,
            vehicle_id=vehicle_id,
            state=VisitState.ADMITTED,
            arrived_at=when,
            admitted_at=when,
        )
    )
    session.flush()
    return vehicle_id


def hear(session, *fixes, plate="晋M00001", now=None):
    terminals.register(session, PHONE, plate, 2, START)
    batch = [TerminalFix(PHONE, int(f.time.timestamp()) % 65536, 0, f) for f in fixes]
    return tracking.take(session, batch, now or fixes[-1].time)


def told(session):
    session.flush()
    rows = session.scalars(select(Violation).where(Violation.kind == "lost_signal").order_by(Violation.id))
    return [(v.started_at, v.ended_at, v.visit_id is not None) for v in rows]


def test_a_truck_let_in_that_was_never_heard_is_told_once(loaded):
    inside(loaded)
    assert silence.sweep(loaded, at(299)) == 0
    assert silence.sweep(loaded, at(301)) == 1
    assert silence.sweep(loaded, at(400)) == 0
    assert told(loaded) == [(START, None, True)]


def test_a_truck_that_fell_silent_outside_the_gate_and_was_let_in_is_told(loaded):
    inside(loaded, admitted=60)
    hear(loaded, land.fix(0, -600, 0, 10))
    assert silence.sweep(loaded, at(355)) == 0
    assert silence.sweep(loaded, at(365)) == 1
    assert told(loaded) == [(at(60), None, True)]


def test_the_first_word_of_a_truck_never_heard_ends_its_silence(loaded):
    inside(loaded)
    silence.sweep(loaded, at(400))
    hear(loaded, land.fix(0, 0, 500, 10))
    assert told(loaded) == [(START, at(500), True)]


def test_a_truck_that_is_heard_is_not_silent(loaded):
    inside(loaded)
    hear(loaded, land.fix(0, -600, 0, 10), land.fix(0, -600, 290, 0))
    assert silence.sweep(loaded, at(400)) == 0


def test_a_stranger_who_falls_silent_inside_is_told_too(loaded):
    hear(loaded, *land.drive([(0, -700), (0, 100)]))
    last = after(loaded)
    assert silence.sweep(loaded, last + timedelta(seconds=200)) == 0
    assert silence.sweep(loaded, last + timedelta(seconds=301)) == 1
    assert silence.sweep(loaded, last + timedelta(seconds=400)) == 0


def test_strangers_are_looked_for_a_tenth_of_the_silence_apart(loaded):
    """The look reads what is remembered of a whole fleet; who was let in is asked about every time."""
    hear(loaded, *land.drive([(0, -700), (0, 100)]))
    last = after(loaded)
    silence._looked.clear()
    assert silence.sweep(loaded, last + timedelta(seconds=290)) == 0
    assert silence.sweep(loaded, last + timedelta(seconds=310)) == 0
    assert silence.sweep(loaded, last + timedelta(seconds=320)) == 1


def test_a_stranger_who_left_may_be_silent(loaded):
    hear(loaded, *land.drive([(0, 100), (0, -700)]))
    assert silence.sweep(loaded, after(loaded) + timedelta(hours=1)) == 0


def after(session):
    from parking.models import Watch

    return session.scalars(select(Watch.last_time)).one()


def test_checking_out_ends_a_silence_nobody_else_would_end(loaded):
    from parking.services import visits
    from parking.vocabulary import VisitStep

    inside(loaded)
    silence.sweep(loaded, at(400))
    visit = loaded.scalars(select(Visit)).one()
    visits.step(loaded, visit.id, VisitStep.CHECK_OUT, at(600), "dispatcher:li", "test")
    assert silence.sweep(loaded, at(700)) == 0
    assert told(loaded) == [(START, at(600), True)]
