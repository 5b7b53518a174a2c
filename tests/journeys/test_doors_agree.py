"""One recorded track through every door, over real sockets: the same violations, whoever told of it."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from parking import seed
from parking.cli import tracks
from parking.db import transaction
from parking.models import Booking, FixRow, Lot, Vehicle, Violation
from parking.services import feeds, terminals
from parking.settings import Settings
from tests.gateways import play, running
from tests.journeys.conftest import ROOT
from tests.streams import free_ports, served
from workers.channels.live import LiveStream
from workers.demo import day
from workers.gateway.sink import ParkSink
from workers.jt808.framing import unescape
from workers.jt808.location import Batch, Location
from workers.jt808.messages import decode
from workers.terminal import Terminal

pytestmark = pytest.mark.servers

#: The recorded truck that breaks through the fence and leaves its route.
OFFENDER = "晋M71204"
DOORS = ("gateway", "osmand", "batch", "file")


def recorded(plate: str, ends: datetime) -> list[Location]:
    """Every other located position, in order of time, each once, moved so that the last is at ``ends``."""
    truck = next(t for t in day.read(ROOT / day.FOLDER).trucks if t.plate == plate)
    found: dict[datetime, Location] = {}
    for said in truck.said:
        value = decode(unescape(said.frame[1:-1])[:-1]).value
        for one in value.locations.values() if isinstance(value, Batch) else [value]:
            if isinstance(one, Location) and one.located and not one.alarm:
                found.setdefault(one.time, one)
    shift = ends - max(found)
    return [
        Location(at + shift, one.lat, one.lon, one.speed_kmh, one.heading, one.altitude_m)
        for at, one in sorted(found.items())[::2]
    ]


def booked(session, plate: str, track: list[Location]) -> None:
    """On the books, loaded, while it drives."""
    lot = session.scalars(select(Lot.id)).first()
    session.add(
        Booking(
            code=f"T{plate[2:]}", lot_id=lot, plate=plate, plate_colour=2, carrier="c", driver_name="d",
            driver_phone="13800000000", escort_name="e", waybill_no=plate, mass_kg=20_000,
            load_state="loaded", window_start=track[0].time, state="approved",
            window_end=track[-1].time + timedelta(hours=3), created_at=track[0].time,
        )
    )  # fmt: skip


def by_gateway(engine, folder, plate: str, track: list[Location]) -> None:
    async def story():
        async with running(ParkSink(engine, LiveStream("redis://127.0.0.1:1")), folder) as gateway:
            number = f"1390000{plate[2:6]}"
            async with Terminal("127.0.0.1", gateway.port, number, plate, patience=20.0) as one:
                for n in range(0, len(track), 50):
                    assert await one.send_fixes(track[n : n + 50]) == 0

    play(story())


def by_osmand(port: int, token: str, track: list[Location]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for one in track:
        said = {
            "id": "phone-1", "token": token, "lat": one.lat, "lon": one.lon, "bearing": one.heading,
            "timestamp": int(one.time.timestamp()), "speed": one.speed_kmh / 1.852,
            "altitude": one.altitude_m,
        }  # fmt: skip
        connection.request("GET", f"/api/osmand?{urlencode(said)}")
        answer = connection.getresponse()
        said = answer.read()
        assert answer.status == 200, said


def by_batch(port: int, token: str, plate: str, track: list[Location]) -> None:
    fixes = [
        {
            "plate": plate, "time": one.time.isoformat(), "lon": one.lon, "lat": one.lat,
            "heading": one.heading, "speed_kmh": one.speed_kmh, "altitude_m": one.altitude_m,
        }
        for one in track
    ]  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    head = {"Authorization": f"Bearer {token}", "Idempotency-Key": plate.encode().hex()}
    head["Content-Type"] = "application/json"
    for _ in range(2):  # sent again, as platforms do
        connection.request("POST", "/api/v1/fixes", json.dumps({"datum": "wgs84", "fixes": fixes}), head)
        answer = connection.getresponse()
        assert json.loads(answer.read())["stored"] == len(track)


def by_file(folder, plate: str, track: list[Location]) -> None:
    file = folder / "old.csv"
    lines = ["时间,经度,纬度,速度,方向,高程"]
    lines += [
        f"{(one.time + timedelta(hours=8)):%Y/%m/%d %H:%M:%S},{one.lon:.6f},{one.lat:.6f},"
        f"{one.speed_kmh:.1f},{one.heading},{one.altitude_m}"
        for one in track
    ]
    file.write_bytes("\n".join(lines).encode("gbk"))
    options = ["--plate", plate, "--datum", "wgs84", "--time-zone", "Asia/Shanghai"]
    assert [tracks.main(["import", str(file), *options]) for _ in range(2)] == [0, 0]


def test_every_door_finds_the_same_violations(engine, database_url, redis_url, tmp_path):
    ends = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    seed.load_park(ROOT / "fixtures" / "park", ends - timedelta(hours=6), "test", engine)
    track = recorded(OFFENDER, ends)
    web, live = free_ports()
    settings = Settings(
        database_url=database_url, redis_url=redis_url, data=tmp_path, web_port=web, live_port=live
    )
    plates = {door: f"晋M7000{n}" for n, door in enumerate(DOORS)}
    with transaction(engine) as session:
        for plate in plates.values():
            terminals.vehicle_of(session, plate, 2, track[0].time)
            booked(session, plate, track)
        who = (ends, "admin:li", "here")
        _, phone = feeds.add_device(session, "p", "phone-1", plates["osmand"], *who)
        _, carrier = feeds.add_platform(session, "c", [plates["batch"]], *who)
    with served(settings, "web", tmp_path / "web.log"):
        by_gateway(engine, tmp_path, plates["gateway"], track)
        by_osmand(web, phone, track)
        by_batch(web, carrier, plates["batch"], track)
        by_file(tmp_path, plates["file"], track)
    with transaction(engine) as session:
        found = {door: offences(session, plate) for door, plate in plates.items()}
        assert {kind for kind, *_ in found["gateway"]} == {"boundary_crossing", "route_deviation"}
        assert all(one == found["gateway"] for one in found.values()), found
        rows = select(Vehicle.plate).join(FixRow, FixRow.vehicle_id == Vehicle.id)
        assert Counter(session.scalars(rows)) == dict.fromkeys(plates.values(), len(track))


def offences(session, plate: str) -> list[tuple[object, ...]]:
    rows = session.execute(
        select(
            Violation.kind, Violation.subject, Violation.started_at, Violation.ended_at, Violation.certainty,
            Violation.lon, Violation.lat, Violation.facts,
        )
        .join(Vehicle)
        .where(Vehicle.plate == plate)
        .order_by(Violation.started_at, Violation.kind)
    )  # fmt: skip
    return [tuple(row) for row in rows]
