"""The control room in a real browser, on the real processes: live boards, the keyboard, maps, axe."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from shapely import box, to_wkb
from sqlalchemy import select

from geo.fix import Fix
from parking import outbox
from parking.db import transaction
from parking.events import ViolationSeen
from parking.models import Booking, LayerVersion, Letter, ParkRow, Violation
from parking.services import bays, heartbeats, terminals, tracking
from parking.services.tracking import TerminalFix
from tests import factories
from tests.factories import HERE, hours
from tests.streams import free_ports, served
from tests.visitors import Site, close_site, open_site
from workers import routing
from workers.channels.live import LiveStream

pytestmark = [pytest.mark.browser, pytest.mark.servers]
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        missing = "no browser: install the Debian package chromium, or name one in CHROMIUM"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(
            executable_path=program,
            chromium_sandbox=False,
            args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
        )
        yield made
        made.close()


@pytest.fixture(scope="module")
def site(servers, tmp_path_factory) -> Iterator[Site]:
    web_port, live_port = free_ports()
    name, folder = servers.new_database(), tmp_path_factory.mktemp("desk")
    made = open_site(servers.url_of(name), servers.redis_url, folder, web_port=web_port, live_port=live_port)
    with transaction(made.engine) as session:
        heartbeats.beat(session, "worker", datetime.now(UTC) + timedelta(minutes=10))
        _land(session)
    settings = made.app.config["HAZPARK"]
    with served(settings, "live", folder / "live.log"), served(settings, "web", folder / "web.log"):
        yield made
    close_site(made)
    servers.drop(name)


def _land(session) -> None:
    park = session.scalars(select(ParkRow)).one()
    session.add(
        LayerVersion(
            park_id=park.id, kind="boundary", code="BD", name_zh="四至<b>${1}`", name_en="boundary",
            wkb=to_wkb(box(110.91, 35.67, 110.93, 35.69)), attributes={}, document="运政函〔2023〕2号",
            issuing_body="x", approved_on="2023-02-21", effective_from="2023-02-21", sha256="b" * 64,
            loaded_at=NOW,
        )
    )  # fmt: skip


class Desk:
    """One person at one screen; whatever goes wrong there is remembered."""

    def __init__(self, browser, site: Site, username: str, width: int = 1440) -> None:
        self.wrong: list[str] = []
        self.address = f"http://127.0.0.1:{site.app.config['HAZPARK'].web_port}"
        self.context = browser.new_context(viewport={"width": width, "height": 900}, locale="zh-CN")
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("console", lambda m: self.wrong.append(m.text) if m.type == "error" else None)
        self.page.on("request", self._asked)
        self.page.on("dialog", lambda d: (self.wrong.append(f"dialog {d.message}"), d.accept()))
        self.page.goto(f"{self.address}/sign-in")
        self.page.fill("#f-username", username)
        self.page.fill("#f-password", site.passwords[username])
        self.page.click("main button")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def _asked(self, request) -> None:
        if not request.url.startswith(("http://127.0.0.1", "data:")):
            self.wrong.append(f"foreign: {request.url}")

    def open(self, path: str) -> Any:
        self.page.goto(self.address + path)
        return self.page

    def live(self, path: str) -> Any:
        """Open and wait until the page says it is live."""
        page = self.open(path)
        page.locator("#live.live-on").wait_for(timeout=10_000)
        return page

    def close(self) -> None:
        self.context.close()
        assert not self.wrong


@pytest.fixture
def desk(browser, site: Site) -> Iterator[Any]:
    made: list[Desk] = []

    def sit(username: str, width: int = 1440) -> Desk:
        made.append(Desk(browser, site, username, width))
        return made[-1]

    yield sit
    for one in made:
        one.close()


@pytest.fixture
def booking(site: Site) -> Booking:
    now = datetime.now(UTC)
    with transaction(site.engine) as session:
        made = factories.booked(session, now, window_start=now - hours(0.1), window_end=now + hours(3))
    _carry(site)
    return made


def _carry(site: Site) -> None:
    """What the worker does with every letter not carried yet."""
    stream = LiveStream(site.app.config["HAZPARK"].redis_url)
    with transaction(site.engine) as session:
        letters = session.scalars(select(Letter.id).where(Letter.done_at.is_(None))).all()
        news = [n for number in letters for n in routing.carry(session, number, datetime.now(UTC))]
    stream.tell(news)


def _violation(site: Site, plate: str = "晋M`${1}<B>") -> int:
    """A vehicle drives across the boundary; the violation is announced."""
    phone = f"139{abs(hash(plate)) % 10**8:08d}"
    with transaction(site.engine) as session:
        terminals.register(session, phone, plate, 2, NOW)
        fixes = [
            Fix(
                time=NOW - timedelta(seconds=3 * (40 - n)), lon=110.92, lat=35.66 + 0.0005 * n,
                speed_kmh=20.0, heading=0, altitude_m=400, located=True, alarm=0, status=3, backfill=False,
            )
            for n in range(40)
        ]  # fmt: skip
        tracking.take(session, [TerminalFix(phone, n, 0, f) for n, f in enumerate(fixes)], NOW)
        number = session.scalars(
            select(Violation.id).where(Violation.kind == "boundary_crossing").order_by(Violation.id.desc())
        ).first()
        outbox.post(session, ViolationSeen(number))
    _carry(site)
    return number


def test_two_boards_see_one_assignment_without_reloading(desk, site: Site, booking: Booking):
    one, two = desk("dispatcher"), desk("dispatcher2")
    first, second = one.live("/board"), two.live("/board")
    second.evaluate("window.stillTheSame = true")
    first.click(f"#w-{booking.id}")
    first.locator(".suggestion button").first.click()
    first.get_by_text("泊位已分配").wait_for()
    _carry(site)
    second.locator(f"#w-{booking.id}").wait_for(state="detached", timeout=5_000)
    assert second.evaluate("window.stillTheSame") is True
    assert first.locator(f"#w-{booking.id}").count() == 0


def test_half_typed_words_stay_while_the_board_renews_itself(desk, site: Site, booking: Booking):
    page = desk("dispatcher").live(f"/board?booking={booking.id}")
    page.locator("summary", has_text="其他处理").click()
    page.fill("#f-remark", "单证不齐")
    with transaction(site.engine) as session:
        bays.assign(session, booking.id, "B02", datetime.now(UTC), "dispatcher:other", HERE)
    _carry(site)
    page.locator(".changed-note:visible").wait_for(timeout=5_000)
    assert page.input_value("#f-remark") == "单证不齐"


def test_a_bay_is_assigned_by_keyboard_alone(desk, site: Site, booking: Booking):
    page = desk("dispatcher").live(f"/board?booking={booking.id}")
    page.locator('a.spot[data-bay="B05"]').focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.bay") == "B06"
    page.keyboard.press("Enter")
    page.locator(".chosen-bay").wait_for()
    assert page.evaluate("document.activeElement.id") == "h-choice"
    while page.evaluate("document.activeElement.textContent").strip() != "分配 B06":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("泊位已分配").wait_for()
    with transaction(site.engine) as session:
        assert session.get(Booking, booking.id).state == "approved"


def test_an_alarm_shows_on_whatever_page_is_open(desk, site: Site):
    page = desk("supervisor").live("/vehicles")
    before = page.locator("#inbox-count").inner_text()
    _violation(site, "晋M55555")
    page.locator(".alarm-bar", has_text="越园区边界").wait_for(timeout=5_000)
    assert page.locator("#inbox-count").inner_text() != before


def test_vehicles_move_on_the_map_by_themselves(desk, site: Site):
    _violation(site)
    page = desk("supervisor").live("/map")
    vehicle = page.locator("tr[data-vehicle]", has_text="${1}").get_attribute("data-vehicle")
    LiveStream(site.app.config["HAZPARK"].redis_url).tell(
        [{
            "type": "fix", "vehicle_id": int(vehicle), "plate": "晋M`${1}<B>", "lon": 110.925, "lat": 35.685,
            "speed_kmh": 33, "heading": 90, "time": NOW.isoformat(),
        }]
    )  # fmt: skip
    page.locator("tr[data-vehicle] .cell-speed", has_text="33 km/h").wait_for(timeout=5_000)
    assert page.locator(".plate-tag", has_text="晋M`${1}<B>").count() == 1


def test_a_track_is_replayed_and_the_slider_tells_where(desk, site: Site):
    _violation(site)
    page = desk("supervisor").open("/tracks?plate=晋M`${1}<B>")
    page.locator("#replay").wait_for()
    page.select_option("#replay-rate", "300")
    page.get_by_role("button", name="播放").click()
    page.locator("#replay-said", has_text="40/40").wait_for(timeout=10_000)
    page.locator("#replay-at").press("Home")
    page.locator("#replay-said", has_text="1/40").wait_for()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_of_the_control_room_is_accessible_and_fits(
    desk, site: Site, booking: Booking, width: int, language: str
):
    number = _violation(site)
    rooms = {
        "dispatcher": ["/board", f"/board?booking={booking.id}", f"/board?tab=time&booking={booking.id}",
                       "/board?bay=B05", "/inbox"],
        "supervisor": ["/violations", f"/violations/{number}", "/map", "/vehicles",
                       "/tracks?plate=晋M`${1}<B>"],
    }  # fmt: skip
    for username, paths in rooms.items():
        person = desk(username, width)
        for path in paths:
            page = person.open(f"{path}{'&' if '?' in path else '?'}lang={language}")
            page.wait_for_timeout(200)
            found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
            assert found.violations_count == 0, f"{path} {language} {width}\n{found.generate_report()}"
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{path} is {wide} px too wide at {width}"


def test_a_lost_stream_is_shown_and_the_page_still_renews_itself(desk, site: Site, booking: Booking):
    person = desk("dispatcher")
    person.context.route("**/live", lambda route: route.abort())
    page = person.open("/board")
    page.locator("#live.live-off").wait_for(timeout=10_000)
    assert page.locator("#live").inner_text() == "离线"
    with transaction(site.engine) as session:
        bays.assign(session, booking.id, "B03", datetime.now(UTC), "dispatcher:other", HERE)
    page.locator(f"#w-{booking.id}").wait_for(state="detached", timeout=20_000)
    person.wrong = [w for w in person.wrong if "ERR_FAILED" not in w and "Failed to load" not in w]


def test_several_windows_share_one_stream(desk, site: Site):
    person = desk("supervisor")
    person.live("/violations")
    others = [person.context.new_page() for _ in range(3)]
    asked: list[str] = []
    for other in others:
        other.on("request", lambda r: asked.append(r.url) if r.url.endswith("/live") else None)
        other.goto(f"{person.address}/violations")
        other.locator("#live.live-on").wait_for(timeout=10_000)
    assert not asked, "the first window's stream serves them all"
    person.page.close()
    others[0].wait_for_timeout(1500)
    assert len(asked) == 1, "when it goes, exactly one of the others takes over"
    LiveStream(site.app.config["HAZPARK"].redis_url).tell([{"type": "violation", "violation_id": 1}])
    person.page = others[0]
