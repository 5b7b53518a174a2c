"""A violation that later positions do not show: said so on its page, in the list and in the inbox."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from parking import outbox
from parking.db import transaction
from parking.events import ViolationRefuted
from parking.models import Letter, Vehicle, Violation
from parking.services import audit
from tests.visitors import Site, text
from workers import routing

pytestmark = pytest.mark.servers
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def refuted(site: Site) -> int:
    """A refuted speeding, and its letter carried."""
    with transaction(site.engine) as session:
        vehicle = Vehicle(plate="晋M12345", plate_colour=2, first_seen_at=NOW)
        session.add(vehicle)
        session.flush()
        made = Violation(
            vehicle_id=vehicle.id, kind="speeding", subject="Z1", started_at=NOW, ended_at=NOW, lon=110.92,
            lat=35.67, certainty="certain", late=False, state="refuted", seen_at=NOW,
            facts={"limit_kmh": 30.0, "peak_kmh": 50.0, "seconds": 20, "zone": "Z1", "measured": False},
        )  # fmt: skip
        session.add(made)
        session.flush()
        audit.record(session, "system", "refuted", "violation", made.id, NOW, "monitor", before=BEFORE)
        outbox.post(session, ViolationRefuted(made.id))
        session.flush()
    with transaction(site.engine) as session:
        for number in session.scalars(select(Letter.id)).all():
            routing.carry(session, number, NOW)
    return made.id


BEFORE = {"state": "open", "started_at": NOW.isoformat(), "ended_at": None}
SAID = {
    "zh-CN": (
        "已撤销：后补的定位不支持此违规",
        "撤销：全部定位综合判断不支持此违规",
        "无需再确认",
        "此前记录：",
    ),
    "en": (
        "Refuted: positions that came in later",
        "all positions together do not show it",
        "nothing to acknowledge",
        "Until then: ",
    ),
}


@pytest.mark.parametrize("language", SAID)
def test_its_page_says_so_and_offers_nothing_to_acknowledge(site, refuted, language):
    page = text(site.signed_in("supervisor", language).get(f"/violations/{refuted}"))
    assert all(sentence in page for sentence in SAID[language])
    assert 'name="remark"' not in page


def test_acknowledging_it_all_the_same_is_refused_with_the_reason(site, refuted):
    chief = site.signed_in("supervisor")
    answer = chief.send(f"/violations/{refuted}/acknowledge", page="/violations", remark="已核实")
    assert answer.status_code == 422 and "后补的定位不支持此违规" in text(answer)


def test_the_list_finds_it_by_its_state_and_counts_it_not_as_open(site, refuted):
    page = text(site.signed_in("supervisor").get("/violations?state=refuted"))
    assert "晋M12345" in page and "已撤销（证据不支持）" in page
    assert "晋M12345" not in text(site.signed_in("supervisor").get("/violations?state=open"))


def test_the_supervisors_inbox_says_what_was_refuted(site, refuted):
    assert "后补定位不支持，已撤销：晋M12345" in text(site.signed_in("supervisor").get("/inbox"))
    assert "已撤销" not in text(site.signed_in("dispatcher").get("/inbox"))
