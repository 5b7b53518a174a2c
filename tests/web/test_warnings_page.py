"""A warning is written down, seen by everybody concerned, and lifted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from parking.db import transaction
from parking.models import ParkRow
from parking.queries import warnings as queries
from parking.services import queue, visits
from tests.factories import HERE, STAFF, held, hours, parked
from tests.visitors import Site, text
from web.gates import signature

pytestmark = pytest.mark.servers
STORM = {"kind": "lightning", "level": "orange", "issuer": "运城市气象台", "original": "未来 6 小时有雷电"}


def link(site: Site, code: str) -> str:
    with site.app.app_context():
        return f"/b/{code}?k={signature(code)}"


def booked_now(site: Site, bay: str, **changes):
    """(id, code) of a booking with a bay whose window has begun."""
    now = datetime.now(UTC)
    with transaction(site.engine) as session:
        made = held(session, bay, now, window_start=now, window_end=now + hours(4), **changes)
        return made.id, made.code


def test_the_dispatcher_writes_it_down_and_everybody_sees_what_is_held_since_when_and_by_whom(site: Site):
    petrol, code = booked_now(site, "B01")
    acid, other = booked_now(site, "B05", un_number="1830")
    li, zhao = site.signed_in("dispatcher"), site.signed_in("guard")
    assert "暂缓入园" not in text(zhao.get("/gate"))
    assert li.send("/warnings", page="/warnings", **STORM).status_code == 303
    for who, page in ((li, "/board"), (zhao, "/gate"), (li, "/warnings"), (zhao, "/warnings")):
        shown = text(who.get(page))
        assert "雷电" in shown and "橙色" in shown and "运城市气象台" in shown, page
        assert "暂缓入园：类别 2.1、2.3、3、4.2、4.3、6.1" in shown, page
        assert "调度员 dispatcher" in shown, page
    assert "未来 6 小时有雷电" in text(zhao.get("/warnings"))
    assert "解除预警" not in text(zhao.get("/warnings")), "the guard sees, others decide"
    assert "因预警暂缓" in text(zhao.get(f"/gate/{petrol}"))
    assert "因预警暂缓" not in text(zhao.get(f"/gate/{acid}"))
    assert "因预警暂缓" in text(site.visitor().get(link(site, code)))
    assert "因预警暂缓" not in text(site.visitor().get(link(site, other)))


def test_the_gate_says_no_with_the_warning_until_it_is_lifted_with_a_word(site: Site):
    petrol, code = booked_now(site, "B01")
    wu, zhao = site.signed_in("supervisor"), site.signed_in("guard")
    wu.send("/warnings", page="/warnings", **STORM)
    refused = zhao.send(f"/gate/{petrol}/step", page=f"/gate/{petrol}", step="check_in")
    assert refused.status_code == 422
    assert "第 3 类货物因预警暂缓：雷电橙色预警，运城市气象台发布" in text(refused)
    with transaction(site.engine) as session:
        (one,) = queries.holding(session, datetime.now(UTC))
    assert wu.send(f"/warnings/{one.id}/lift", page="/warnings", remark="").status_code == 422
    assert wu.send(f"/warnings/{one.id}/lift", page="/warnings", remark="气象台已解除").status_code == 303
    assert "已解除" in text(wu.get("/warnings"))
    taken = zhao.send(f"/gate/{petrol}/step", page=f"/gate/{petrol}", step="check_in")
    assert taken.status_code == 303
    assert "因预警暂缓" not in text(site.visitor().get(link(site, code)))


def test_a_wrong_form_comes_back_as_it_was_typed(site: Site):
    li = site.signed_in("dispatcher")
    past = (datetime.now(UTC) + timedelta(hours=7)).strftime("%Y-%m-%dT%H:%M")  # an hour ago in the park
    answer = li.send("/warnings", page="/warnings", **{**STORM, "until": past, "kind": "frogs"})
    assert answer.status_code == 422
    assert 'value="运城市气象台"' in answer.get_data(as_text=True)
    assert "结束时间早于开始时间" in text(answer)
    nothing = li.send("/warnings", page="/warnings", **{**STORM, "kind": "", "level": "", "original": ""})
    assert "级别：请从列表中选择" in text(nothing), "no level is chosen for the dispatcher"
    assert "预警原文" in text(nothing)
    assert li.send("/warnings", page="/warnings", **{**STORM, "since": "soon"}).status_code == 422


def test_the_bar_and_the_drivers_page_are_quiet_while_nothing_changes(site: Site):
    _, code = booked_now(site, "B01")
    li, address = site.signed_in("dispatcher"), link(site, code).replace("?", "/state?")
    phone = site.visitor()
    version = li.get("/warnings/bar").get_data(as_text=True).split("v=")[1].split("&")[0]
    mine = phone.get(address).get_data(as_text=True).split("v=")[1].split("&")[0]
    assert li.get(f"/warnings/bar?v={version}").status_code == 204
    assert phone.get(f"{address}&v={mine}").status_code == 204
    li.send("/warnings", page="/warnings", **STORM)
    assert li.get(f"/warnings/bar?v={version}").status_code == 200
    assert phone.get(f"{address}&v={mine}").status_code == 200


def test_who_is_inside_reads_that_it_may_leave_and_the_queue_says_why_it_waits(site: Site):
    now = datetime.now(UTC)
    with transaction(site.engine) as session:
        made = parked(session, "B01", now=now, window_start=now, window_end=now + hours(3))
        visit = visits.check_in(session, made.id, now, STAFF, HERE)
        queue.join(session, visit.id, "D1", now, STAFF, HERE)
        code = made.code
    li = site.signed_in("dispatcher")
    li.send("/warnings", page="/warnings", **STORM)
    assert "请原地停放；可以离园" in text(site.visitor().get(link(site, code)))
    assert "因预警暂缓" in text(li.get("/queue"))
    assert li.send("/queue/call", page="/queue", dock="D1").status_code == 422


def test_at_closed_hours_the_dispatcher_asks_a_second_person_from_the_gate_page(site: Site):
    now = datetime.now(UTC)
    petrol, _ = booked_now(site, "B01")
    with transaction(site.engine) as session:
        visits.check_in(session, petrol, now, STAFF, HERE)
        clock = now + timedelta(hours=8)
        closed = {
            "classes": ["3"],
            "from": f"{clock - timedelta(hours=1):%H:%M}",
            "to": f"{clock + timedelta(hours=1):%H:%M}",
            "reason": "夜间禁行",
        }
        park = session.scalars(select(ParkRow)).one()
        park.settings = {**park.settings, "rules": {"forbidden_hours": [closed]}}
    li, wu, zhao = (site.signed_in(name) for name in ("dispatcher", "supervisor", "guard"))
    assert "禁止入园" in text(zhao.get(f"/gate/{petrol}"))
    assert "申请例外" not in text(zhao.get(f"/gate/{petrol}"))
    assert f"/overrides?booking={petrol}&amp;bay=B01" in li.get(f"/gate/{petrol}").get_data(as_text=True)
    asking = {"booking_id": str(petrol), "bay": "B01", "reason": "救援物资"}
    assert li.send("/overrides", page=f"/overrides?booking={petrol}&bay=B01", **asking).status_code == 303
    assert "该车将在禁止入园时段入园" in text(wu.get("/overrides"))
    refused = zhao.send(f"/gate/{petrol}/step", page=f"/gate/{petrol}", step="admit")
    assert refused.status_code == 422
