"""Nobody is believed by phone number alone."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from parking.db import transaction
from parking.models import Audit, Terminal, Vehicle
from parking.queries import journeys
from parking.services import terminals, visits
from tests import factories

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)


def register(session, phone="013912345678", plate="晋M12345", colour=2, **more):
    return terminals.register(session, phone, plate, colour, NOW, **more)


def test_the_code_we_issued_lets_the_terminal_in(session):
    answer = register(session)
    assert answer.result == 0
    assert terminals.authenticate(session, "013912345678", answer.auth_code, NOW) is not None


def test_any_other_code_does_not(session):
    register(session)
    for code in ("", "013912345678", "0" * 16, "终端"):
        assert terminals.authenticate(session, "013912345678", code, NOW) is None


def test_a_code_belongs_to_one_phone(session):
    register(session, phone="013900000001", plate="晋M00001")
    other = register(session, phone="013900000002", plate="晋M00002")
    assert terminals.authenticate(session, "013900000001", other.auth_code, NOW) is None


def test_leading_zeros_do_not_make_another_terminal(session):
    first = register(session, phone="013912345678")
    again = register(session, phone="00000000013912345678")
    assert first == again
    assert len(session.scalars(select(Terminal)).all()) == 1


def test_a_terminal_may_not_move_to_another_plate_by_itself(session):
    register(session, plate="晋M12345")
    answer = register(session, plate="晋M99999")
    assert (answer.result, answer.auth_code) == (3, None)
    terminal = session.scalars(select(Terminal)).one()
    vehicle = session.get(Vehicle, terminal.vehicle_id)
    session.flush()
    assert vehicle.plate == "晋M12345"
    assert "register_refused" in {a.action for a in session.scalars(select(Audit))}


def test_a_park_that_enrols_only_known_terminals_refuses_strangers(session):
    assert register(session, enrolment="known").result == 4
    assert session.scalars(select(Terminal)).all() == []


def test_a_terminal_without_a_plate_stays_unbound(session):
    assert register(session, plate="LVBV3ABC1KE000001", colour=0).result == 0
    assert session.scalars(select(Terminal)).one().vehicle_id is None


def test_another_phone_may_not_speak_for_a_vehicle_that_has_a_terminal(session):
    register(session, phone="013900000001")
    impostor = register(session, phone="013900000666")
    assert (impostor.result, impostor.auth_code) == (1, None)
    assert len(session.scalars(select(Terminal)).all()) == 1


def test_after_a_day_of_silence_a_new_terminal_may(session):
    register(session, phone="013900000001")
    later = NOW + terminals.FORGOTTEN + timedelta(minutes=1)
    assert terminals.register(session, "013900000002", "晋M12345", 2, later).result == 0


def test_another_device_does_not_get_the_code_by_knowing_phone_and_plate(session):
    register(session, device_id="A000001")
    assert register(session, device_id="A000001").auth_code
    for other in ("B000002", "", None):
        thief = register(session, device_id=other)
        assert (thief.result, thief.auth_code) == (3, None)
    assert register(session, device_id="A000001").auth_code


def test_of_two_terminals_that_claim_one_booked_truck_at_the_same_instant_one_speaks_for_it(engine):
    for n in range(10):
        with transaction(engine) as session:
            terminals.vehicle_of(session, f"晋M{n:05d}", 2, NOW)
        together, results = threading.Barrier(2), []

        def claim(phone, plate=f"晋M{n:05d}", together=together, results=results):
            together.wait()
            with transaction(engine) as session:
                results.append(terminals.register(session, phone, plate, 2, NOW).result)

        claiming = [threading.Thread(target=claim, args=(f"139{n:04d}{k}",)) for k in "12"]
        for one in claiming:
            one.start()
        for one in claiming:
            one.join()
        assert sorted(results) == [0, 1]


@pytest.mark.parametrize("written", ["晋m12345", " 晋M 12345", "晋Ｍ１２３４５", "晋M·12345", "晋MI2345"])
def test_a_truck_is_the_same_however_its_terminal_writes_the_plate(session, written):
    register(session, plate=written)
    assert [v.plate for v in session.scalars(select(Vehicle))] == ["晋M12345"]


@pytest.mark.parametrize("unusable", ["", "---", "\ufdfa\ufdfa"])
def test_a_plate_that_says_nothing_is_no_vehicle(session, unusable):
    assert register(session, plate=unusable).result == 2
    assert session.scalars(select(Terminal)).all() == []


@pytest.mark.parametrize("first", ["terminal", "visit"])
def test_a_booked_truck_is_booked_whatever_colour_its_terminal_names(session, first):
    factories.lot(session)
    when = NOW + timedelta(hours=1)
    if first == "terminal":
        terminals.register(session, "013900000001", "晋M12345", 93, NOW)
    booking = factories.held(session, "B01", plate="晋M12345", plate_colour=2)
    visit = visits.check_in(session, booking.id, when, "dispatcher:li", "test")
    terminals.register(session, "013900000001", "晋M12345", 93, NOW)
    vehicle_id = session.scalars(select(Terminal.vehicle_id)).one()
    assert vehicle_id == visit.vehicle_id
    assert journeys.of_vehicles(session, [vehicle_id], when, when)[vehicle_id](when).booking_id == booking.id
