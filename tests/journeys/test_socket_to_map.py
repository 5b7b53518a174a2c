"""From the terminal's socket to the supervisor's map: acknowledged, judged, told, drawn."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from shapely import LineString
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.datum import LocalFrame
from geo.layers import read_park
from geo.shapes import LayerKind
from parking import clock
from parking.models import FixRow, Letter, Notice, Violation
from tests.journeys.conftest import ROOT, wait_for
from workers.jt808.location import Location
from workers.terminal import Terminal

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.timeout(300)]


def out_through_the_fence():
    """A straight drive over the boundary's west edge, away from every gate; the last fix is now."""
    park, _ = read_park(ROOT / "fixtures" / "park")
    frame = LocalFrame(park.metric_crs)
    boundary = frame.to_metres(park.of(LayerKind.BOUNDARY)[1].geometry)
    west = boundary.bounds[0]
    y = boundary.centroid.y + 560
    edge = boundary.intersection(LineString([(west - 10, y), (west + 800, y)])).bounds[0]
    end = clock.now()
    for n in range(16):
        lon, lat = frame.degrees([edge + 250 - n * 35], [y])
        time = end - timedelta(seconds=(15 - n) * 5)
        yield Location(time, float(lat[0]), float(lon[0]), speed_kmh=25.2, heading=270)


async def drive(port, version, phone, plate):
    async with Terminal("127.0.0.1", port, phone, plate, 2, version) as terminal:
        await terminal.heartbeat()
        fixes = list(out_through_the_fence())
        answers = [await terminal.send_fix(f) for f in fixes[:8]]
        answers.append(await terminal.send_fixes(fixes[8:]))
        return answers


@pytest.mark.parametrize(
    "version, phone, plate", [("2013", "13900000013", "晋M20130"), ("2019", "13900000019", "晋M20190")]
)
def test_a_truck_through_the_fence_is_on_the_map(house, window, version, phone, plate):
    supervisor = window()
    supervisor.sign_in("supervisor", house.passwords["supervisor"])
    supervisor.go("/violations")
    newest = house.valkey().xrevrange("hazpark:live", count=1)

    with ThreadPoolExecutor(1) as aside:  # the browser's driver has the loop of this thread
        answers = aside.submit(asyncio.run, drive(house.gateway, version, phone, plate)).result()
    assert set(answers) == {0}

    with Session(house.engine) as session:
        assert len(session.scalars(select(FixRow).where(FixRow.serial >= 0)).all()) >= 16
        crossing = session.scalars(
            select(Violation).where(Violation.kind == "boundary_crossing").order_by(Violation.id.desc())
        ).first()
        assert crossing is not None and crossing.certainty == "certain"
        number = crossing.id

    def told():
        with Session(house.engine) as session:
            return session.scalars(select(Notice).where(Notice.violation_id == number)).all()

    assert {n.role for n in wait_for(told)} == {"supervisor", "dispatcher"}
    since = newest[0][0] if newest else "-"
    entries = [
        json.loads(e["data"])
        for _, e in house.valkey().xrange("hazpark:live", f"({since}" if newest else "-")
    ]
    assert {e["type"] for e in entries} >= {"violation", "fix"}
    supervisor.page.get_by_text(plate).first.wait_for()  # the open list moved by itself

    page = supervisor.go(f"/violations/{number}")
    page.wait_for_function("document.querySelector('.folium-map').hazpark")
    drawn = page.evaluate("document.querySelector('.folium-map').hazpark.track.length")
    assert drawn >= 10
    assert "运政函〔2023〕2号" in page.content()
    page.fill("[name=remark]", "已电话核实，驾驶员绕行")
    page.click("form:has([name=remark]) button")
    page.get_by_text("已确认").first.wait_for()

    with Session(house.engine) as session:
        done = session.get(Violation, number)
        assert (done.state, done.acknowledged_by) == ("acknowledged", "supervisor:supervisor")
        assert session.scalars(select(Letter).where(Letter.done_at.is_(None))).all() == []
