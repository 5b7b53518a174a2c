"""A driver books, watches, checks in and out; nobody else's link or code opens the booking."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select

from parking.db import transaction
from parking.models import Audit, Booking, Visit
from parking.services import bays, bookings, visits
from parking.vocabulary import BookingState, FormField, VisitState, VisitStep
from tests.factories import HERE, STAFF, hours
from tests.visitors import Site, Visitor, booking_fields, hidden, text
from web.driver import BOOKED, GUESSES

HOSTILE = "<img src=x onerror=alert(1)>${7*7}`{{7*7}}\\'\""


def _now() -> datetime:
    return datetime.now(UTC)


def _books(who: Visitor, **changes: str) -> str:
    """The signed link of a fresh booking."""
    answer = who.send("/book", **booking_fields(**changes))
    assert answer.status_code == 303, text(answer)
    return answer.location


def _code(link: str) -> str:
    return urlsplit(link).path.removeprefix("/b/")


def _row(site: Site, link: str) -> Booking:
    with transaction(site.engine) as session:
        return session.scalars(select(Booking).where(Booking.code == _code(link))).one()


def _assign(site: Site, link: str, bay: str = "B01") -> None:
    with transaction(site.engine) as session:
        bays.assign(session, _row(site, link).id, bay, _now(), STAFF, HERE)


def _step(who: Visitor, link: str, step: str):
    key = parse_qs(urlsplit(link).query)["k"][0]
    return who.send(f"{urlsplit(link).path}/step", page="/my", k=key, step=step)


def test_a_driver_books_and_gets_a_link_with_a_code_to_say_at_the_gate(site: Site):
    driver = site.visitor()
    link = _books(driver)
    page = driver.get(link)
    assert page.status_code == 200
    assert _code(link)[:4] in text(page)
    assert "待园区审核" in text(page)
    assert _row(site, link).language == "zh"


def test_a_fresh_form_is_filled_with_a_time_that_can_be_booked(site: Site):
    driver = site.visitor()
    page = driver.get("/book")
    times = {key: hidden(page, key) for key in ("window_start", "window_end")}
    assert driver.send("/book", **booking_fields(**times)).status_code == 303


def test_every_refusal_is_shown_at_once_beside_its_field_and_in_the_summary(site: Site):
    answer = site.visitor().send(
        "/book",
        **booking_fields(
            plate="XYZ",
            plate_colour="77",
            carrier=" ",
            driver_name="王师傅",
            escort_name="王师傅",
            driver_phone="12",
            un_number="9999",
            mass_kg="viel",
            load_state="gone",
            waybill_no="",
            window_start="2020-13-45T99:99",
            un_number_2="8888",
            mass_kg_2="5",
            length_m="99",
            width_m="x",
            height_m="-1",
            purpose="tea",
        ),
    )
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    summary = re.search(r'id="refusals".*?</ul>', page, re.S)
    assert summary
    told_elsewhere = {FormField.ENTERPRISE, FormField.DOCUMENTS}  # may be left out in this park
    wanted = set(FormField) - {FormField.LANGUAGE, FormField.DOCK, FormField.REMARK, FormField.DRIVER_NAME}
    wanted -= told_elsewhere
    linked = set(re.findall(r'href="#f-(\w+)"', summary[0]))
    assert linked == wanted - {FormField.WINDOW_END}
    for field in linked:
        assert f'id="f-{field}"' in page
    assert page.count('class="wrong"') >= len(linked)
    assert page.count("<li>") >= len(linked)


def test_a_refused_form_keeps_what_was_entered(site: Site):
    fields = booking_fields(driver_phone="12", load_state="empty_uncleaned", plate_colour="93")
    answer = site.visitor().send("/book", **fields)
    for key in (
        "plate",
        "carrier",
        "driver_phone",
        "waybill_no",
        "mass_kg",
        "window_start",
        "idempotency_key",
    ):
        assert hidden(answer, key) == fields[key]
    page = answer.get_data(as_text=True)
    assert re.search(r'value="empty_uncleaned" checked', page)
    assert re.search(r'value="93" checked', page)


def test_class_1_and_unknown_goods_are_refused_in_words(site: Site):
    assert "UN 9999" in text(site.visitor().send("/book", **booking_fields(un_number="9999")))
    refused = text(site.visitor("en").send("/book", **booking_fields(un_number="0081")))
    assert "takes no goods of class 1.1" in refused


def test_the_same_form_sent_twice_is_one_booking(site: Site):
    driver, fields = site.visitor(), booking_fields()
    first, second = (driver.send("/book", **fields).location for _ in range(2))
    assert first == second
    with transaction(site.engine) as session:
        assert session.scalar(select(func.count(Booking.id))) == 1


@pytest.mark.parametrize(
    "key", ["carrier", "driver_name", "escort_name", "waybill_no", "plate", "mass_kg", "un_number"]
)
def test_hostile_text_is_shown_as_text(site: Site, key: str):
    driver = site.visitor()
    answer = driver.send("/book", **booking_fields(**{key: HOSTILE}))
    page = (answer if answer.status_code == 422 else driver.get(answer.location)).get_data(as_text=True)
    assert "<img" not in page
    assert "onerror=alert(1)&gt;" in page or "onerror" not in page.lower()
    assert "49`" not in page


def test_characters_no_database_takes_are_no_error_of_ours(site: Site):
    driver = site.visitor()
    for key in ("plate", "un_number", "carrier", "window_start", "mass_kg", "plate_colour"):
        assert driver.send("/book", **booking_fields(**{key: "\x00\ud7ff\x00"})).status_code in (303, 422)
    assert driver.get("/goods?un_number=%00%2512").status_code == 200
    assert driver.send("/my", plate="\x00", code="\x00").status_code == 422


def test_goods_are_found_by_number_and_by_name(site: Site):
    someone = site.visitor()
    exact = text(someone.get("/goods?un_number=UN1203"))
    assert "UN 1203 货1203" in exact
    assert "类别 3" in exact
    assert "1942" in someone.get("/goods?un_number=货19").get_data(as_text=True)
    assert "货物目录" in text(someone.get("/goods?un_number=9999"))
    assert "1203" not in someone.get("/goods?un_number=%25").get_data(as_text=True)


def test_a_link_with_a_wrong_signature_opens_nothing(site: Site):
    driver = site.visitor()
    link = _books(driver)
    path, key = urlsplit(link).path, parse_qs(urlsplit(link).query)["k"][0]
    for wrong in ("", key[:-1], key[::-1], key.lower(), "ü"):
        assert driver.get(f"{path}?k={wrong}").status_code == 403
    assert driver.get(path).status_code == 403
    assert driver.get(f"{path}/state?k=").status_code == 403


def test_the_link_of_one_booking_does_not_open_another(site: Site):
    driver = site.visitor()
    mine, other = _books(driver), _books(driver)
    key = parse_qs(urlsplit(mine).query)["k"][0]
    assert driver.get(f"{urlsplit(other).path}?k={key}").status_code == 403
    answer = driver.send(f"{urlsplit(other).path}/step", page="/my", k=key, step="cancel")
    assert answer.status_code == 403
    assert _row(site, other).state == BookingState.ENTERPRISE_APPROVED


def test_a_step_does_not_take_its_key_from_the_address(site: Site):
    driver = site.visitor()
    link = _books(driver)
    answer = driver.send(f"{urlsplit(link).path}/step?{urlsplit(link).query}", page="/my", step="cancel")
    assert answer.status_code == 403


def test_plate_and_code_together_find_the_booking_however_they_are_typed(site: Site):
    driver = site.visitor()
    link = _books(driver, plate="晋M54321")
    code = _code(link).lower()
    answer = driver.send("/my", plate="晋m·54321", code=f"{code[:4]} {code[4:]}")
    assert answer.location == link


def test_the_code_of_another_booking_does_not_fit_the_plate(site: Site):
    driver = site.visitor()
    _books(driver, plate="晋M11111")
    other = _books(driver, plate="晋M22222")
    answer = driver.send("/my", plate="晋M11111", code=_code(other))
    assert answer.status_code == 422
    assert "不匹配" in text(answer) or "不符" in text(answer) or "不一致" in text(answer)


def test_guessing_codes_is_stopped(site: Site):
    driver = site.visitor()
    link = _books(driver, plate="晋M33333")
    for _ in range(GUESSES.allowed):
        assert driver.send("/my", plate="晋M33333", code="AAAA2222").status_code == 422
    answer = driver.send("/my", plate="晋M33333", code=_code(link))
    assert answer.status_code == 422
    assert "次数过多" in text(answer)


def test_flooding_bookings_is_stopped(site: Site):
    with site.app.test_request_context():
        for _ in range(BOOKED.allowed):
            BOOKED.count("127.0.0.1")
    answer = site.visitor().send("/book", **booking_fields())
    assert answer.status_code == 422
    assert "次数过多" in text(answer)


def test_the_counters_count_also_while_valkey_is_away(database_url, redis_url, tmp_path):
    from tests.visitors import close_site, open_site

    site = open_site(database_url, "redis://127.0.0.1:9", tmp_path)
    driver = site.visitor()
    for _ in range(GUESSES.allowed):
        driver.send("/my", plate="晋M33333", code="AAAA2222")
    assert "次数过多" in text(driver.send("/my", plate="晋M33333", code="AAAA2222"))
    close_site(site)


def test_the_driver_sees_bay_and_gate_and_goes_through_a_whole_visit(site: Site):
    driver = site.visitor()
    link = _books(driver)
    assert "B01" not in text(driver.get(link))
    _assign(site, link)
    assert "B01" in text(driver.get(link))
    assert _step(driver, link, "check_in").status_code == 303
    with transaction(site.engine) as session:
        visit = session.scalars(select(Visit)).one()
        visits.step(session, visit.id, VisitStep.ADMIT, _now(), STAFF, HERE)
    assert _step(driver, link, "park").status_code == 303
    assert "叫号" in text(driver.get(link))
    assert _step(driver, link, "depart_bay").status_code == 303
    assert _step(driver, link, "check_out").status_code == 303
    with transaction(site.engine) as session:
        assert session.scalars(select(Visit.state)).one() == VisitState.EXITED
        actors = set(session.scalars(select(Audit.actor).where(Audit.subject == "visit")))
    assert f"driver:{_code(link)}" in actors


def test_a_driver_may_not_admit_himself_nor_declare_a_parked_vehicle_gone(site: Site):
    driver = site.visitor()
    link = _books(driver)
    _assign(site, link)
    _step(driver, link, "check_in")
    refused = _step(driver, link, "admit")
    assert refused.status_code == 422
    assert "此操作由园区工作人员" in text(refused) or "工作人员" in text(refused)
    with transaction(site.engine) as session:
        visit = session.scalars(select(Visit)).one()
        visits.step(session, visit.id, VisitStep.ADMIT, _now(), STAFF, HERE)
        visits.step(session, visit.id, VisitStep.PARK, _now(), STAFF, HERE)
    assert _step(driver, link, "check_out").status_code == 422


def test_checking_in_without_a_bay_is_refused_with_the_reason(site: Site):
    driver = site.visitor()
    link = _books(driver)
    refused = _step(driver, link, "check_in")
    assert refused.status_code == 422
    assert "泊位" in text(refused)


def test_a_step_nobody_knows_is_no_step(site: Site):
    driver = site.visitor()
    assert _step(driver, _books(driver), "fly").status_code == 400


def test_a_driver_cancels(site: Site):
    driver = site.visitor()
    link = _books(driver)
    assert _step(driver, link, "cancel").status_code == 303
    assert "已取消" in text(driver.get(link))


def test_the_reason_of_a_rejection_reaches_the_driver_as_text(site: Site):
    driver = site.visitor()
    link = _books(driver)
    with transaction(site.engine) as session:
        bookings.reject(session, _row(site, link).id, f"运单不符 {HOSTILE}", _now(), STAFF, HERE)
    page = driver.get(link).get_data(as_text=True)
    assert "运单不符" in page
    assert "<img" not in page


def test_the_page_asks_again_and_is_answered_only_when_something_changed(site: Site):
    driver = site.visitor()
    link = _books(driver)
    found = re.search(r'hx-get="([^"]+/state[^"]+)"', driver.get(link).get_data(as_text=True))
    assert found
    poll = found[1].replace("&amp;", "&")
    assert driver.get(poll).status_code == 204
    _assign(site, link)
    fresh = driver.get(poll)
    assert fresh.status_code == 200
    assert "B01" in fresh.get_data(as_text=True)
    assert "<html" not in fresh.get_data(as_text=True)


def test_the_phone_number_is_not_on_the_page_a_link_opens(site: Site):
    driver = site.visitor()
    link = _books(driver, driver_phone="13912345678")
    assert "13912345678" not in driver.get(link).get_data(as_text=True)


def test_the_version_of_the_privacy_notice_shown_is_written_down(site: Site):
    driver = site.visitor()
    assert "个人信息" in text(driver.get("/book"))
    _books(driver)
    with transaction(site.engine) as session:
        facts = session.scalars(select(Audit.facts).where(Audit.action == "privacy_notice")).one()
    assert facts["version"] in text(driver.get("/book"))


def test_times_are_park_times(site: Site):
    driver = site.visitor()
    start = (_now() + timedelta(hours=8, minutes=20)).replace(second=0, microsecond=0)
    shown = start.strftime("%Y-%m-%dT%H:%M")
    link = _books(driver, window_start=shown, window_end=(start + hours(3)).strftime("%Y-%m-%dT%H:%M"))
    assert _row(site, link).window_start == start - timedelta(hours=8)
    assert start.strftime("%m-%d %H:%M") in text(driver.get(link))
