"""The dispatcher calls by the line; drivers see their place on the hall's screen and on the phone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from parking.db import transaction
from parking.models import Audit, Visit
from parking.services import queue
from tests.factories import HERE, STAFF, hours, parked
from tests.visitors import Site, text
from web.gates import signature

pytestmark = pytest.mark.servers


@pytest.fixture
def waiting(site: Site):
    """Two vehicles in the line of D1, one parked in none: (plate, visit id, booking code) each."""
    now = datetime.now(UTC)
    with transaction(site.engine) as session:
        made = []
        for minutes, bay in ((50, "B01"), (40, "B02"), (30, "B03")):
            start = now - timedelta(minutes=minutes)
            booking = parked(session, bay, now=start, window_start=start, window_end=now + hours(3))
            visit_id = session.scalar(select(Visit.id).where(Visit.booking_id == booking.id))
            made.append((booking.plate, visit_id, booking.code))
        for _, visit_id, _ in made[:2]:
            queue.join(session, visit_id, "D1", now, STAFF, HERE)
    return made


def test_the_page_shows_the_line_with_reasons_and_calls_the_next(site: Site, waiting):
    li = site.signed_in("dispatcher")
    page = text(li.get("/queue"))
    assert page.index(waiting[0][0]) < page.index(waiting[1][0])
    assert "已入位，未排队" in page
    assert "暂按每车 60 分钟估计（记录不足，假定值）" in page
    assert "已到预约时间且已到达" in page
    assert li.send("/queue/call", page="/queue", dock="D1").status_code == 303
    assert f"{waiting[0][0]} → D1" in text(li.get("/queue/screen"))
    again = li.send("/queue/call", page="/queue", dock="D1")
    assert again.status_code == 422
    assert "装卸台 D1 正忙" in text(again)


def test_one_is_put_first_moved_taken_out_and_put_in_line_again(site: Site, waiting):
    li = site.signed_in("dispatcher")
    plate, visit_id, _ = waiting[1]
    ticket = (
        li.get("/queue")
        .get_data(as_text=True)
        .split(f'"plate">{plate}<')[-1]
        .split('name="ticket" value="')[1]
    )
    ticket = ticket.split('"')[0]
    assert li.send("/queue/first", page="/queue", ticket=ticket, reason="温控货物").status_code == 303
    page = text(li.get("/queue"))
    assert "优先：温控货物" in page
    assert li.send("/queue/move", page="/queue", ticket=ticket, dock="D9").status_code == 422
    assert li.send("/queue/move", page="/queue", ticket=ticket, dock="D2").status_code == 303
    assert li.send("/queue/leave", page="/queue", ticket=ticket).status_code == 303
    assert li.send("/queue/leave", page="/queue", ticket=ticket).status_code == 422
    assert li.send("/queue/join", page="/queue", visit=str(visit_id), dock="D2").status_code == 303
    with transaction(site.engine) as session:
        acts = session.scalars(
            select(Audit.action).where(Audit.subject_id == visit_id).order_by(Audit.id)
        ).all()
    assert acts[-4:] == ["put_first", "move_queue", "leave_queue", "join_queue"]


def test_the_driver_sees_his_place_and_the_page_is_quiet_while_nothing_changes(site: Site, waiting):
    _, _, code = waiting[1]
    phone = text(site.visitor().get(f"/b/{code}?k={signature_of(site, code)}"))
    assert "您在装卸台 D1 排第 2 位" in phone
    li = site.signed_in("dispatcher")
    version = li.get("/queue").get_data(as_text=True).split("/queue?v=")[1].split('"')[0]
    assert li.get(f"/queue?v={version}").status_code == 204
    assert li.get("/queue?v=old").status_code == 200


def signature_of(site: Site, code: str) -> str:
    with site.app.app_context():
        return signature(code)
