"""The terminals' pages in a real browser, on a phone and on a desk."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from parking.db import transaction
from parking.models import Terminal
from parking.services import terminals
from tests.web.test_web_in_browser import (  # fixtures and helpers
    _content,
    _sign_in,
    address,  # noqa: F401
    browser,  # noqa: F401
    page,  # noqa: F401
    ports,  # noqa: F401
    site,  # noqa: F401
)

pytestmark = pytest.mark.browser


def test_a_supervisor_writes_to_a_driver_and_sees_what_became_of_it(address, site, page):  # noqa: F811
    now = datetime.now(UTC)
    with transaction(site.engine) as session:
        terminals.register(session, "13900000001", "晋M12345", 2, now, version="2019")
        terminals.register(session, "13900000666", "晋M12345", 2, now)
        terminals.register(session, "13911112222", "晋M77777", 2, now, enrolment="known")
        number = session.scalars(select(Terminal.id)).one()
    _sign_in(page, address, site, "supervisor")
    page.goto(f"{address}/terminals")
    _content(page, "terminals")
    page.goto(f"{address}/terminals/{number}")
    page.fill("#f-order_text", "请驶离")
    page.click("text=发送")
    page.wait_for_selector("text=待下发")
    page.click("text=设置参数")
    _content(page, "terminal")
