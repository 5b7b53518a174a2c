"""The dispatcher's board: suggest, assign, refuse, overtake, call forward."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest

from parking.db import transaction
from parking.models import Booking
from parking.queries import bookings as booking_query
from parking.services import bays
from parking.vocabulary import BookingState, VisitState
from tests import factories
from tests.factories import HERE, hours
from tests.visitors import Site, Visitor, text

pytestmark = pytest.mark.servers
HOSTILE = "<img src=x onerror=alert(1)> ${alert(2)} `${3}` C:\\2026 {{7*7}} </script>"
_SHOWN = re.compile(r'data-part="(\w+)" data-v="(\w+)"')


@pytest.fixture
def dispatcher(site: Site) -> Visitor:
    return site.signed_in("dispatcher")


def _booked(site: Site, **changes) -> Booking:
    now = datetime.now(UTC)
    window = {"window_start": now + hours(0.2), "window_end": now + hours(4)}
    with transaction(site.engine) as session:
        return factories.booked(session, now, **{**window, **changes})


def _here(site: Site, bay: str, **changes) -> Booking:
    """Parked since just now."""
    made = _booked(site, window_start=datetime.now(UTC) + hours(0.01), **changes)
    from parking.services import visits
    from parking.vocabulary import VisitStep

    now = datetime.now(UTC)
    with transaction(site.engine) as session:
        bays.assign(session, made.id, bay, now, "dispatcher:li", HERE)
        visit = visits.check_in(session, made.id, now, "guard:g", HERE)
        factories.walk(session, visit.id, now, VisitStep.ADMIT, VisitStep.PARK)
    return made


def _view(site: Site, booking: Booking):
    with transaction(site.engine) as session:
        return booking_query.by_id(session, booking.id)


def _assign(who: Visitor, booking: Booking, bay: str, seen: str = ""):
    page = f"/board?booking={booking.id}"
    return who.send("/board/assign", page, booking_id=str(booking.id), bay=bay, seen=seen)


def test_a_bay_is_suggested_with_its_reasons_and_assigned_with_one_click(site: Site, dispatcher: Visitor):
    booking = _booked(site)
    page = dispatcher.get(f"/board?booking={booking.id}")
    assert booking.plate in text(page)
    assert "推荐泊位" in text(page) and "Z3 区专停第 3 类" in text(page)
    first = re.search(r'name="bay" value="(\w+)"', page.get_data(as_text=True))
    answer = _assign(dispatcher, booking, first[1])
    assert answer.status_code == 303
    assert _view(site, booking).bay_code == first[1]
    assert "泊位已分配" in text(dispatcher.get(answer.location))


def test_bays_that_are_not_possible_say_why(site: Site, dispatcher: Visitor):
    _here(site, "B05", un_number="1942")  # oxidising beside flammable
    booking = _booked(site)
    page = text(dispatcher.get(f"/board?booking={booking.id}"))
    assert "不可用的泊位及原因" in page
    assert "泊位 B05 在该时段已被占用" in page or "B05" in page


def test_a_refused_assignment_tells_every_reason_and_changes_nothing(site: Site, dispatcher: Visitor):
    booking = _booked(site)
    answer = _assign(dispatcher, booking, "B12")
    assert answer.status_code == 422
    assert "隔离泊位" in text(answer)
    assert _view(site, booking).state is BookingState.ENTERPRISE_APPROVED


def test_the_slower_of_two_dispatchers_is_told_who_was_faster(site: Site, dispatcher: Visitor):
    booking, other = _booked(site), site.signed_in("dispatcher2")
    assert _assign(dispatcher, booking, "B01").status_code == 303
    late = _assign(other, booking, "B02", seen="")
    assert late.status_code == 422
    assert "dispatcher:dispatcher" in text(late) and "B01" in text(late)
    assert _view(site, booking).bay_code == "B01"
    assert _assign(other, booking, "B02", seen="B01").status_code == 303  # now with open eyes
    assert _view(site, booking).bay_code == "B02"


def test_two_vehicles_never_get_one_bay(site: Site, dispatcher: Visitor):
    one, two = _booked(site), _booked(site)
    assert _assign(dispatcher, one, "B01").status_code == 303
    assert _assign(dispatcher, two, "B01").status_code == 422
    assert _view(site, two).bay_code is None


def test_a_rejected_booking_needs_a_reason_the_driver_reads(site: Site, dispatcher: Visitor):
    booking = _booked(site)
    page = f"/board?booking={booking.id}"
    empty = dispatcher.send("/board/booking", page, step="reject", booking_id=str(booking.id), remark=" ")
    assert empty.status_code == 422
    done = dispatcher.send("/board/booking", page, step="reject", booking_id=str(booking.id), remark=HOSTILE)
    assert done.status_code == 303
    assert _view(site, booking).remarks == (HOSTILE,)


def test_a_parked_vehicle_is_called_to_a_dock_that_takes_its_class(site: Site, dispatcher: Visitor):
    booking = _here(site, "B05", un_number="1830")
    visit, page = _view(site, booking).visit, f"/board?booking={booking.id}"
    shown = dispatcher.get(page).get_data(as_text=True)
    assert '<option value="D1" disabled>' in shown, "D1 takes class 3 only"
    for dock in ("", "D1", "nowhere"):
        wrong = dispatcher.send("/board/step", page, visit_id=str(visit.id), step="call", dock=dock)
        assert wrong.status_code == 422
    right = dispatcher.send("/board/step", page, visit_id=str(visit.id), step="call", dock="D2")
    assert right.status_code == 303
    moved = _view(site, booking).visit
    assert (moved.state, moved.dock) == (VisitState.CALLED, "D2")


def test_a_step_the_table_forbids_is_explained(site: Site, dispatcher: Visitor):
    booking = _here(site, "B01")
    visit = _view(site, booking).visit
    page = f"/board?booking={booking.id}"
    answer = dispatcher.send("/board/step", page, visit_id=str(visit.id), step="finish_work")
    assert answer.status_code == 422 and "已入位" in text(answer)
    assert dispatcher.send("/board/step", page, visit_id=str(visit.id), step="fly").status_code == 400
    assert dispatcher.send("/board/step", page, visit_id="x", step="park").status_code == 400


def test_a_bay_out_of_service_takes_nobody_until_it_is_back(site: Site, dispatcher: Visitor):
    booking, page = _booked(site), "/board?bay=B01"
    assert dispatcher.send("/board/service", page, bay="B01", closing="1", reason="").status_code == 422
    assert dispatcher.send("/board/service", page, bay="B01", closing="1", reason=HOSTILE).status_code == 303
    assert _assign(dispatcher, booking, "B01").status_code == 422
    assert dispatcher.send("/board/service", page, bay="B01", closing="0").status_code == 303
    assert _assign(dispatcher, booking, "B01").status_code == 303


def test_only_the_parts_that_changed_are_sent_again(site: Site, dispatcher: Visitor):
    booking = _booked(site)
    page = dispatcher.get("/board").get_data(as_text=True)
    shown = ",".join(f"{part}:{version}" for part, version in _SHOWN.findall(page))
    assert dispatcher.get(f"/board/parts?v={shown}").status_code == 204
    with transaction(site.engine) as session:
        bays.assign(session, booking.id, "B01", datetime.now(UTC), "dispatcher:other", HERE)
    answer = dispatcher.get(f"/board/parts?v={shown}")
    changed = {part for part, _ in _SHOWN.findall(answer.get_data(as_text=True))}
    assert changed == {"waiting", "lot"}
    assert 'hx-swap-oob="true"' in answer.get_data(as_text=True)


def test_every_vehicle_here_is_shown_with_load_driver_phone_and_escort(site: Site, dispatcher: Visitor):
    _here(site, "B01", driver_name="赵甲", driver_phone="13911112222", escort_name="钱乙", plate="晋M77777")
    for tab in ("map", "time"):
        page = text(dispatcher.get(f"/board?tab={tab}"))
        for fact in ("晋M77777", "UN 1203", "赵甲", "13911112222", "钱乙", "已入位"):
            assert fact in page


def test_hostile_words_stay_words_on_the_board(site: Site, dispatcher: Visitor):
    booking = _booked(site, carrier=HOSTILE[:60], driver_name=HOSTILE[:28], escort_name="`${1}`")
    for address in (f"/board?booking={booking.id}", f"/board/parts?booking={booking.id}", "/board?tab=time"):
        html = dispatcher.get(address).get_data(as_text=True)
        assert "<img" not in html
        assert "49" not in re.findall(r"承运企业</dt><dd>(.*?)</dd>", html)
    assert HOSTILE[:60] in unescape(dispatcher.get(f"/board?booking={booking.id}").get_data(as_text=True))


def test_odd_addresses_show_the_plain_board(dispatcher: Visitor):
    for query in ("booking=999999", "booking=x", "bay=nowhere", "tab=other", "done=nonsense", "bay=%00"):
        assert dispatcher.get(f"/board?{query}").status_code == 200


def test_the_map_names_every_bay_for_those_who_hear_it(dispatcher: Visitor):
    html = dispatcher.get("/board").get_data(as_text=True)
    assert html.count('aria-label="B01, 空闲"') == 1
    assert html.count('class="spot ') == 13 and html.count('id="bay-') >= 13
    assert not re.search(r'\sstyle="', html), "the policy allows no inline style"
