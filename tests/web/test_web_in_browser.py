"""A real browser on the pages: nothing foreign is asked for, the policy refuses nothing, axe is content."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from parking.db import transaction
from parking.models import Booking
from parking.services import visits
from parking.vocabulary import VisitStep
from tests.factories import DRIVER, HERE, STAFF, held, hours
from tests.streams import free_ports, served
from tests.visitors import Site, close_site, open_site
from web.gates import booking_url

pytestmark = pytest.mark.browser
_LOOPBACK_ONLY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


def _chromium() -> str:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("no browser: install the Debian package chromium, or name one in CHROMIUM")
    return found or pytest.skip("no browser: install the Debian package chromium, or name one in CHROMIUM")


@pytest.fixture(scope="module")
def browser() -> Iterator:
    from playwright.sync_api import sync_playwright

    program = _chromium()
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=program, chromium_sandbox=False, args=[_LOOPBACK_ONLY]
        )
        yield made
        made.close()


@pytest.fixture
def ports() -> list[int]:
    return free_ports()


@pytest.fixture
def site(database_url: str, redis_url: str, tmp_path: Path, ports: list[int]) -> Iterator[Site]:
    made = open_site(
        database_url, redis_url, tmp_path, web_port=ports[0], live_port=ports[1], secret_key="browser"
    )
    yield made
    close_site(made)


@pytest.fixture
def address(site: Site, ports: list[int], tmp_path: Path) -> Iterator[str]:
    """The pages and the event stream, by the servers the product runs."""
    settings = site.app.config["HAZPARK"]
    with served(settings, "live", tmp_path / "live.log"), served(settings, "web", tmp_path / "web.log"):
        yield f"http://127.0.0.1:{ports[0]}"


@pytest.fixture(params=[390, 1440])
def page(request, browser, address: str) -> Iterator:
    """A page on a phone and on a desk, closed before the servers; what went wrong on it fails the test."""
    wrong: list[str] = []
    context = browser.new_context(viewport={"width": request.param, "height": 844}, locale="zh-CN")
    made = context.new_page()
    made.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    made.on("console", lambda line: wrong.append(f"console: {line.text}") if line.type == "error" else None)
    made.on(
        "request", lambda sent: None if "://127.0.0.1" in sent.url else wrong.append(f"foreign: {sent.url}")
    )
    made.on("response", lambda got: wrong.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    yield made
    context.close()
    assert not wrong


def _content(page, where: str) -> None:
    """axe finds nothing, and nothing is wider than the screen."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    assert found.violations_count == 0, f"{where}\n{found.generate_report()}"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{where} is {wide} px too wide"


def _sign_in(page, address: str, site: Site, username: str) -> None:
    page.goto(f"{address}/sign-in")
    page.fill("#f-username", username)
    page.fill("#f-password", site.passwords[username])
    page.click("main button")
    page.wait_for_url(lambda url: "/sign-in" not in url)


@pytest.fixture
def waiting(site: Site) -> Booking:
    now = datetime.now(UTC)
    with transaction(site.engine) as session:
        return held(session, "B01", now, window_start=now + hours(0.2), window_end=now + hours(4))


def test_what_a_driver_sees_is_whole_quiet_and_accessible(page, address: str, site: Site, waiting: Booking):
    with site.app.test_request_context():
        link = booking_url(waiting.code)
    for path in ("/", "/book", "/my", "/sign-in", link):
        for language in ("zh", "en"):
            page.goto(f"{address}{path}{'&' if '?' in path else '?'}lang={language}")
            _content(page, f"{path} {language}")


def test_what_staff_see_is_whole_quiet_and_accessible(page, address: str, site: Site, waiting: Booking):
    rooms = {
        "guard": ["/gate", f"/gate/{waiting.id}", "/gate?q=nobody", "/warnings", "/status", "/password"],
        "admin": [
            "/admin/staff",
            "/admin/feeds",
            "/admin/park",
            "/admin/assumptions",
            "/admin/layers",
            "/keys",
        ],
        "supervisor": ["/violations/replay", "/tracks/import"],
    }
    for username, paths in rooms.items():
        page.context.clear_cookies()
        _sign_in(page, address, site, username)
        for path in paths:
            page.goto(f"{address}{path}")
            _content(page, path)


def test_the_drivers_page_changes_by_itself_when_the_guard_admits(
    page, address: str, site: Site, waiting: Booking
):
    with site.app.test_request_context():
        link = booking_url(waiting.code)
    page.goto(f"{address}{link}")
    page.get_by_role("button", name="签到").click()
    page.get_by_text("已到卡口").wait_for()
    with transaction(site.engine) as session:
        visit = visits.check_in(session, waiting.id, datetime.now(UTC), DRIVER, HERE)
        visits.step(session, visit.id, VisitStep.ADMIT, datetime.now(UTC), STAFF, HERE)
    page.get_by_text("我已停入泊位").wait_for(timeout=10_000)
    assert page.locator("#booking-state").count() == 1


def test_goods_named_by_the_driver_become_their_number(page, address: str, site: Site):
    page.goto(f"{address}/book")
    page.locator("#f-un_number").press_sequentially("货19")
    page.get_by_role("button", name="1942").click()
    page.get_by_text("UN 1942 货1942").wait_for()
    assert page.input_value("#f-un_number") == "1942"
    page.fill("#f-mass_kg", "28500")
    page.get_by_text("28.5 吨").wait_for()
