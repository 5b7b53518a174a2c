"""From the driver's form to the bay and out again: four people, four browsers, one house."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.layers import read_park
from geo.shapes import LayerKind
from parking import clock
from parking.db import transaction
from parking.models import Audit, Booking, Hold, Visit
from parking.services import staff
from parking.vocabulary import Role
from tests.journeys.conftest import ROOT
from web.forms import picker_value
from workers.jt808.location import Location
from workers.terminal import Terminal

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.timeout(300)]

FORM = {
    "plate": "晋m 12345",
    "carrier": "运城恒通危货运输",
    "driver_name": "赵志强",
    "driver_phone": "13835901234",
    "escort_name": "孙立民",
    "waybill_no": "YD2026030200001",
    "un_number": "1230",
    "mass_kg": "26000",
}


def fill(page, fields):
    for name, value in fields.items():
        page.fill(f"[name={name}]", value)


def test_a_truck_is_booked_parked_loaded_and_leaves(house, window):
    driver = window(phone=True)
    page = driver.go("/book")
    assert page.evaluate("document.documentElement.lang").startswith("zh")
    now = clock.now()
    fill(page, FORM | {"escort_name": "赵志强", "un_number": "9999"})
    page.fill("[name=window_start]", picker_value(now + timedelta(minutes=10)))
    page.fill("[name=window_end]", picker_value(now + timedelta(hours=5)))
    driver.troubles.clear()
    page.click("main form button[type=submit], main form button:not([type])")
    refusals = page.locator("#refusals li").all_inner_texts()
    assert any("9999" in r for r in refusals) and any("赵志强" in r for r in refusals)
    driver.troubles.clear()  # the browser reports the answer 422 itself

    fill(page, {"escort_name": "孙立民", "un_number": "1230"})
    page.select_option("[name=enterprise]", "甲醇厂")
    page.click("main form button[type=submit], main form button:not([type])")
    page.wait_for_url("**/b/*")
    booking_page = page.url

    enterprise = window()
    enterprise.sign_in("methanol", account_of(house, "methanol", "甲醇厂"))
    listed = enterprise.go("/enterprise")
    listed.locator("a.plate-link").filter(has_text="晋M12345").click()
    listed.get_by_role("button", name="确认到企").click()
    listed.wait_for_load_state()

    dispatcher = window()
    dispatcher.sign_in("dispatcher", house.passwords["dispatcher"])
    board = dispatcher.go("/board")
    board.locator("a.queue-row, a.plate-link").filter(has_text="晋M12345").first.click()
    board.locator(".suggestion").first.wait_for()
    assert board.locator(".suggestion .reason").count() > 0
    board.locator(".suggestion button").first.click()
    with Session(house.engine) as session:
        wait_until(lambda: session.scalar(select(Hold.id)), session)

    page.goto(booking_page)
    page.get_by_text("已批准").first.wait_for()
    step(page, "check_in")

    with ThreadPoolExecutor(1) as aside:  # the browser's driver has the loop of this thread
        assert aside.submit(asyncio.run, heard_at_the_gate(house.gateway)).result() == 0

    guard = window()
    guard.sign_in("guard", house.passwords["guard"])
    gate = guard.go("/gate")
    gate.fill("[name=q]", "晋M12345")
    gate.keyboard.press("Enter")
    gate.wait_for_url("**/gate/*")
    answer_checklist(gate)
    step(gate, "admit")
    step(gate, "park")

    call_forward(dispatcher)
    for asked in ("depart_bay", "reach_dock", "finish_work", "leave_dock", "check_out"):
        page.goto(booking_page)
        step(page, asked)
    page.get_by_text("已离园").first.wait_for()

    with Session(house.engine) as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.state == "exited"
        assert session.scalars(select(Hold)).one().state == "released"
        assert session.scalars(select(Booking)).one().plate == "晋M12345"
        actors = {
            a.actor.split(":")[0] for a in session.scalars(select(Audit).where(Audit.subject == "visit"))
        }
        assert {"driver", "guard", "dispatcher"} <= actors


def step(page, name):
    """Press the button of a step, as shown, and see the page again."""
    form = page.locator(f"form:has(input[name=step][value={name}])").first
    page.once("dialog", lambda dialog: dialog.accept())
    form.locator("button").click()
    page.wait_for_load_state()


def account_of(house, username, enterprise):
    """An enterprise's account, made as the administrator makes one."""
    with transaction(house.engine) as session:
        return staff.add(
            session, username, enterprise, Role.ENTERPRISE, clock.now(), "admin:a", "test", enterprise
        )


async def heard_at_the_gate(port):
    """The truck's own terminal tells where it stands; the product answers the row of the checklist by it."""
    park, _ = read_park(ROOT / "fixtures" / "park")
    gate = next(g for g in park.of(LayerKind.GATE) if g.attributes.get("gate_kind") == "hazmat_only")
    at = gate.geometry.centroid
    async with Terminal("127.0.0.1", port, "13900012345", "晋M12345", 2, "2019") as terminal:
        return await terminal.send_fix(Location(clock.now(), at.y, at.x, speed_kmh=0.0, heading=0))


def answer_checklist(gate):
    """Every row in order, with papers valid for months; then the list is finished."""
    gate.get_by_role("link", name="入园查验清单").click()
    gate.wait_for_url("**/checklist")
    assert "系统判定" in gate.locator("#row-V8").inner_text()
    assert "系统判定" in gate.locator("#row-D6").inner_text()
    until = (clock.now() + timedelta(days=120)).date().isoformat()
    for number in range(gate.locator("li.check-row").count()):
        row = gate.locator("li.check-row").nth(number)
        if row.locator("input[type=date]").count():
            row.locator("input[type=date]").fill(until)
        row.locator("button[value=pass]").click()
        gate.wait_for_load_state()
    gate.get_by_role("button", name="完成查验").click()
    gate.wait_for_load_state()


def call_forward(dispatcher):
    board = dispatcher.go("/board")
    board.locator("a.queue-row, a.plate-link").filter(has_text="晋M12345").first.click()
    board.locator("select[name=dock]").wait_for()
    board.select_option("select[name=dock]", "JC1")
    board.locator("form:has(select[name=dock]) button").click()
    board.get_by_text("已叫号").first.wait_for()


def wait_until(what, session, seconds=15):
    import time

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        session.rollback()
        time.sleep(0.2)
    raise AssertionError("not in time")
