"""Nobody is believed by phone number alone."""

from datetime import UTC, datetime

from sqlalchemy import select

from parking.models import Audit, Terminal, Vehicle
from parking.services import terminals

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
