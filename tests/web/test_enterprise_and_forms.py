"""The enterprise answers its own bookings; compartments, drafts, walk-ins; trouble at the gate."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from parking.db import transaction
from parking.models import Booking, Cargo, LayerVersion, ParkRow, Visit
from parking.queries import park as parks
from parking.services import bays, staff, visits
from parking.vocabulary import BookingState, Role, VisitState
from tests.factories import HERE, STAFF, held, hours
from tests.visitors import Site, booking_fields, text

pytestmark = pytest.mark.servers


def now():
    return datetime.now(UTC)


@pytest.fixture
def asking(site: Site):
    """The little park with two enterprises, both of which want to be asked."""
    with transaction(site.engine) as session:
        row = session.scalars(select(ParkRow)).one()
        policy = {**row.settings["policy"], "enterprise_approval": True}
        row.settings = {**row.settings, "policy": policy}
        docks = session.scalars(select(LayerVersion).where(LayerVersion.kind == "dock")).all()
        for dock, who in zip(docks, ("焦化厂", "甲醇厂"), strict=True):
            dock.attributes = {**dock.attributes, "enterprise": who}
        for name, who in (("coke", "焦化厂"), ("methanol", "甲醇厂")):
            site.passwords[name] = staff.add(
                session, name, name, Role.ENTERPRISE, now(), "admin:a", HERE, enterprise=who
            )
    parks._cache.clear()
    return site


def booked(site: Site, **more: str) -> Booking:
    answer = site.visitor().send("/book", **booking_fields(**{"enterprise": "焦化厂", **more}))
    assert answer.status_code == 303, text(answer)
    with transaction(site.engine) as session:
        return session.scalars(select(Booking).order_by(Booking.id.desc())).first()


def state_of(site: Site, booking: Booking) -> str:
    with transaction(site.engine) as session:
        return session.get_one(Booking, booking.id).state


def test_only_the_enterprise_that_is_asked_sees_and_answers_a_booking(asking: Site):
    made = booked(asking)
    assert made.state == BookingState.SUBMITTED
    coke, other = asking.signed_in("coke"), asking.signed_in("methanol")
    assert made.plate in text(coke.get("/enterprise"))
    assert made.plate not in text(other.get("/enterprise"))
    assert other.get(f"/enterprise/{made.id}").status_code == 404
    step = f"/enterprise/{made.id}/step"
    refused = other.send(step, page="/password", step="enterprise_approve")
    assert refused.status_code == 404
    assert state_of(asking, made) == BookingState.SUBMITTED
    assert coke.send(step, page=f"/enterprise/{made.id}", step="enterprise_approve").status_code == 303
    assert state_of(asking, made) == BookingState.ENTERPRISE_APPROVED
    again = coke.send(step, page="/password", step="reject", remark="晚了")
    assert again.status_code == 422, "once it has agreed it is the park's business"
    assert made.plate in text(asking.signed_in("dispatcher").get("/board"))


def test_a_returned_booking_is_mended_with_its_reason_in_sight(asking: Site):
    made = booked(asking)
    coke, driver = asking.signed_in("coke"), asking.visitor()
    page = f"/enterprise/{made.id}"
    assert coke.send(f"{page}/step", page=page, step="return", remark=" ").status_code == 422
    assert coke.send(f"{page}/step", page=page, step="return", remark="数量不符").status_code == 303
    found = driver.send("/my", plate=made.plate, code=made.code)
    link = driver.get(found.location)
    assert "数量不符" in text(link)
    edit = re.search(r'href="(/b/[^"]+/edit[^"]*)"', link.get_data(as_text=True))[1].replace("&amp;", "&")
    form = driver.get(edit).get_data(as_text=True)
    assert made.waybill_no in form and "数量不符" in form
    key = re.search(r'name="k" value="([^"]+)"', form)[1]
    same = {"plate": made.plate, "waybill_no": made.waybill_no, "k": key}
    fields = booking_fields(enterprise="焦化厂", mass_kg="19000", **same)
    assert driver.send(edit, page=edit, **{**fields, "un_number": "4711"}).status_code == 422
    assert driver.send(edit, page=edit, **fields).status_code == 303
    with transaction(asking.engine) as session:
        again = session.get_one(Booking, made.id)
        assert (again.state, again.mass_kg) == (BookingState.SUBMITTED, 19000)
    assert driver.get(edit).status_code == 404, "what was sent is not edited behind the enterprise's back"


def test_every_compartment_is_on_record_and_a_clash_is_refused(site: Site):
    more = {"un_number": "1203", "mass_kg": "9000", "un_number_2": "3082", "mass_kg_2": "8000"}
    made = booked(site, enterprise="", **more)
    with transaction(site.engine) as session:
        lines = session.execute(
            select(Cargo.un_number, Cargo.mass_kg)
            .where(Cargo.booking_id == made.id)
            .order_by(Cargo.compartment)
        ).all()
    assert [tuple(row) for row in lines] == [("1203", 9000), ("3082", 8000)]
    assert made.mass_kg == 17000
    clash = {**more, "un_number_2": "1942", "waybill_no": "YD-CLASH", "plate": "晋M55555"}
    answer = site.visitor().send("/book", **booking_fields(**clash))
    assert answer.status_code == 422 and "不得同车装运" in text(answer)


def test_papers_must_reach_to_the_day_of_leaving(site: Site):
    yesterday = (now() - timedelta(days=1)).date().isoformat()
    answer = site.visitor().send("/book", **booking_fields(until_tank_inspection=yesterday))
    assert answer.status_code == 422 and "罐体检验有效期至" in text(answer)
    later = (now() + timedelta(days=30)).date().isoformat()
    assert booked(site, enterprise="", until_tank_inspection=later).documents == {"tank_inspection": later}


def test_a_draft_asks_nobody_until_it_is_sent(site: Site):
    driver = site.visitor()
    answer = driver.send("/book", **booking_fields(keep="1", un_number="4711", carrier=""))
    assert answer.status_code == 303, text(answer)
    page = driver.get(answer.location)
    assert "草稿" in text(page)
    with transaction(site.engine) as session:
        assert session.scalars(select(Booking.state)).one() == BookingState.DRAFT


def test_a_truck_without_a_booking_is_entered_at_the_gate_and_asks_like_any_other(asking: Site):
    zhao = asking.signed_in("guard")
    fields = booking_fields(enterprise="焦化厂")
    done = zhao.send("/gate/walk-in", **fields)
    assert done.status_code == 303, text(done)
    with transaction(asking.engine) as session:
        made = session.scalars(select(Booking)).one()
        assert (made.walk_in, made.state) == (True, BookingState.SUBMITTED)


def test_at_the_gate_a_vehicle_is_restrained_corrected_and_isolated(site: Site):
    with transaction(site.engine) as session:
        start = now() - timedelta(minutes=5)
        made = held(session, "B01", now=start, window_start=start, window_end=now() + hours(3))
        visit_id = visits.check_in(session, made.id, now(), "guard:zhao", HERE).id
    zhao, page = site.signed_in("guard"), f"/gate/{made.id}"
    assert zhao.send(f"{page}/restrain", page=page, reason="").status_code == 422
    assert zhao.send(f"{page}/restrain", page=page, reason="轮胎漏气").status_code == 303
    shown = zhao.get(page)
    assert "轮胎漏气" in text(shown)
    number = re.search(r'name="restraint" value="(\d+)"', shown.get_data(as_text=True))[1]
    assert zhao.send(f"{page}/lift", page=page, restraint="999", why="x").status_code == 422
    assert zhao.send(f"{page}/lift", page=page, restraint=number, why="已修好").status_code == 303
    wrong = {"load_state": "loaded", "un_number": "9999", "mass_kg": "5000"}
    assert zhao.send(f"{page}/cargo", page=page, **wrong).status_code == 422
    right = {**wrong, "un_number": "1942"}
    assert zhao.send(f"{page}/cargo", page=page, **right).status_code == 303
    with transaction(site.engine) as session:
        assert session.get_one(Booking, made.id).hazard_class == "5.1"
        bays.assign(session, made.id, "B09", now(), STAFF, HERE)
    done = zhao.send(f"{page}/step", page=page, step="isolate", remark="阀门渗漏")
    assert done.status_code == 303
    with transaction(site.engine) as session:
        assert session.get_one(Visit, visit_id).state == VisitState.ISOLATED
