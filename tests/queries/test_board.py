"""The board tells the truth about every bay, at the same cost however full the lot is."""

from __future__ import annotations

import pytest
from sqlalchemy import event, select

from parking.models import Visit
from parking.queries import board as boards
from parking.queries import bookings as views
from parking.queries.park import NoPark
from parking.services import bays, bookings, visits
from parking.vocabulary import BayState, BookingState, LoadState, VisitState, VisitStep
from tests.factories import DRIVER, HERE, NOW, STAFF, booked, held, hours, lot, parked, walk

pytestmark = pytest.mark.servers


def bay(session, code, now=NOW):
    return next(b for b in boards.board(session, now).bays if b.code == code)


def statements(session, doing):
    seen = []
    listen = lambda *args: seen.append(args[2])  # noqa: E731
    event.listen(session.get_bind(), "before_cursor_execute", listen)
    doing()
    event.remove(session.get_bind(), "before_cursor_execute", listen)
    return len(seen)


def test_an_empty_lot_is_free_but_for_its_isolation_bay(session):
    lot(session)
    counts = boards.board(session, NOW).counts()
    assert counts == {**dict.fromkeys(BayState, 0), BayState.FREE: 12, BayState.ISOLATION: 1}


def test_a_bay_goes_from_free_to_held_to_occupied_to_free(session):
    lot(session)
    made = held(session, "B01")
    assert bay(session, "B01").state is BayState.FREE
    assert [b.id for b in bay(session, "B01").upcoming] == [made.id]
    assert bay(session, "B01", NOW + hours(1)).state is BayState.HELD
    visit = visits.check_in(session, made.id, NOW + hours(1), DRIVER, HERE)
    assert bay(session, "B01", NOW + hours(1)).state is BayState.HELD
    walk(session, visit.id, NOW + hours(1), VisitStep.ADMIT)
    assert bay(session, "B01", NOW + hours(1)).standing
    walk(session, visit.id, NOW + hours(2), VisitStep.PARK)
    assert bay(session, "B01", NOW + hours(99)).state is BayState.OCCUPIED
    walk(session, visit.id, NOW + hours(3), VisitStep.CHECK_OUT)
    assert bay(session, "B01", NOW + hours(3)).state is BayState.FREE


def test_who_stands_there_comes_with_load_driver_and_phone(session):
    lot(session)
    parked(session, "F01", un_number="1017", driver_phone="13911112222")
    there = bay(session, "F01").current
    assert (there.un_number, there.hazard_class, there.subsidiary) == ("1017", "2.3", ("5.1", "8"))
    assert (there.driver_name, there.driver_phone, there.goods("zh")) == ("王师傅", "13911112222", "货1017")
    assert VisitStep.CALL in there.visit.steps and VisitStep.CALL not in there.visit.driver_steps


def test_a_vehicle_is_shown_even_in_a_bay_that_was_closed_under_it(session):
    lot(session)
    parked(session, "B01")
    bays.set_out_of_service(session, "B01", "路面塌陷", NOW + hours(2), STAFF, HERE)
    bays.set_out_of_service(session, "B02", "路面塌陷", NOW + hours(2), STAFF, HERE)
    assert (bay(session, "B01").state, bay(session, "B01").out_of_service) == (BayState.OCCUPIED, "路面塌陷")
    assert bay(session, "B02").state is BayState.OUT_OF_SERVICE


def test_bays_are_drawn_in_degrees_and_in_metres(session):
    lot(session)
    seen = bay(session, "B02")
    assert all(110.9 < lon < 111 and 35.6 < lat < 35.7 for lon, lat in seen.outline)
    assert (min(seen.metres), max(seen.metres)) == ((4.0, 0.0), (8.0, 20.0))
    assert boards.board(session, NOW).extent == (152.0, 20.0)


def test_waiting_approved_and_present_are_three_lists(session):
    lot(session)
    waits, has_bay, stands = booked(session), held(session, "B01"), parked(session, "B02")
    seen = boards.board(session, NOW + hours(1))
    assert [b.id for b in seen.waiting] == [waits.id]
    assert [b.id for b in seen.approved] == [has_bay.id]
    assert [b.id for b in seen.here] == [stands.id]
    assert seen.overdue() == ()
    assert [b.id for b in boards.board(session, NOW + hours(6)).overdue()] == [stands.id]


def test_a_truck_at_the_gate_that_lost_its_bay_waits_again(session):
    lot(session)
    made = held(session, "B01")
    visits.check_in(session, made.id, NOW + hours(1), DRIVER, HERE)
    bays.set_out_of_service(session, "B01", "路面塌陷", NOW + hours(1), STAFF, HERE)
    assert [b.id for b in boards.board(session, NOW + hours(1)).waiting] == [made.id]
    assert [b.id for b in views.waiting(session)] == [made.id]
    bays.assign(session, made.id, "B02", NOW + hours(1), STAFF, HERE)
    visit = session.scalars(select(Visit)).one()
    walk(session, visit.id, NOW + hours(1), VisitStep.ADMIT, VisitStep.PARK)
    assert bay(session, "B02").standing


def test_the_board_costs_three_statements_however_full_the_lot_is(session):
    lot(session)
    empty = statements(session, lambda: boards.board(session, NOW))
    for code in ("B01", "B02", "B03", "B04"):
        parked(session, code)
    for _ in range(6):
        booked(session)
    session.flush()
    assert empty == statements(session, lambda: boards.board(session, NOW)) == 3


def test_a_board_without_a_park_says_so(session):
    with pytest.raises(NoPark):
        boards.board(session, NOW)


def test_a_booking_is_found_by_code_however_typed_by_plate_and_by_waybill(session):
    lot(session)
    made = held(session, "B01")
    for found in (
        views.by_code(session, f" {made.code[:4].lower()} {made.code[4:]}"),
        views.by_id(session, made.id),
        views.find(session, made.plate[2:])[0],
        views.find(session, made.waybill_no)[0],
    ):
        assert (found.id, found.bay_code, found.hold_state, found.visit) == (made.id, "B01", "held", None)
    assert views.by_code(session, "NOSUCH") is None
    assert views.find(session, "%") == []


def test_the_guard_sees_who_is_expected_and_who_is_here(session):
    lot(session)
    soon, later = (
        held(session, "B01"),
        held(session, "B02", window_start=NOW + hours(4), window_end=NOW + hours(6)),
    )
    stands = parked(session, "B03")
    assert [b.id for b in views.expected(session, NOW)] == [soon.id]
    assert {b.id for b in views.expected(session, NOW + hours(3))} == {soon.id, later.id}
    assert [b.id for b in views.here(session)] == [stands.id]


def test_what_is_over_leaves_the_board_but_not_the_books(session):
    lot(session)
    made = booked(session)
    bookings.cancel(session, made.id, NOW, DRIVER, HERE)
    assert boards.board(session, NOW).waiting == ()
    assert views.recent(session)[0].state is BookingState.CANCELLED
    assert views.count_by_state(session)[BookingState.CANCELLED] == 1


def test_a_view_offers_exactly_the_steps_the_service_takes(session):
    lot(session)
    made = parked(session, "B01", load_state=LoadState.EMPTY_UNCLEANED, mass_kg=0)
    assert views.by_id(session, made.id).visit.state is VisitState.PARKED
    assert set(views.by_id(session, made.id).visit.driver_steps) == {VisitStep.DEPART_BAY}
