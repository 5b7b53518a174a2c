"""Who is let in, who is kept out, who is released."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from parking.models import (
    Audit,
    FixRow,
)
from parking.refused import Refused
from parking.services import (
    enrolment,
    terminal_requests,
    terminals,
    tracking,
)
from parking.services.tracking import TerminalFix
from parking.vocabulary import (
    Refusal,
    RequestState,
)
from tests import land
from tests.terminal_stories import NOW, PHONE, WHO, register, waiting, words


def test_a_stranger_asks_a_person_answers_and_he_registers(session, terminal):
    assert [register(session, maker="HAZPK"), register(session, maker="HAZPK")] == [4, 4]
    (request,) = waiting(session)
    assert (request.phone, request.plate, request.times, request.maker) == (
        "13900000009",
        "晋M99999",
        2,
        "HAZPK",
    )
    enrolment.grant(session, request.id, NOW, *WHO)
    assert register(session) == 0 and request.state == RequestState.GRANTED
    with pytest.raises(Refused) as no:
        enrolment.grant(session, request.id, NOW, *WHO)
    assert words(no) == [Refusal.REQUEST_OVER]


def test_who_is_denied_stays_out_also_where_enrolment_is_open_until_let_in_again(session, terminal):
    register(session)
    (request,) = waiting(session)
    with pytest.raises(Refused):
        enrolment.deny(session, request.id, " ", NOW, *WHO)
    enrolment.deny(session, request.id, "不明设备", NOW, *WHO)
    assert register(session, enrolment_="open") == 4
    enrolment.readmit(session, request.id, NOW, *WHO)
    assert register(session, enrolment_="open") == 0


def test_a_stranger_is_not_let_in_for_a_plate_that_has_a_terminal(session, terminal):
    register(session, plate="晋M12345")
    with pytest.raises(Refused) as no:
        enrolment.grant(session, waiting(session)[0].id, NOW, *WHO)
    assert words(no) == [Refusal.PLATE_HAS_TERMINAL]


def test_a_flood_of_strangers_is_kept_within_bounds_and_pushes_out_no_answer(session, terminal, monkeypatch):
    monkeypatch.setattr(terminal_requests, "MOST_WAITING", 5)
    register(session, "13911111111")
    enrolment.deny(session, waiting(session)[0].id, "不明", NOW, *WHO)
    for n in range(12):
        register(session, f"139{n:08d}", f"晋M{n:05d}", NOW + timedelta(seconds=n))
    assert [r.phone for r in waiting(session)] == ["13911111111", *(f"139{n:08d}" for n in range(7, 12))]


def test_a_released_vehicle_takes_a_new_terminal_at_once_and_the_old_code_is_worth_nothing(session, terminal):
    code = terminal.auth_code
    assert register(session, plate="晋M12345", enrolment_="open") == 1
    with pytest.raises(Refused):
        enrolment.release(session, terminal.id, "", NOW, *WHO)
    enrolment.release(session, terminal.id, "换卡", NOW, *WHO, bar=True)
    assert register(session, plate="晋M12345", enrolment_="open") == 0
    assert terminals.authenticate(session, PHONE, code, NOW) is None
    assert register(session, PHONE, "晋M12345", enrolment_="open") == 4, "its number was barred"
    line = session.scalars(select(Audit).where(Audit.action == "released")).one()
    assert line.facts["reason"] == "换卡" and line.actor == "supervisor:li"
    tracking.take(session, [TerminalFix(PHONE, 1, 0, land.fix(0, 0, 0))], NOW)
    assert session.scalars(select(FixRow.mark)).one() == "unbound"


def test_another_device_may_take_a_number_that_was_released(session, terminal):
    assert register(session, PHONE, "晋M12345", enrolment_="open", device_id="B2") == 3
    enrolment.release(session, terminal.id, "换设备", NOW, *WHO)
    assert register(session, PHONE, "晋M12345", enrolment_="open", device_id="B2") == 0
