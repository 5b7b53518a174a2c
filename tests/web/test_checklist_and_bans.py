"""The guard answers the checklist on the page; the blacklist stops a booking, and can be appealed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from parking.db import transaction
from parking.models import Ban, Booking, CheckAnswer, CheckRow, Override, ParkRow, Violation, Visit, Watch
from parking.services import checklist, restraints, terminals, visits
from parking.vocabulary import BookingState, VisitState
from tests.factories import HERE, held, hours
from tests.visitors import Site, booking_fields, hidden, text
from web.gates import signature

pytestmark = pytest.mark.servers
DATED = ("V2", "V3", "V4", "P1", "P2", "D5")
PLAIN = ("V1", "V5", "V6", "V7", "V8", "V9", "V10", "P3", "P4", "D1", "D2", "D4", "D6")


def now():
    return datetime.now(UTC)


@pytest.fixture
def arrived(site: Site):
    """A loaded petrol truck at the gate of a park that asks for its checklist: (booking, visit) ids."""
    with transaction(site.engine) as session:
        park = session.scalars(select(ParkRow)).one()
        park.settings = {**park.settings, "policy": {**park.settings["policy"], "checklist_required": True}}
        checklist.ensure(session, park.id)
        start = now() - timedelta(minutes=5)
        made = held(session, "B01", now=start, window_start=start, window_end=now() + hours(3))
        visit = visits.check_in(session, made.id, now(), "guard:zhao", HERE)
        session.add(Watch(vehicle_id=visit.vehicle_id, state={}, last_time=now()))  # its terminal is heard
        return made.id, visit.id


def state(site: Site, visit_id: int) -> str:
    with transaction(site.engine) as session:
        return session.get_one(Visit, visit_id).state


def answer(who, booking_id: int, code: str, result: str = "pass", **more: str):
    page = f"/gate/{booking_id}/checklist"
    until = (now() + timedelta(days=90)).date().isoformat() if code in DATED else ""
    return who.send(page, page=page, code=code, result=result, **{"valid_until": until, **more})


def test_no_entry_without_the_list_and_every_answer_is_kept(site: Site, arrived):
    booking_id, visit_id = arrived
    zhao, page = site.signed_in("guard"), f"/gate/{arrived[0]}"
    assert zhao.send(f"{page}/step", page=page, step="admit").status_code == 422
    for code in (*DATED, *PLAIN):
        assert answer(zhao, booking_id, code).status_code == 303, code
    assert zhao.send(f"{page}/checklist/finish", page=f"{page}/checklist").status_code == 303
    assert state(site, visit_id) == VisitState.INSPECTED
    assert zhao.send(f"{page}/step", page=page, step="admit").status_code == 303
    with transaction(site.engine) as session:
        given = session.scalars(select(CheckAnswer)).all()
        assert len([a for a in given if a.by != "system"]) == len(DATED) + len(PLAIN)
        assert len([a for a in given if a.by == "system"]) == 2, "the product put its own answers beside"


def test_an_open_list_is_not_finished_and_a_wrong_answer_says_why(site: Site, arrived):
    booking_id, _ = arrived
    zhao = site.signed_in("guard")
    assert "有效期" in text(answer(zhao, booking_id, "V4", valid_until=""))
    assert answer(zhao, booking_id, "V9", result="not_applicable").status_code == 422
    assert answer(zhao, booking_id, "V10", result="fail").status_code == 422
    assert answer(zhao, booking_id, "D3").status_code == 422, "petrol is not asked for a toxic permit"
    page = f"/gate/{booking_id}/checklist"
    assert zhao.send(f"{page}/finish", page=page).status_code == 422


@pytest.mark.parametrize(
    ("code", "wanted"), [("V9", VisitState.ISOLATED), ("V6", VisitState.REFUSED), ("V10", VisitState.ARRIVED)]
)
def test_a_failure_leads_where_its_row_says(site: Site, arrived, code, wanted):
    booking_id, visit_id = arrived
    zhao, page = site.signed_in("guard"), f"/gate/{booking_id}/checklist"
    for one in (*DATED, *PLAIN):
        result = {"result": "fail", "remark": "不合格"} if one == code else {}
        assert answer(zhao, booking_id, one, **result).status_code == 303
    assert zhao.send(f"{page}/finish", page=page).status_code == 303
    assert state(site, visit_id) == wanted
    with transaction(site.engine) as session:
        held_back = restraints.standing(session, visit_id)
    assert len(held_back) == (1 if wanted == VisitState.ARRIVED else 0)


def test_what_the_product_found_is_shown_and_only_two_persons_set_it_aside(site: Site, arrived):
    booking_id, visit_id = arrived
    with transaction(site.engine) as session:
        session.get_one(Watch, session.get_one(Visit, visit_id).vehicle_id).last_time = now() - hours(1)
    zhao, li, wu = site.signed_in("guard"), site.signed_in("dispatcher"), site.signed_in("supervisor")
    page = f"/gate/{booking_id}/checklist"
    shown = text(zhao.get(page))
    assert "系统判定" in shown and "不在黑名单，无未处理违规" in shown and "已超过 5 分钟" in shown
    assert answer(zhao, booking_id, "V8").status_code == 422
    assert answer(zhao, booking_id, "V8", result="not_applicable").status_code == 422
    asked = {"visit_id": str(visit_id), "code": "V8", "reason": "终端送修，人工押送"}
    assert zhao.send("/overrides/check", page=page, **asked).status_code == 403
    assert li.send("/overrides/check", page=page, **asked).status_code == 303
    with transaction(site.engine) as session:
        number = session.scalars(select(Override.id)).one()
    assert "查验项 V8" in text(wu.get("/overrides"))
    answered = {"grant": "1", "answer": "同意"}
    assert wu.send(f"/overrides/{number}/answer", page="/overrides", **answered).status_code == 303
    assert answer(zhao, booking_id, "V8").status_code == 422, "granted is not used yet"
    assert li.send(f"/overrides/{number}/use", page="/overrides").status_code == 303
    assert answer(zhao, booking_id, "V8").status_code == 303
    assert "已双人放行" in text(zhao.get(page))


def test_a_paper_that_ends_before_the_stay_fails_its_row(site: Site, arrived):
    booking_id, visit_id = arrived
    zhao, page = site.signed_in("guard"), f"/gate/{booking_id}/checklist"
    yesterday = (now() - timedelta(days=1)).date().isoformat()
    for one in (*DATED, *PLAIN):
        more = {"valid_until": yesterday} if one == "V4" else {}
        assert answer(zhao, booking_id, one, **more).status_code == 303
    assert zhao.send(f"{page}/finish", page=page).status_code == 303
    assert state(site, visit_id) == VisitState.REFUSED


def test_the_park_edits_its_own_list(site: Site, arrived):
    chief, page = site.signed_in("admin"), "/admin/checklist"
    row = {"code": "V10", "text_zh": "灭火器两只", "text_en": "Two extinguishers", "on_fail": "refuse"}
    assert chief.send(page, page=page, **row, active="1", position="1").status_code == 303
    assert chief.send(page, page=page, **{**row, "text_zh": " "}, position="1").status_code == 422
    v8 = {"code": "V8", "text_zh": "定位在线", "text_en": "On line", "on_fail": "hold", "active": "1"}
    assert chief.send(page, page=page, **v8, position="9", by_itself="1").status_code == 303
    assert "由系统判定" in text(chief.get(page))
    with transaction(site.engine) as session:
        assert session.scalars(select(CheckRow.self_check).where(CheckRow.code == "V8")).one()
    assert chief.send(page, page=page, **v8, position="9").status_code == 303
    with transaction(site.engine) as session:
        assert session.scalars(select(CheckRow.self_check).where(CheckRow.code == "V8")).one() is None
    shown = text(site.signed_in("guard").get(f"/gate/{arrived[0]}/checklist"))
    assert "灭火器两只" in shown


def test_the_blacklist_suspends_refuses_and_can_be_appealed(site: Site):
    with transaction(site.engine) as session:
        start = now() + timedelta(minutes=20)
        made = held(session, "B01", now=now(), window_start=start, window_end=start + hours(3))
        plate, code, booking_id = made.plate, made.code, made.id
    wu = site.signed_in("supervisor")
    entry = {"subject": "plate", "name": f" {plate.lower()}", "reason": "园区内多次违停", "days": "365"}
    assert wu.send("/blacklist", page="/blacklist", **{**entry, "days": "0"}).status_code == 422
    assert wu.send("/blacklist", page="/blacklist", **entry).status_code == 303
    with transaction(site.engine) as session:
        assert session.get_one(Booking, booking_id).state == BookingState.SUSPENDED
        ban_id = session.scalars(select(Ban.id)).one()
    again = site.visitor().send("/book", **booking_fields(plate=plate))
    assert again.status_code == 422 and "黑名单" in text(again)
    with site.app.app_context():
        key = signature(code)
    driver, link = site.visitor(), f"/b/{code}?k={key}"
    assert (
        driver.send(f"/b/{code}/appeal", page=link, k=key, text="当时车辆故障，有救援记录").status_code == 303
    )
    assert "当时车辆故障" in text(wu.get("/blacklist"))
    done = wu.send(f"/blacklist/{ban_id}", page="/blacklist", act="grant", remark="记录属实")
    assert done.status_code == 303
    assert site.visitor().send("/book", **booking_fields(plate=plate, waybill_no="YD-NEW")).status_code in (
        303,
        422,
    )
    with transaction(site.engine) as session:
        assert session.get_one(Ban, ban_id).lifted_at is not None


def test_a_ban_is_proposed_by_rule_and_decided_by_a_person(site: Site):
    def offend(plate: str, times: int) -> None:
        with transaction(site.engine) as session:
            vehicle_id = terminals.vehicle_of(session, plate, 2, now())
            for n in range(times):
                session.add(
                    Violation(
                        vehicle_id=vehicle_id, kind="illegal_stop", subject="x", certainty="certain",
                        facts={}, started_at=now() - timedelta(hours=n), seen_at=now(), state="acknowledged",
                    )
                )  # fmt: skip

    offend("晋M00003", 3)
    offend("晋M00002", 2)
    wu, page = site.signed_in("supervisor"), "/blacklist"
    shown = text(wu.get(page))
    assert "晋M00003" in shown and "晋M00002" not in shown
    last = hidden(wu.get(page), "violation")
    said = {"plate": "晋M00003", "violation": last, "days": "365"}
    proposal = f"{page}/proposal"
    assert wu.send(proposal, page=page, **said, act="spare", remark=" ").status_code == 422
    unknown = {**said, "violation": "99", "act": "ban", "remark": "x"}
    assert wu.send(proposal, page=page, **unknown).status_code == 422
    assert wu.send(proposal, page=page, **said, act="spare", remark="车辆故障").status_code == 303
    assert "晋M00003" not in text(wu.get(page))
    offend("晋M00003", 1)
    last = hidden(wu.get(page), "violation")
    said = {**said, "violation": last, "remark": "再犯"}
    assert wu.send(proposal, page=page, **said, act="ban").status_code == 303
    with transaction(site.engine) as session:
        made = session.scalars(select(Ban)).one()
        assert (made.name, made.violation_id, made.reason) == ("晋M00003", int(last), "再犯")
    assert "建议列入" not in text(wu.get(page))
