"""The plan of a day on its page: asked for, made by the worker's own code, read, taken over."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial

from parking.db import transaction
from parking.services import bays
from tests.factories import HERE, STAFF, booked, hours
from tests.visitors import Site, text
from workers import plans

START = datetime.now(UTC).replace(microsecond=0)


def some_trucks(site: Site, many: int = 3, un: str = "1203") -> list[int]:
    window = {"window_start": START + hours(0.5), "window_end": START + hours(2.5)}
    with transaction(site.engine) as session:
        return [booked(session, START, un_number=un, **window).id for _ in range(many)]


def address(site: Site) -> str:
    """The page of the day the trucks come on."""
    from datetime import timedelta

    return f"/plan?day={(START + hours(0.5) + timedelta(hours=8)).date().isoformat()}"


def make(site: Site, desk) -> str:
    day = address(site).partition("=")[2]
    assert desk.send("/plan/ask", page=address(site), day=day).status_code == 303
    assert "every 1s" in desk.get(address(site)).get_data(as_text=True)
    assert plans.make_one(partial(transaction, site.engine))
    return desk.get(address(site)).get_data(as_text=True)


def test_a_plan_is_asked_for_made_and_taken_over(site: Site):
    ids = some_trucks(site)
    desk = site.signed_in("dispatcher", "en")
    page = make(site, desk)
    assert "Proven best: no plan is better." in page
    assert "every 1s" not in page
    run = re.search(r'name="run" value="(\d+)"', page)
    assert run
    done = desk.send("/plan/apply", page=address(site), run=run[1], day=address(site).partition("=")[2])
    assert f"{len(ids)} bays given." in text(done)


def test_who_cannot_be_placed_is_named_with_the_reason_in_chinese(site: Site):
    some_trucks(site, 9, "1942")
    page = make(site, site.signed_in("dispatcher"))
    assert "没有泊位" in page
    assert "适用泊位" in page


def test_what_changed_meanwhile_is_said_when_the_plan_is_taken_over(site: Site):
    some_trucks(site, 1)
    desk = site.signed_in("dispatcher", "en")
    page = make(site, desk)
    run = re.search(r'name="run" value="(\d+)"', page)
    bay = re.search(r"→ <b>(\w+)</b>", page)
    assert run and bay
    with transaction(site.engine) as session:
        bays.set_out_of_service(session, bay[1], "oil", START, STAFF, HERE)
    done = desk.send("/plan/apply", page=address(site), run=run[1], day=address(site).partition("=")[2])
    assert "0 bays given." in text(done)
    assert "out of service" in text(done)


def test_the_page_without_a_plan_says_so(site: Site):
    assert "当天还没有计划" in text(site.signed_in("dispatcher").get("/plan"))
    assert site.signed_in("dispatcher").get("/plan?day=x").status_code == 400
