"""The guard finds, checks in, admits, refuses and lets out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from parking.db import transaction
from parking.models import Audit, Booking, Visit
from parking.vocabulary import VisitState, VisitStep
from tests.factories import booked, held, hours
from tests.visitors import Site, text


@pytest.fixture
def expected(site: Site) -> Booking:
    now = datetime.now(UTC)
    with transaction(site.engine) as session:
        return held(session, "B01", now, window_start=now + hours(0.2), window_end=now + hours(4))


def _state(site: Site) -> str:
    with transaction(site.engine) as session:
        return session.scalars(select(Visit.state)).one()


def test_the_guard_takes_a_vehicle_from_the_road_to_the_exit(site: Site, expected: Booking):
    guard, page = site.signed_in("guard"), f"/gate/{expected.id}"
    assert expected.plate in text(guard.get("/gate"))
    for step, state in [
        ("check_in", VisitState.ARRIVED),
        ("admit", VisitState.ADMITTED),
        ("park", VisitState.PARKED),
        ("check_out", VisitState.EXITED),
    ]:
        assert guard.send(f"{page}/step", page=page, step=step).status_code == 303
        assert _state(site) == state
    with transaction(site.engine) as session:
        actors = set(session.scalars(select(Audit.actor).where(Audit.subject == "visit")))
    assert actors == {"guard:guard"}


def test_a_refusal_at_the_gate_needs_its_reason_and_the_driver_reads_it(site: Site, expected: Booking):
    guard, page = site.signed_in("guard"), f"/gate/{expected.id}"
    guard.send(f"{page}/step", page=page, step="check_in")
    silent = guard.send(f"{page}/step", page=page, step="refuse", remark="  ")
    assert silent.status_code == 422
    assert _state(site) == VisitState.ARRIVED
    assert guard.send(f"{page}/step", page=page, step="refuse", remark="罐体<b>泄漏</b>").status_code == 303
    shown = guard.get(page).get_data(as_text=True)
    assert "罐体&lt;b&gt;泄漏" in shown


def test_a_step_out_of_turn_is_refused_with_the_reason(site: Site, expected: Booking):
    guard, page = site.signed_in("guard"), f"/gate/{expected.id}"
    answer = guard.send(f"{page}/step", page=page, step="admit")
    assert answer.status_code == 422
    assert "放行" in text(answer)


def test_calling_forward_is_not_done_at_the_gate(site: Site, expected: Booking):
    guard, page = site.signed_in("guard"), f"/gate/{expected.id}"
    answer = guard.send(f"{page}/step", page=page, step=VisitStep.CALL.value)
    assert answer.status_code == 400


@pytest.mark.parametrize("how", ["plate", "part", "code", "lower", "waybill"])
def test_a_vehicle_is_found_by_plate_code_or_waybill(site: Site, expected: Booking, how: str):
    asked = {
        "plate": expected.plate,
        "part": expected.plate[2:],
        "code": expected.code,
        "lower": expected.code.lower(),
        "waybill": expected.waybill_no,
    }[how]
    answer = site.signed_in("guard").get("/gate", query_string={"q": asked}, follow_redirects=True)
    assert expected.code in text(answer)
    assert expected.driver_name in text(answer)


def test_a_vehicle_without_a_booking_is_named_as_such(site: Site):
    answer = site.signed_in("guard").get("/gate?q=<script>alert(1)</script>%00")
    assert "未预约的车辆不得入园" in text(answer)
    assert "<script>alert" not in answer.get_data(as_text=True)


def test_a_booking_without_a_bay_may_not_check_in_and_the_guard_reads_why(site: Site):
    now = datetime.now(UTC)
    with transaction(site.engine) as session:
        waiting = booked(session, now, window_start=now + hours(0.2), window_end=now + hours(4))
    guard, page = site.signed_in("guard"), f"/gate/{waiting.id}"
    answer = guard.send(f"{page}/step", page=page, step="check_in")
    assert answer.status_code == 422
    assert "泊位" in text(answer)


def test_the_lists_are_sent_again_only_when_something_changed(site: Site, expected: Booking):
    import re

    guard, page = site.signed_in("guard"), f"/gate/{expected.id}"
    found = re.search(r'hx-get="(/gate/lists[^"]+)"', guard.get("/gate").get_data(as_text=True))
    assert found
    poll = found[1].replace("&amp;", "&")
    assert guard.get(poll).status_code == 204
    guard.send(f"{page}/step", page=page, step="check_in")
    assert "已到卡口" in text(guard.get(poll))


def test_a_booking_nobody_made_is_not_found(site: Site):
    assert site.signed_in("guard").get("/gate/999999").status_code == 404
