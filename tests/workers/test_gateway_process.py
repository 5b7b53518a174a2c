"""The gateway as its own process: replayed tracks, and kill -9 in the middle of the work."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from geo.fix import Fix
from parking.db import transaction
from parking.services import park as parks
from tests import land
from tests.gateways import at
from workers.replay import Pace, onto
from workers.terminal import Terminal, Unanswered

pytestmark = pytest.mark.servers


@pytest.fixture
def process(engine, database_url, redis_url, tmp_path):
    """Starts gateways on one port: ``process()`` → the running one."""
    with transaction(engine) as session:
        parks.load(session, land.park(), [], land.START, "test")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "HAZPARK_GATEWAY_PORT": str(port), "HAZPARK_DATA": str(tmp_path)}
    with contextlib.ExitStack() as stack:

        def start():
            made = subprocess.Popen(
                [sys.executable, "-m", "workers", "gateway"], env=env, stdout=subprocess.PIPE
            )
            stack.callback(made.stdout.close)
            stack.callback(made.wait)
            stack.callback(made.kill)
            assert b"listening" in made.stdout.readline()
            return made

        start.port, start.env = port, env
        yield start


def test_a_replayed_file_arrives_whole(process, engine, tmp_path):
    process()
    rows = [
        f"bus-{v},2020-01-01T00:{n // 60:02d}:{n % 60:02d}Z,{2 + n / 1e4},{53 + v},\n"
        for v in range(3)
        for n in range(100)
    ]
    (tmp_path / "t.csv").write_text("id,t,lon,lat,speed_kmh\n" + "".join(rows) + "bad,row,x,y,\n")
    command = ["replay", str(tmp_path / "t.csv"), "--onto-park", "--park", "fixtures/park", "--lang", "en"]
    done = subprocess.run(
        [sys.executable, "-m", "workers", *command], env=process.env, capture_output=True, text=True
    )
    summary = json.loads(done.stdout)
    assert {**summary, "seconds": 0} == {
        "vehicles": 3, "fixes": 300, "acknowledged": 300, "refused": 0, "unanswered": 0, "unusable_rows": 1,
        "seconds": 0,
    }  # fmt: skip
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM fix")).scalar_one() == 300


def test_no_gateway_is_one_sentence_and_no_traceback(tmp_path):
    (tmp_path / "t.csv").write_text("id,t,lon,lat,speed_kmh\na,2020-01-01T00:00:00Z,1,1,1\n")
    command = [
        sys.executable,
        "-m",
        "workers",
        "replay",
        str(tmp_path / "t.csv"),
        "--port",
        "1",
        "--lang",
        "en",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and "No gateway answers on" in done.stderr and "Traceback" not in done.stderr


def test_kill_9_under_load_loses_no_answered_fix(process, engine):
    answered: set[tuple[str, int]] = set()

    async def drive(number):
        one = Terminal("127.0.0.1", process.port, f"1390000{number:04d}", f"晋M{number:05d}", patience=3)
        for n in range(10_000):
            try:
                if not one.connected:
                    await one.sign_on()
                if await one.send_fix(at(n)) == 0:
                    answered.add((one.phone, n))
            except (Unanswered, OSError, TimeoutError):
                await asyncio.sleep(0.05)
            if time.monotonic() > ends and (len(answered) > 50 or time.monotonic() > ends + 60):
                break
        await one.close()

    async def story():
        driving = [asyncio.create_task(drive(number)) for number in range(1, 21)]
        gateway = process()
        for _ in range(3):
            await asyncio.sleep(1.5)
            gateway.kill()
            gateway.wait()
            gateway = await asyncio.to_thread(process)
        await asyncio.gather(*driving)

    ends = time.monotonic() + 15
    asyncio.run(story())
    start = at(0).time
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT phone, time FROM fix JOIN terminal ON terminal.id = terminal_id")
        )
        stored = {(phone, round((moment - start).total_seconds())) for phone, moment in rows}
    assert len(answered) > 50 and answered <= stored


def test_a_rate_holds_over_all_vehicles():
    async def story():
        pace, started = Pace(200.0), time.monotonic()
        await asyncio.gather(*(pace.wait(10) for _ in range(11)))
        return time.monotonic() - started

    assert 0.45 < asyncio.run(story()) < 1.0


def test_a_track_is_moved_and_keeps_its_metres():
    start = datetime(2015, 1, 1, tzinfo=UTC)
    track = [Fix(start + timedelta(seconds=n), 54.0 + n / 1000, 56.0) for n in range(11)]
    now = datetime(2026, 3, 2, tzinfo=UTC)
    moved = onto(track, (110.92, 35.68), now)
    assert moved[-1].time == now and moved[0].time == now - timedelta(seconds=10)
    assert moved[5].lon == pytest.approx(110.92) and moved[5].lat == pytest.approx(35.68)
    assert moved[10].lon - moved[0].lon == pytest.approx(0.01 * 0.5592 / 0.8123, rel=1e-3)
