"""Hostile and careless people at the forms of the lot: every answer is a page, never a crash."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from parking.db import transaction
from parking.models import Booking
from parking.services import visits
from parking.vocabulary import BookingState
from tests.factories import HERE, held, hours
from tests.visitors import Site, booking_fields

pytestmark = pytest.mark.servers
#: What no number field should fall over: digits that are none to int(), numbers no column can hold.
NUMBERS = ["²", "１２", "٣", "-1", "1e309", "nan", "inf", "9" * 18, "abc", "0x10", "1_0", " ", "1;--"]
BAN = {"subject": "plate", "name": "晋M1", "reason": "x"}
HUGE = ["99999999999999999999", "9223372036854775808"]


def kept(site: Site, **changes: str):
    """The draft the form became: (answer, booking or None)."""
    answer = site.visitor().send("/book", **{**booking_fields(keep="1"), **changes})
    with transaction(site.engine) as session:
        found = session.scalars(select(Booking).order_by(Booking.id.desc()).limit(1)).first()
    return answer, found


def arrived(site: Site):
    from parking import clock

    with transaction(site.engine) as session:
        now = clock.now()
        made = held(session, "B01", now=now, window_start=now, window_end=now + hours(3))
        return made.id, visits.check_in(session, made.id, now, "guard:zhao", HERE).id


def test_numbers_that_are_none_are_refused_not_stumbled_over(site: Site):
    li, zhao, wu = (site.signed_in(n) for n in ("dispatcher", "guard", "supervisor"))
    booking_id, _ = arrived(site)
    gate = f"/gate/{booking_id}"
    for odd in [*NUMBERS, *HUGE]:
        forms = [
            (li, "/overrides", "/board", {"booking_id": odd, "bay": "B02", "reason": "x"}),
            (li, "/overrides/check", "/board", {"visit_id": odd, "code": "V8", "reason": "x"}),
            (li, "/board/assign", "/board", {"booking_id": odd, "bay": "B02"}),
            (li, "/board/step", "/board", {"visit_id": odd, "step": "admit"}),
            (li, "/queue/leave", "/queue", {"ticket": odd}),
            (li, "/queue/join", "/queue", {"visit": odd, "dock": "D1"}),
            (zhao, f"{gate}/lift", gate, {"restraint": odd, "why": "x"}),
            (zhao, f"{gate}/plate", gate, {"plate": "晋M77777", "plate_colour": odd, "plate_remark": "x"}),
            (
                wu,
                "/blacklist",
                "/blacklist",
                {"subject": "plate", "name": "晋M1", "reason": "x", "days": odd},
            ),
        ]
        for who, path, page, fields in forms:
            assert who.send(path, page=page, **fields).status_code in (303, 400, 404, 422), (path, odd)


@pytest.mark.parametrize("huge", HUGE)
def test_an_address_with_a_number_no_row_can_have_is_not_found(site: Site, huge):
    li, zhao, wu = (site.signed_in(n) for n in ("dispatcher", "guard", "supervisor"))
    assert zhao.get(f"/gate/{huge}").status_code == 404
    assert zhao.get(f"/gate/{huge}/checklist").status_code == 404
    assert li.get(f"/board?booking={huge}").status_code == 200
    for who, path, page, fields in (
        (zhao, f"/gate/{huge}/step", "/gate/walk-in", {"step": "admit"}),
        (zhao, f"/gate/{huge}/restrain", "/gate/walk-in", {"reason": "x"}),
        (li, f"/overrides/{huge}/use", "/board", {}),
        (wu, f"/overrides/{huge}/answer", "/blacklist", {"grant": "1", "answer": "x"}),
        (wu, f"/blacklist/{huge}", "/blacklist", {"act": "lift", "remark": "x"}),
    ):
        assert who.send(path, page=page, **fields).status_code in (404, 422), path


TIMES = [
    "0001-01-01T00:00",
    "0001-01-02T00:00",
    "9999-12-31T23:59",
    "9999-12-31T00:00",
    "2026-02-30T00:00",
    "",
    "²",
]


@pytest.mark.parametrize("when", TIMES)
def test_a_time_at_the_end_of_the_world_spoils_no_page(site: Site, when):
    for keep in ("", "1"):
        for fields in (
            {"window_start": when},
            {"window_end": when},
            {"window_start": when, "window_end": when},
        ):
            answer, _ = kept(site, keep=keep, **fields)
            assert answer.status_code in (303, 422), (keep, fields)
            if answer.status_code == 303:
                assert site.visitor().get(answer.headers["Location"]).status_code == 200
    assert site.signed_in("dispatcher").get("/board").status_code == 200
    assert site.signed_in("guard").get("/gate?q=晋M").status_code in (200, 303)


def test_a_time_that_names_its_zone_is_meant_in_that_zone(site: Site):
    """07:30Z is 15:30 in the park; taking the digits alone would be eight hours wrong."""
    fields = booking_fields()
    begins = fields["window_start"]
    answer, made = kept(site, keep="", **{**fields, "window_start": f"{begins}+08:00"})
    assert answer.status_code == 303
    local, zulu = made.window_start, f"{made.window_start:%Y-%m-%dT%H:%M}Z"
    answer, again = kept(site, keep="", **{**booking_fields(), "window_start": zulu})
    assert answer.status_code == 303 and again.window_start == local


def test_a_draft_of_impossible_numbers_is_kept_without_them(site: Site):
    odd = {"mass_kg": "999999999", "length_m": "nan", "width_m": "inf", "height_m": "-4"}
    more = {f"{k}_{n}": v for n in range(2, 7) for k, v in (("un_number", "1203"), ("mass_kg", "999999999"))}
    answer, made = kept(site, **odd, **more)
    assert answer.status_code == 303
    assert (made.length_m, made.width_m, made.height_m) == (None, None, None)
    assert site.visitor().get(answer.headers["Location"]).status_code == 200


def test_a_draft_that_is_sent_from_the_page_before_is_sent(site: Site):
    """Kept, gone back, and sent: the same form must not be answered by the draft it was."""
    fields = booking_fields()
    who = site.visitor()
    assert who.send("/book", **fields, keep="1").status_code == 303
    assert who.send("/book", **fields, keep="1").status_code == 303
    with transaction(site.engine) as session:
        assert len(session.scalars(select(Booking)).all()) == 1, "kept twice is one draft"
    assert who.send("/book", **{**fields, "carrier": "另一家公司"}).status_code == 303
    with transaction(site.engine) as session:
        made = session.scalars(select(Booking)).one()
        assert (made.state, made.carrier) == (BookingState.ENTERPRISE_APPROVED, "另一家公司")


PLATES = [
    "晋M１２３４５",
    "晋m12345 ",
    "\u200b晋M12345",
    "晋\u0000M12345",
    "😀" * 40,
    "晋M12345\u202e",
    "%_\\",
    "<b>晋</b>",
]


@pytest.mark.parametrize("plate", PLATES)
def test_a_plate_of_odd_signs_is_read_or_refused_everywhere(site: Site, plate):
    answer, _ = kept(site, keep="", plate=plate)
    assert answer.status_code in (303, 422)
    zhao, wu = site.signed_in("guard"), site.signed_in("supervisor")
    assert zhao.get("/gate", query_string={"q": plate}).status_code in (200, 303)
    ban = {"subject": "plate", "name": plate, "reason": plate, "days": "3"}
    assert wu.send("/blacklist", page="/blacklist", **ban).status_code in (303, 422)
    assert "<b>晋" not in wu.get("/blacklist").get_data(as_text=True)
    booking_id, _ = arrived(site)
    page = f"/gate/{booking_id}"
    mend = {"plate": plate, "plate_colour": "2", "plate_remark": plate}
    assert zhao.send(f"{page}/plate", page=page, **mend).status_code in (303, 422)
    assert zhao.get(page).status_code == 200


def test_cargo_of_impossible_masses_is_refused_at_the_gate(site: Site):
    zhao, (booking_id, _) = site.signed_in("guard"), arrived(site)
    page = f"/gate/{booking_id}"
    more = {f"{k}_{n}": v for n in range(2, 7) for k, v in (("un_number", "1203"), ("mass_kg", "999999999"))}
    loaded = {"load_state": "loaded", "un_number": "1203", "mass_kg": "999999999"}
    assert zhao.send(f"{page}/cargo", page=page, **loaded, **more).status_code == 422
    for mass in NUMBERS:
        sent = {**loaded, "mass_kg": mass}
        assert zhao.send(f"{page}/cargo", page=page, **sent).status_code in (303, 422), mass


def test_what_a_vehicle_comes_for_is_one_of_the_listed(site: Site):
    assert kept(site, keep="", purpose="tea")[0].status_code == 422
    assert kept(site, keep="1", purpose="tea")[1].purpose is None
    answer, made = kept(site, keep="", purpose="to_wait")
    assert (answer.status_code, made.purpose) == (303, "to_wait")


def test_a_form_is_safe_to_show_again_with_what_was_typed(site: Site):
    bad = '"><script>alert(1)</script>'
    for field in (
        "carrier",
        "driver_name",
        "waybill_no",
        "mass_kg",
        "length_m",
        "window_start",
        "un_number_2",
    ):
        answer, _ = kept(site, keep="", **{field: bad})
        assert "<script>alert(1)" not in answer.get_data(as_text=True), field
