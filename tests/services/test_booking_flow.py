"""From a form to a bay to the exit, on a real database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import func, select

from parking.models import Audit, Booking, Hold, Letter, Visit, Watch
from parking.queries import lot as lots
from parking.refused import Refused
from parking.rules.admission import CargoLine
from parking.services import bays, bookings, cargo, visits
from parking.vocabulary import BookingState, HoldState, LoadState, Refusal, VisitState, VisitStep
from tests.factories import DRIVER, HERE, NOW, STAFF, booked, form, held, hours, lot, parked, walk

pytestmark = pytest.mark.servers


def words(error: pytest.ExceptionInfo[Refused]) -> set[str]:
    return {r.word for r in error.value.reasons}


def letters(session, name):
    return session.scalar(select(func.count()).select_from(Letter).where(Letter.name == name))


def live_hold(session, booking):
    return session.scalar(select(Hold).where(Hold.booking_id == booking.id, Hold.state != "released"))


def test_a_form_becomes_a_booking_with_news_and_a_trace(session):
    lot(session)
    made = booked(session, plate="晋m·O1234")
    assert (made.state, made.plate, made.hazard_class, len(made.code)) == (
        "enterprise_approved",
        "晋M01234",
        "3",
        8,
    )
    assert letters(session, "booking_submitted") == 1
    assert session.scalar(select(Audit.action).where(Audit.subject_id == made.id)) == "request"


def test_a_refusal_says_every_reason_at_once_and_writes_nothing(session):
    lot(session)
    with pytest.raises(Refused) as no:
        booked(session, plate="??", driver_phone="12", un_number="9999", mass_kg=60_000, escort_name="王师傅")
    assert words(no) == {
        Refusal.PLATE_MALFORMED,
        Refusal.PHONE_MALFORMED,
        Refusal.UN_NUMBER_UNKNOWN,
        Refusal.MASS_TOO_LARGE,
        Refusal.DRIVER_IS_ESCORT,
    }
    assert session.scalar(select(func.count()).select_from(Booking)) == 0


@pytest.mark.parametrize("un_number", ["0081", "2912"])
def test_explosives_and_radioactives_never_get_in(session, un_number):
    lot(session)
    with pytest.raises(Refused) as no:
        booked(session, un_number=un_number)
    assert words(no) == {Refusal.CLASS_NOT_ACCEPTED}


def test_the_same_form_sent_twice_is_one_booking(session):
    lot(session)
    sent = form(idempotency_key="k1")
    first, second = (bookings.request(session, sent, NOW, DRIVER, HERE) for _ in range(2))
    assert first.id == second.id
    assert letters(session, "booking_submitted") == 1


def test_the_same_key_under_another_form_is_judged_as_another_form(session):
    lot(session)
    first = bookings.request(session, form(idempotency_key="k1"), NOW, DRIVER, HERE)
    second = bookings.request(session, form(idempotency_key="k1"), NOW, DRIVER, HERE)
    assert first.id != second.id


def test_a_waybill_serves_once_and_a_plate_is_not_in_two_places(session):
    lot(session)
    sent = form()
    bookings.request(session, sent, NOW, DRIVER, HERE)
    with pytest.raises(Refused) as no:
        bookings.request(session, sent, NOW, DRIVER, HERE)
    assert words(no) == {Refusal.WAYBILL_USED, Refusal.ALREADY_BOOKED}


def test_a_driver_never_learns_anothers_code_staff_do(session):
    lot(session)
    sent = form()
    code = bookings.request(session, sent, NOW, DRIVER, HERE).code
    for actor, shown in ((DRIVER, "…" + code[-3:]), (STAFF, code)):
        with pytest.raises(Refused) as no:
            bookings.request(session, sent, NOW, actor, HERE)
        assert {r.facts["code"] for r in no.value.reasons} == {shown}


def test_a_cancelled_booking_gives_back_waybill_plate_and_bay(session):
    lot(session)
    sent = form()
    first = bookings.request(session, sent, NOW, DRIVER, HERE)
    bays.assign(session, first.id, "B01", NOW, STAFF, HERE)
    bookings.cancel(session, first.id, NOW, DRIVER, HERE)
    again = bookings.request(session, sent, NOW, DRIVER, HERE)
    assert bays.assign(session, again.id, "B01", NOW, STAFF, HERE).state == HoldState.HELD


def test_staff_may_take_an_unusual_plate_a_driver_may_not(session):
    lot(session)
    odd = form(plate="使014578", plate_confirmed=True)
    with pytest.raises(Refused) as no:
        bookings.request(session, odd, NOW, DRIVER, HERE)
    assert words(no) == {Refusal.PLATE_MALFORMED}
    assert bookings.request(session, odd, NOW, STAFF, HERE).plate == "使014578"


def test_naive_times_are_refused_not_guessed(session):
    lot(session)
    with pytest.raises(Refused) as no:
        booked(session, window_start=NOW.replace(tzinfo=None), window_end=NOW.replace(hour=9, tzinfo=None))
    assert words(no) == {Refusal.TIME_MALFORMED}
    with pytest.raises(ValueError):
        booked(session, now=NOW.replace(tzinfo=None))


def test_a_hostile_text_is_stored_as_text_and_nul_bytes_fall_away(session):
    lot(session)
    made = booked(session, carrier="${alert(1)}`\x00'; DROP TABLE booking", waybill_no="a\x00b")
    assert (made.carrier, made.waybill_no) == ("${alert(1)}` '; DROP TABLE booking", "A B")


def test_rejecting_needs_a_word_the_driver_can_read(session):
    lot(session)
    made = booked(session)
    with pytest.raises(Refused) as no:
        bookings.reject(session, made.id, "  ", NOW, STAFF, HERE)
    assert words(no) == {Refusal.REMARK_MISSING}
    assert bookings.reject(session, made.id, "罐检过期", NOW, STAFF, HERE).reasons[0]["remark"] == "罐检过期"


def test_who_never_came_is_a_no_show_and_frees_the_bay(session):
    lot(session)
    made, undecided = held(session, "B01"), booked(session)
    assert bookings.sweep(session, made.window_end) == 0
    assert bookings.sweep(session, made.window_end + hours(0.1)) == 2
    assert (made.state, undecided.state) == (BookingState.NO_SHOW, BookingState.EXPIRED)
    assert live_hold(session, made) is None
    assert bookings.sweep(session, made.window_end + hours(0.2)) == 0


def test_a_bay_is_given_once(session):
    lot(session)
    held(session, "B01")
    with pytest.raises(Refused) as no:
        held(session, "B01")
    assert words(no) == {Refusal.BAY_TAKEN}


def test_an_oxidiser_does_not_stand_beside_petrol(session):
    lot(session)
    held(session, "B08")
    with pytest.raises(Refused) as no:
        held(session, "B09", un_number="1942")
    reason = no.value.reasons[0]
    assert (reason.word, reason.facts["neighbour"], reason.facts["distance_m"]) == (
        Refusal.BAY_NEIGHBOUR,
        "B08",
        0.0,
    )
    assert held(session, "F01", un_number="1942")


def test_methanol_stands_beside_methanol_but_not_beside_petrol(session):
    lot(session)
    held(session, "B01", un_number="1230")
    assert held(session, "B02", un_number="1230")
    with pytest.raises(Refused) as no:
        held(session, "B03")
    assert words(no) == {Refusal.BAY_NEIGHBOUR}


def test_an_uncleaned_tank_counts_as_loaded_a_clean_one_as_nothing(session):
    lot(session)
    held(session, "B08", load_state=LoadState.EMPTY_UNCLEANED, mass_kg=0)
    with pytest.raises(Refused) as no:
        held(session, "B09", un_number="1942")
    assert words(no) == {Refusal.BAY_NEIGHBOUR}
    assert held(session, "B11", load_state=LoadState.EMPTY_CLEAN, mass_kg=0, un_number=None)


def test_the_isolation_bay_is_never_given(session):
    lot(session)
    made = booked(session)
    assert "B12" not in {s.bay_code for s in bays.suggest(session, made.id, NOW)}
    with pytest.raises(Refused) as no:
        bays.assign(session, made.id, "B12", NOW, STAFF, HERE)
    assert words(no) == {Refusal.BAY_ISOLATION}


def test_the_best_suggestion_can_be_assigned_and_the_blocked_ones_cannot(session):
    lot(session)
    held(session, "B07", un_number="1942")
    made = booked(session)
    suggestions = bays.suggest(session, made.id, NOW)
    assert suggestions[0].zone == "Z3"
    for blocked in (s for s in suggestions if s.blocked):
        with pytest.raises(Refused) as no:
            bays.assign(session, made.id, blocked.bay_code, NOW, STAFF, HERE)
        assert {r.word for r in blocked.blocked} == words(no)
    assert bays.assign(session, made.id, suggestions[0].bay_code, NOW, STAFF, HERE)


def test_a_booking_moves_to_another_bay_and_leaves_the_first_free(session):
    lot(session)
    made = held(session, "B01")
    bays.assign(session, made.id, "B02", NOW, STAFF, HERE)
    assert held(session, "B01")


def test_the_whole_visit_ends_with_a_free_bay(session):
    lot(session)
    made = parked(session, "B01")
    visit = session.scalar(select(Visit).where(Visit.booking_id == made.id))
    assert live_hold(session, made).state == HoldState.OCCUPIED
    walk(
        session, visit.id, NOW + hours(2), VisitStep.CALL, VisitStep.DEPART_BAY, VisitStep.REACH_DOCK,
        VisitStep.FINISH_WORK, VisitStep.LEAVE_DOCK, VisitStep.CHECK_OUT,
    )  # fmt: skip
    assert (visit.state, visit.exited_at) == (VisitState.EXITED, NOW + hours(2))
    assert live_hold(session, made) is None
    assert letters(session, "visit_moved") == 9


def test_the_bay_stays_taken_while_the_vehicle_is_at_the_dock(session):
    lot(session)
    made = parked(session, "B01")
    visit = session.scalar(select(Visit).where(Visit.booking_id == made.id))
    walk(session, visit.id, NOW + hours(2), VisitStep.CALL, VisitStep.DEPART_BAY, VisitStep.REACH_DOCK)
    with pytest.raises(Refused):
        held(session, "B01", now=NOW + hours(2))


def test_check_in_opens_an_hour_early_and_wants_a_bay(session):
    lot(session)
    made = booked(session, window_start=NOW + hours(3), window_end=NOW + hours(4))
    with pytest.raises(Refused) as no:
        visits.check_in(session, made.id, NOW, DRIVER, HERE)
    assert words(no) == {Refusal.TOO_EARLY, Refusal.BAY_NOT_CONFIRMED}
    bays.assign(session, made.id, "B01", NOW, STAFF, HERE)
    first = visits.check_in(session, made.id, NOW + hours(2), DRIVER, HERE)
    assert visits.check_in(session, made.id, NOW + hours(2), DRIVER, HERE).id == first.id


def test_a_vehicle_cannot_arrive_twice(session):
    lot(session)
    first = parked(session, "B01")
    second = held(session, "B02", plate=first.plate, window_start=NOW + hours(5.1), window_end=NOW + hours(6))
    with pytest.raises(Refused) as no:
        visits.check_in(session, second.id, NOW + hours(5), DRIVER, HERE)
    assert words(no) == {Refusal.VEHICLE_INSIDE}


def test_an_early_vehicle_waits_while_the_one_before_stands_in_its_bay(session):
    lot(session)
    parked(session, "B01")
    after = held(session, "B01", window_start=NOW + hours(5.5), window_end=NOW + hours(8))
    visit = visits.check_in(session, after.id, NOW + hours(4.75), DRIVER, HERE)
    with pytest.raises(Refused) as no:
        walk(session, visit.id, NOW + hours(4.75), VisitStep.ADMIT)
    assert words(no) == {Refusal.BAY_TAKEN}


def test_a_driver_cannot_let_himself_in_nor_free_a_bay_he_may_stand_in(session):
    lot(session)
    made = parked(session, "B01")
    visit = session.scalar(select(Visit).where(Visit.booking_id == made.id))
    with pytest.raises(Refused) as no:
        visits.step(session, visit.id, VisitStep.CHECK_OUT, NOW + hours(2), DRIVER, HERE)
    assert words(no) == {Refusal.STEP_NOT_YOURS}
    visits.step(session, visit.id, VisitStep.DEPART_BAY, NOW + hours(2), DRIVER, HERE)
    visits.step(session, visit.id, VisitStep.CHECK_OUT, NOW + hours(2), DRIVER, HERE)


def test_a_drivers_word_frees_no_bay_while_his_terminal_shows_him_in_one(session):
    lot(session)
    made = parked(session, "B01")
    visit = session.scalar(select(Visit).where(Visit.booking_id == made.id))
    leaving = NOW + hours(2)
    visits.step(session, visit.id, VisitStep.DEPART_BAY, leaving, DRIVER, HERE)
    in_bay = {"lon": 110.92 + 2 / 90_500, "lat": 35.68 + 10 / 111_000}
    session.add(Watch(vehicle_id=visit.vehicle_id, state={}, last_time=leaving, **in_bay))
    with pytest.raises(Refused) as no:
        visits.step(session, visit.id, VisitStep.CHECK_OUT, leaving, DRIVER, HERE)
    assert [(r.word, r.facts["bay"]) for r in no.value.reasons] == [(Refusal.STILL_IN_BAY, "B01")]
    visits.step(session, visit.id, VisitStep.CHECK_OUT, leaving, "guard:wang", HERE)


def test_an_old_position_or_one_on_the_road_contradicts_nobody(session):
    lot(session)
    for bay, seen, east in (("B01", NOW, 2), ("B02", NOW + hours(2), 5_000)):
        made = parked(session, bay)
        visit = session.scalar(select(Visit).where(Visit.booking_id == made.id))
        session.add(
            Watch(
                vehicle_id=visit.vehicle_id, state={}, last_time=seen, lon=110.92 + east / 90_500, lat=35.6801
            )
        )
        visits.step(session, visit.id, VisitStep.DEPART_BAY, NOW + hours(2), DRIVER, HERE)
        visits.step(session, visit.id, VisitStep.CHECK_OUT, NOW + hours(2), DRIVER, HERE)


def test_a_tank_filled_at_the_dock_leaves_it_only_declared_and_with_a_waybill(session):
    lot(session)
    made = parked(session, "B11", load_state=LoadState.EMPTY_CLEAN, mass_kg=0, un_number=None)
    visit = session.scalar(select(Visit).where(Visit.booking_id == made.id))
    later = NOW + hours(2)
    walk(
        session, visit.id, later, VisitStep.CALL, VisitStep.DEPART_BAY, VisitStep.REACH_DOCK,
        VisitStep.FINISH_WORK,
    )  # fmt: skip
    assert lots.load_of(session, made).hazards == ("?",), "what nobody declared is unknown, not harmless"
    with pytest.raises(Refused) as no:
        walk(session, visit.id, later, VisitStep.LEAVE_DOCK)
    assert words(no) == {Refusal.CARGO_UNDECLARED}
    petrol = (CargoLine("1203", 25_000),)
    with pytest.raises(Refused) as no:
        cargo.declare(session, visit.id, LoadState.LOADED, (CargoLine("9999", 1),), "", later, STAFF, HERE)
    assert words(no) == {Refusal.UN_NUMBER_UNKNOWN}
    cargo.declare(session, visit.id, LoadState.LOADED, petrol, "", later, STAFF, HERE)
    with pytest.raises(Refused) as no:
        walk(session, visit.id, later, VisitStep.LEAVE_DOCK)
    assert words(no) == {Refusal.WAYBILL_OUT_MISSING}
    cargo.declare(session, visit.id, LoadState.LOADED, petrol, "YD-OUT-1", later, STAFF, HERE)
    walk(session, visit.id, later, VisitStep.LEAVE_DOCK)
    assert lots.load_of(session, made).hazards == ("3",)
    with pytest.raises(Refused) as no:
        walk(session, visit.id, later, VisitStep.PARK)
    assert words(no) == {Refusal.BAY_CLASS, Refusal.BAY_LOAD_STATE}, "its old bay is for clean, empty ones"
    bays.assign(session, made.id, "B01", later, STAFF, HERE)
    walk(session, visit.id, later, VisitStep.PARK)


def test_a_call_names_a_dock_that_handles_the_class(session):
    lot(session)
    made = parked(session, "B09", un_number="1942")
    visit = session.scalar(select(Visit).where(Visit.booking_id == made.id))
    for dock, word in ((None, "field_missing"), ("D9", "dock_unknown"), ("D1", "dock_class")):
        with pytest.raises(Refused) as no:
            visits.step(session, visit.id, VisitStep.CALL, NOW + hours(2), STAFF, HERE, dock=dock)
        assert words(no) == {word}
    walk(session, visit.id, NOW + hours(2), VisitStep.CALL, dock="D2")
    assert visit.dock == "D2"


def test_a_refused_vehicle_leaves_no_hold_behind(session):
    lot(session)
    made = held(session, "B01")
    visit = visits.check_in(session, made.id, NOW + hours(1), DRIVER, HERE)
    with pytest.raises(Refused) as no:
        visits.step(session, visit.id, VisitStep.REFUSE, NOW + hours(1), "guard:wang", HERE)
    assert words(no) == {Refusal.REMARK_MISSING}
    visits.step(session, visit.id, VisitStep.REFUSE, NOW + hours(1), "guard:wang", HERE, remark="阀门渗漏")
    assert live_hold(session, made) is None


def test_a_bay_out_of_service_sends_its_booking_back_and_takes_nobody(session):
    lot(session)
    made = held(session, "B01")
    bays.set_out_of_service(session, "B01", "路面塌陷", NOW, STAFF, HERE)
    session.refresh(made)
    assert made.state == BookingState.ENTERPRISE_APPROVED
    assert letters(session, "bay_lost") == 1
    with pytest.raises(Refused) as no:
        bays.assign(session, made.id, "B01", NOW, STAFF, HERE)
    assert words(no) == {Refusal.BAY_OUT_OF_SERVICE}
    bays.set_out_of_service(session, "B01", None, NOW, STAFF, HERE)
    assert bays.assign(session, made.id, "B01", NOW, STAFF, HERE)


def test_unknown_things_are_refused_not_crashed_on(session):
    lot(session)
    made = booked(session)
    calls = [
        lambda: bookings.cancel(session, 10**9, NOW, STAFF, HERE),
        lambda: bays.suggest(session, 10**9, NOW),
        lambda: bays.assign(session, made.id, "Z99", NOW, STAFF, HERE),
        lambda: visits.check_in(session, 10**9, NOW, STAFF, HERE),
        lambda: visits.step(session, 10**9, VisitStep.ADMIT, NOW, STAFF, HERE),
    ]
    for call in calls:
        with pytest.raises(Refused):
            call()


def test_a_form_of_extremes_is_refused_not_crashed_on(session):
    lot(session)
    wild = replace(
        form(),
        mass_kg=2**70,
        plate_colour=2**70,
        plate="晋" * 500,
        window_end=datetime.max.replace(tzinfo=NOW.tzinfo),
    )
    with pytest.raises(Refused):
        bookings.request(session, wild, NOW, DRIVER, HERE)
