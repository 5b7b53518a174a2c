"""Routes and closed zones of a booking on the pages: ticked by the dispatcher, read by driver and guard."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from shapely import LineString, box

from parking.db import transaction
from parking.models import Booking
from parking.queries import bookings as booking_query
from parking.rules.permit import EVERYTHING, Permit
from parking.vocabulary import BookingState
from tests import factories
from tests.factories import hours
from tests.visitors import Site, Visitor, hidden, text
from web.gates import booking_url

pytestmark = pytest.mark.servers


@pytest.fixture
def dispatcher(site: Site) -> Visitor:
    with transaction(site.engine) as session:
        for n in (1, 2):
            road = LineString([(110.91, 35.67 + n / 1000), (110.93, 35.68)])
            factories.draw(session, "route", f"R0{n}", road, direction="in", half_width_m=50)
        zone = box(110.929, 35.679, 110.94, 35.69)
        factories.draw(session, "zone", "Z1", zone, zone_kind="closed")
        factories.draw(session, "zone", "LOT", box(110.9, 35.6, 110.925, 35.7), zone_kind="lot")
    return site.signed_in("dispatcher")


@pytest.fixture
def booking(site: Site, dispatcher: Visitor) -> Booking:
    now = datetime.now(UTC)
    with transaction(site.engine) as session:
        return factories.booked(session, now, window_start=now + hours(0.2), window_end=now + hours(4))


def send(who: Visitor, booking: Booking, path: str, seen: int = 0, **fields):
    page = f"/board?booking={booking.id}"
    shown = {"zones_shown": ["Z1"], "routes": [], "zones": ["Z1"], "permit_seen": str(seen)}
    return who.send(path, page, booking_id=str(booking.id), **{**shown, **fields})


def view(site: Site, booking: Booking):
    with transaction(site.engine) as session:
        return booking_query.by_id(session, booking.id)


def as_driver(site: Site, booking: Booking, language: str = "zh-CN") -> str:
    with site.app.test_request_context():
        address = booking_url(booking.code)
    return text(site.visitor(language).get(address))


def test_the_bay_is_assigned_together_with_the_routes_and_zones_ticked(site, dispatcher, booking):
    page = dispatcher.get(f"/board?booking={booking.id}")
    assert "指定核准路线与封闭区" in text(page) and hidden(page, "permit_seen") == "0"
    ticked = re.findall(r'name="zones" value="(\w+)" checked', page.get_data(as_text=True))
    assert ticked == ["Z1"], "nothing named: every closed zone may be entered"
    done = send(dispatcher, booking, "/board/assign", bay="B01", seen=0, routes=["R02"], zones=[])
    assert done.status_code == 303
    assert view(site, booking).state is BookingState.APPROVED
    assert view(site, booking).permit == Permit(("R02",), ())
    assert "核准路线 R02 R02 封闭区 不得进入任何封闭区" in as_driver(site, booking)
    assert "Approved routes R02 R02 Closed zones may enter none" in as_driver(site, booking, "en")
    guard = site.signed_in("guard")
    assert "核准路线 R02 R02 封闭区 不得进入任何封闭区" in text(guard.get(f"/gate/{booking.id}"))


def test_with_nothing_ticked_everything_is_allowed_and_said_so(site, dispatcher, booking):
    assert send(dispatcher, booking, "/board/assign", bay="B01").status_code == 303
    assert view(site, booking).permit == EVERYTHING
    assert "园区全部核准路线 封闭区 可进入全部封闭区" in as_driver(site, booking)
    page = f"/board?booking={booking.id}"
    again = dispatcher.send("/board/assign", page, booking_id=str(booking.id), bay="B02", seen="B01")
    assert again.status_code == 303, "a form that does not ask leaves what is named"


def test_what_is_named_is_changed_later_and_the_slower_one_is_told(site, dispatcher, booking):
    send(dispatcher, booking, "/board/assign", bay="B01")
    answer = send(dispatcher, booking, "/board/permit", routes=["R01"])
    assert answer.status_code == 303
    assert "核准路线与封闭区已设定" in text(dispatcher.get(answer.location))
    late = send(site.signed_in("dispatcher2"), booking, "/board/permit", routes=["R02"])
    assert late.status_code == 422 and "dispatcher:dispatcher 已更改" in text(late)
    assert view(site, booking).permit == Permit(("R01",))


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"routes": ["R77"]}, "routes", "核准路线：没有路线 R77。"),
        ({"routes": ["<b>{0}"]}, "routes", "核准路线：没有路线 <b>{0}。"),
        ({"zones": ["LOT", "Z1"]}, "zones", "封闭区：LOT 不是封闭区，进入无需预约。"),
        ({"zones": ["Z1", "Z5"]}, "zones", "封闭区：没有分区 Z5。"),
    ],
)
def test_a_wrong_code_is_told_at_its_field_and_nothing_is_approved(
    site, dispatcher, booking, fields, field, said
):
    answer = send(dispatcher, booking, "/board/assign", bay="B01", **fields)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and said in text(answer)
    assert f'href="#f-{field}"' in page and f'id="f-{field}"' in page
    assert '<details class="fold permit" open>' in page
    assert view(site, booking).state is BookingState.ENTERPRISE_APPROVED


def test_a_form_that_names_nothing_is_no_change_of_routes(dispatcher, booking):
    page = f"/board?booking={booking.id}"
    assert dispatcher.send("/board/permit", page, booking_id=str(booking.id)).status_code == 400
