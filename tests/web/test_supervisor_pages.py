"""Violations with what proves them, maps, tracks, vehicles and the inbox."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest
from shapely import box, to_wkb
from sqlalchemy import select

from geo.fix import Fix
from parking.db import transaction
from parking.models import LayerVersion, ParkRow, Vehicle, Violation
from parking.queries import tracks as track_query
from parking.services import terminals, tracking
from parking.services.tracking import TerminalFix
from tests.visitors import Site, Visitor, text
from workers import routing
from workers.tasks import outbox

pytestmark = pytest.mark.servers
HOSTILE = "</script>${1}`<b>"
HOSTILE_PLATE = "晋M`${1}<B>"
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def chief(site: Site) -> Visitor:
    return site.signed_in("supervisor")


@pytest.fixture
def land(site: Site) -> None:
    """A boundary in two versions: the older one was in force until 2023-02-21."""
    with transaction(site.engine) as session:
        park = session.scalars(select(ParkRow)).one()
        park.loaded_at = NOW
        for n, (document, begins, ends) in enumerate(
            [("旧批复", "2015-06-01", "2023-02-21"), ("运政函〔2023〕2号", "2023-02-21", None)]
        ):
            session.add(
                LayerVersion(
                    park_id=park.id, kind="boundary", code="BD", name_zh="四至范围", name_en="boundary",
                    wkb=to_wkb(box(110.91, 35.67, 110.93, 35.69)), attributes={}, document=document,
                    issuing_body="运城市人民政府", approved_on=begins, effective_from=begins,
                    effective_to=ends, sha256=str(n) * 64, loaded_at=NOW,
                )
            )  # fmt: skip


def _drive(site: Site, plate: str = "晋M12345", count: int = 30, phone: str = "13900000001") -> int:
    """A terminal reports ``count`` fixes into the park, three seconds apart; returns the vehicle."""
    with transaction(site.engine) as session:
        terminals.register(session, phone, plate, 2, NOW)
        fixes = [_fix(n, count) for n in range(count)]
        tracking.take(session, [TerminalFix(phone, n, 0, f) for n, f in enumerate(fixes)], NOW)
        return session.scalars(select(Vehicle.id).where(Vehicle.plate == plate)).one()


def _fix(n: int, count: int) -> Fix:
    return Fix(
        time=NOW - timedelta(seconds=3 * (count - n)), lon=110.92, lat=35.66 + 0.02 * n / count,
        speed_kmh=20.0, heading=0, altitude_m=400, located=True, alarm=0, status=3, backfill=False,
    )  # fmt: skip


def _violation(site: Site, vehicle_id: int, kind: str = "boundary_crossing", **changes) -> int:
    values = {
        "vehicle_id": vehicle_id, "kind": kind, "subject": "BD", "started_at": NOW, "ended_at": NOW,
        "lon": 110.92, "lat": 35.67, "certainty": "inferred", "late": False, "state": "open", "seen_at": NOW,
        "facts": {"line": "BD", "direction": "in", "gap_s": 30.0},
    }  # fmt: skip
    with transaction(site.engine) as session:
        made = Violation(**{**values, **changes})
        session.add(made)
        session.flush()
        return made.id


def _tell(site: Site, violation_id: int) -> None:
    from parking.events import ViolationSeen
    from parking.models import Letter

    with transaction(site.engine) as session:
        outbox.post(session, ViolationSeen(violation_id))
        session.flush()
        letter = session.scalars(select(Letter.id).order_by(Letter.id.desc())).first()
        routing.carry(session, letter, NOW)


def test_a_violation_says_what_happened_how_sure_that_is_and_which_act_was_in_force(
    site: Site, land: None, chief: Visitor
):
    found = text(chief.get(f"/violations/{_violation(site, _drive(site))}"))
    assert "晋M12345 未经卡口穿越园区边界" in found
    assert "推断" in found and "定位点间隔：30 秒" in found
    assert "运政函〔2023〕2号" in found and "旧批复" not in found


def test_where_a_crossing_nobody_can_place_may_have_happened_is_drawn(site: Site, land: None, chief: Visitor):
    stretch = {"type": "MultiLineString", "coordinates": [[[110.915, 35.67], [110.925, 35.67]]]}
    facts = {
        "line": "BD", "direction": "in", "gap_s": 300.0, "depth_m": 41.5, "stretch": stretch,
        "earliest_at": "2026-03-02T00:00:10+00:00", "latest_at": "2026-03-02T00:04:50+00:00",
    }  # fmt: skip
    made = _violation(site, _drive(site), certainty="somewhere_between", facts=facts)
    found = chief.get(f"/violations/{made}")
    drawn = json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', found.text, re.S)[1])
    assert [la["geometry"] for la in drawn["layers"] if la["kind"] == "stretch"] == [stretch]
    assert drawn["legend"]["stretch"] == "可能发生的区段"
    assert "41.5 m" in text(found) and "2026-03-02 08:00:10" in text(found)


def test_an_old_violation_is_judged_by_the_line_of_its_day(site: Site, land: None, chief: Visitor):
    then = datetime(2022, 5, 1, tzinfo=UTC)
    old = _violation(site, _drive(site), started_at=then, ended_at=then)
    found = text(chief.get(f"/violations/{old}"))
    assert "旧批复" in found and "运政函" not in found


def test_acknowledging_needs_a_remark_is_done_once_and_stays_in_the_record(
    site: Site, land: None, chief: Visitor
):
    page = f"/violations/{_violation(site, _drive(site))}"
    assert chief.send(f"{page}/acknowledge", page, remark="  ").status_code == 422
    kept = chief.send(f"{page}/acknowledge", page, remark="x" * 1001)
    assert kept.status_code == 422 and "x" * 1001 in kept.get_data(as_text=True), "typed words are not lost"
    token = re.search(r'name="csrf_token" value="([^"]+)"', chief.get(page).get_data(as_text=True))[1]
    assert chief.send(f"{page}/acknowledge", page, remark=f"已核实 {HOSTILE}").status_code == 303
    again = chief.client.post(f"{page}/acknowledge", data={"csrf_token": token, "remark": "again"})
    assert again.status_code == 422
    shown = chief.get(page)
    assert "已核实" in text(shown) and "监管人员 supervisor" in text(shown)
    assert "<b>" not in shown.get_data(as_text=True).split("处理记录")[1]


def test_a_dispatcher_sees_a_violation_but_may_not_acknowledge_it(site: Site, land: None, chief: Visitor):
    page = f"/violations/{_violation(site, _drive(site))}"
    dispatcher = site.signed_in("dispatcher")
    assert "acknowledge" not in dispatcher.get(page).get_data(as_text=True)
    assert dispatcher.client.post(f"{page}/acknowledge", data={"remark": "x"}).status_code == 403


def test_the_list_is_narrowed_by_state_kind_plate_and_day_and_leafed_through(site: Site, chief: Visitor):
    vehicle = _drive(site)
    for n in range(60):
        at = NOW - timedelta(days=n)
        _violation(site, vehicle, "speeding" if n % 2 else "overstay", started_at=at, ended_at=None)
    assert "共 60 条" in text(chief.get("/violations"))
    assert "第 2 / 2 页" in text(chief.get("/violations?page=2"))
    assert "共 30 条" in text(chief.get("/violations?kind=speeding"))
    assert "共 0 条" in text(chief.get("/violations?state=acknowledged"))
    assert "共 60 条" in text(chief.get("/violations?plate=晋m１２345"))
    assert "共 0 条" in text(chief.get("/violations?plate=%25"))
    day = (NOW + timedelta(hours=8)).date().isoformat()
    assert "共 1 条" in text(chief.get(f"/violations?since={day}&until={day}"))
    for odd in ("page=-1", "page=x", "since=yesterday", "kind=none", "page=99999999999", "plate=%00"):
        assert chief.get(f"/violations?{odd}").status_code == 200


def test_nothing_open_is_not_called_all_clear(chief: Visitor):
    assert "并不等于一切正常" in text(chief.get("/violations"))


def test_a_list_that_did_not_change_is_not_sent_again(site: Site, land: None, chief: Visitor):
    vehicle = _drive(site)
    page = chief.get("/violations").get_data(as_text=True)
    address = re.search(r'hx-get="(/violations/list[^"]*)"', page)[1].replace("&amp;", "&")
    assert chief.get(address).status_code == 204
    _violation(site, vehicle)
    assert chief.get(address).status_code == 200


def test_maps_hold_no_foreign_address_and_their_code_carries_the_nonce(
    site: Site, land: None, chief: Visitor
):
    number = _violation(site, _drive(site))
    for path in (f"/violations/{number}", "/map", "/tracks?plate=晋M12345"):
        answer = chief.get(path)
        html = answer.get_data(as_text=True)
        assert answer.status_code == 200 and "folium-map" in html
        bare = html.replace("http://www.w3.org/2000/svg", "").replace("http://localhost:8081", "")
        assert not re.search(r"(https?:)?//[a-z]", bare), path
        nonce = re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])[1]
        inline = re.findall(r"<script(?![^>]*src=)([^>]*)>", html)
        assert inline and all(f'nonce="{nonce}"' in one or "application/json" in one for one in inline)
        assert "unsafe" not in answer.headers["Content-Security-Policy"]


def test_a_hostile_plate_stays_text_on_every_page_that_shows_it(site: Site, land: None, chief: Visitor):
    vehicle = _drive(site, HOSTILE_PLATE)
    number = _violation(site, vehicle, subject=HOSTILE, facts={"line": HOSTILE, "alarm": HOSTILE})
    _tell(site, number)
    for path in (f"/violations/{number}", "/violations", "/map", "/vehicles", "/inbox", "/api/vehicles"):
        html = chief.get(path).get_data(as_text=True)
        if not path.startswith("/api"):
            assert "<B>" not in html and "</script>${1}" not in html, path
            assert "晋M`${1}&lt;B&gt;" in html, path
            for block in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.S):
                json.loads(block)


def test_a_track_arrives_as_differences_that_add_up(site: Site, land: None, chief: Visitor):
    vehicle = _drive(site, count=30)
    window = {"start": (NOW - timedelta(hours=1)).isoformat(), "end": NOW.isoformat(), "vehicle": vehicle}
    answer = chief.get("/api/track", query_string=window)
    found = answer.get_json()
    assert found["total"] == 30 and len(found["t"]) == 30
    assert list(accumulate(found["t"]))[-1] == int((NOW - timedelta(seconds=3)).timestamp())
    assert list(accumulate(found["lon"])) == [110_920_000] * 30
    assert found["v"] == [200] * 30


def test_a_track_too_long_is_thinned_and_says_so(
    site: Site, land: None, chief: Visitor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(track_query, "POINTS_MAX", 10)
    _drive(site, count=30)
    page = text(chief.get("/tracks?plate=晋M12345"))
    assert "30 个可信定位点" in page and "已抽稀为 10 点" in page


def test_a_stretch_that_makes_no_sense_is_corrected_and_says_so(site: Site, land: None, chief: Visitor):
    _drive(site)
    page = chief.get("/tracks?plate=晋M12345&start=2026-01-02T00:00&end=2026-01-01T00:00")
    assert "时间已自动调整" in text(page)
    times = ("start=x&end=y", "start=0001-01-01T00:00", "end=9999-12-31T23:59")
    for odd in (*times, "plate=%00", "plate=不存在"):
        assert chief.get(f"/tracks?{odd}").status_code == 200, odd


def test_vehicles_show_how_well_their_terminal_reports(site: Site, land: None, chief: Visitor):
    _drive(site)
    with transaction(site.engine) as session:
        adrift = Fix(
            time=NOW, lon=0.0, lat=0.0, speed_kmh=0.0, heading=0, altitude_m=0, located=True, alarm=0,
            status=3, backfill=False,
        )  # fmt: skip
        tracking.take(session, [TerminalFix("13900000001", 99, 0, adrift)], NOW)
    page = text(chief.get("/vehicles"))
    assert "晋M12345" in page and "13900000001" in page and "3% 共 31 点" in page


def test_a_notice_is_counted_shown_everywhere_and_read_once_for_all(site: Site, land: None, chief: Visitor):
    _tell(site, _violation(site, _drive(site)))
    bar = chief.get("/inbox/bar").get_data(as_text=True)
    assert "alarm-bar" in bar and 'id="inbox-count"' in bar
    assert "晋M12345 未经卡口穿越园区边界" in text(chief.get("/map"))
    number = re.search(r'name="id" value="(\d+)"', chief.get("/inbox").get_data(as_text=True))[1]
    assert chief.send("/inbox/read", "/inbox", id=number).status_code == 303
    assert "0 条未读" in text(chief.get("/inbox"))
    assert "监管人员 supervisor 已读" in text(chief.get("/inbox"))
    assert "1 条未读" in text(site.signed_in("dispatcher").get("/inbox")), "another role reads its own"


def test_numbers_nobody_posted_mark_nothing(site: Site, land: None, chief: Visitor):
    _tell(site, _violation(site, _drive(site)))
    chief.send("/inbox/read", "/inbox", id="x")
    chief.send("/inbox/read", "/inbox", id="99999999999999999999999")
    assert "1 条未读" in text(chief.get("/inbox"))


def test_what_does_not_exist_is_not_found(chief: Visitor):
    assert chief.get("/violations/999999").status_code == 404
    assert chief.get("/api/track?vehicle=999999").get_json()["t"] == []
