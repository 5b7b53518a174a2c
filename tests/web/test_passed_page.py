"""Who passed: the form, the answer, what was corrected; for the supervisor alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from parking.db import transaction
from parking.models import FixRow, Vehicle
from tests.services.test_partitions import row
from tests.visitors import Site, close_site, open_site, text

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # 12:00 in the park
PLACE = "/passed?lon=110.95&lat=35.65&start=2026-03-02T11:00&end=2026-03-02T13:00"


@pytest.fixture
def site(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    made = open_site(database_url, redis_url, tmp_path)
    with transaction(made.engine) as session:
        truck = Vehicle(plate="晋M00001", plate_colour=2, first_seen_at=NOON)
        session.add(truck)
        session.flush()
        session.execute(insert(FixRow), [
            row(NOON + timedelta(seconds=30 * n), 1, n, vehicle_id=truck.id, lon=110.94 + n / 100, lat=35.651)
            for n in range(3)
        ])  # fmt: skip
    yield made
    close_site(made)


@pytest.mark.parametrize(("language", "sure"), [("zh-CN", "确定"), ("en", "certain")])
def test_the_truck_that_passed_is_listed_with_its_time_and_a_link_to_its_track(site, language, sure):
    supervisor = site.signed_in("supervisor", language)
    answer = supervisor.get(PLACE)
    seen = text(answer)
    assert "晋M00001" in seen and "111 m" in seen and sure in seen and "2026-03-02 12:00" in seen
    assert "/tracks?plate=" in answer.get_data(as_text=True)


def test_nobody_passed_elsewhere(site):
    elsewhere = site.signed_in("supervisor", "en").get(PLACE.replace("35.65", "35.60"))
    assert "No vehicle is known to have passed." in text(elsewhere)


@pytest.mark.parametrize(
    "asked",
    ["", "?lon=nan&lat=inf&radius=-5", "?lon=x&lat=91&radius=1e9&start=x&end=9999-12-31T23:59",
     "?lon=0&lat=0&start=2026-03-03T00:00&end=2026-03-02T00:00", "?lon=1&lat=1&start=1970-01-01T00:00"],
)  # fmt: skip
def test_whatever_is_typed_the_page_answers(site, asked):
    assert site.signed_in("supervisor").get("/passed" + asked).status_code == 200


@pytest.mark.parametrize("who", ["guard", "dispatcher", "admin"])
def test_only_the_supervisor_may_ask(site, who):
    assert site.signed_in(who).get(PLACE).status_code == 403
