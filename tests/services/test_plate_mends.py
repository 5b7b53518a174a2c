"""Another truck than the booked one stands at the gate: seen, written down, and looked at anew."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from parking.models import Audit, Booking, CheckAnswer, Vehicle, Visit
from parking.refused import Refused
from parking.services import bans, plate_mends, visits
from parking.vocabulary import BanSubject, BookingState, Refusal, VisitState, VisitStep
from tests.factories import DRIVER, HERE, NOW, STAFF, booked, held, hours, lot, parked, walk

pytestmark = pytest.mark.servers
SEEN = "晋M77777"


def at_gate(session) -> tuple[Booking, Visit]:
    made = held(session, "B01")
    return made, visits.check_in(session, made.id, made.window_start, DRIVER, HERE)


def words(refused):
    return [r.word for r in refused.value.reasons]


def mend(session, booking, plate=SEEN, colour=2, why="换车", actor=STAFF, at=None):
    return plate_mends.mend(session, booking.id, plate, colour, why, at or NOW + hours(1), actor, HERE)


def test_the_visit_follows_the_truck_that_is_really_there_and_begins_again(session):
    lot(session)
    booking, visit = at_gate(session)
    walk(session, visit.id, booking.window_start, VisitStep.INSPECT)
    old = booking.plate
    mend(session, booking, " 晋m·77777 ")
    assert (booking.plate, visit.state, visit.inspected_at) == (SEEN, VisitState.ARRIVED, None)
    assert session.get_one(Vehicle, visit.vehicle_id).plate == SEEN
    assert session.scalars(select(CheckAnswer).where(CheckAnswer.visit_id == visit.id)).all() == []
    line = session.scalars(select(Audit).where(Audit.action == "plate_mended")).one()
    assert (line.facts["before"], line.facts["plate"], line.facts["remark"]) == (old, SEEN, "换车")


def test_the_papers_and_the_size_of_the_other_truck_are_not_this_ones(session):
    lot(session)
    booking, _ = at_gate(session)
    booking.documents = {"tank_inspection": "2027-01-01", "driver_qualification": "2027-02-02"}
    booking.length_m, booking.width_m, booking.height_m = 12.0, 2.5, 4.0
    session.flush()
    mend(session, booking)
    assert booking.documents == {"driver_qualification": "2027-02-02"}
    assert (booking.length_m, booking.width_m, booking.height_m) == (None, None, None)


def test_before_it_comes_a_booking_can_be_put_right_too(session):
    lot(session)
    booking = booked(session)
    assert mend(session, booking).plate == SEEN and booking.state == BookingState.ENTERPRISE_APPROVED


@pytest.mark.parametrize(
    "change, word",
    [
        ({"plate": "SOMETHING"}, Refusal.PLATE_MALFORMED),
        ({"colour": 77}, Refusal.CHOICE_UNKNOWN),
        ({"colour": -1}, Refusal.CHOICE_UNKNOWN),
        ({"why": "  "}, Refusal.REMARK_MISSING),
        ({"actor": DRIVER}, Refusal.PLATE_NOT_YOURS),
    ],
)
def test_what_is_not_right_is_refused_and_changes_nothing(session, change, word):
    lot(session)
    booking, _ = at_gate(session)
    before = booking.plate
    with pytest.raises(Refused) as refused:
        mend(session, booking, **change)
    assert words(refused) == [word] and booking.plate == before


def test_the_booked_plate_itself_is_no_other_one(session):
    lot(session)
    booking, _ = at_gate(session)
    with pytest.raises(Refused) as refused:
        mend(session, booking, booking.plate)
    assert words(refused) == [Refusal.PLATE_SAME]


def test_once_inside_it_is_too_late(session):
    lot(session)
    booking = parked(session, "B01")
    with pytest.raises(Refused) as refused:
        mend(session, booking)
    assert words(refused) == [Refusal.PLATE_TOO_LATE]


def test_a_banned_truck_does_not_come_in_under_another_ones_booking(session):
    lot(session)
    booking, _ = at_gate(session)
    bans.ban(session, BanSubject.PLATE, SEEN, "乱停", 30, NOW, STAFF, HERE)
    with pytest.raises(Refused) as refused:
        mend(session, booking)
    assert words(refused) == [Refusal.BANNED]


def test_one_truck_is_not_here_twice_nor_booked_twice_for_one_time(session):
    lot(session)
    booking, _ = at_gate(session)
    inside, other = parked(session, "B03"), booked(session)
    for plate, word in ((inside.plate, Refusal.VEHICLE_INSIDE), (other.plate, Refusal.ALREADY_BOOKED)):
        with pytest.raises(Refused) as refused:
            mend(session, booking, plate)
        assert words(refused) == [word]
