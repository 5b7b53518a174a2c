"""The database stands still, or its disk is full: no answer, no growth, nothing lost, and it is said."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from parking import db, schema
from parking.db import reading, transaction
from parking.queries import health
from parking.services import park as parks
from tests import land
from tests.gateways import QUICK, at, play, running, terminal, until
from workers.channels.live import LiveStream
from workers.gateway.sink import ParkSink
from workers.jt808.header import Version
from workers.jt808.location import encode
from workers.jt808.messages import frames
from workers.processes import end
from workers.servers import PostgreSQL, socket_folder, wait_until

pytestmark = pytest.mark.servers

#: How long the database stands still: 60 in ``make chaos``.
AWAY_S = float(os.environ.get("HAZPARK_TEST_AWAY_S", "2"))


@pytest.fixture
def own(tmp_path_factory):
    """A PostgreSQL of this test's own: (its first process, an engine on a loaded park)."""
    folder = tmp_path_factory.mktemp("pg")
    server = PostgreSQL(folder, socket_folder(folder), durable=False, log=folder / "pg.log")
    server.prepare()
    process = server.start()
    assert wait_until(server.ready, process), server.log.read_text()
    server.create_database()
    engine = db.make_engine(server.url)
    schema.upgrade(engine)
    with transaction(engine) as session:
        parks.load(session, land.park(), [], land.START, "test")
    yield process, engine
    engine.dispose()
    _tell(process, signal.SIGCONT)
    end(process, server.stop_signal, 10.0)
    shutil.rmtree(server.sockets, ignore_errors=True)


def _tell(process: subprocess.Popen[bytes], number: int) -> None:
    """To every process of the server: each leads a group of its own."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for pid in (process.pid, *map(int, children)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _sink(engine):
    return ParkSink(engine, LiveStream("redis://127.0.0.1:1"))


def _count(engine):
    with engine.connect() as connection:
        return connection.execute(text("SELECT count(*) FROM fix")).scalar_one()


def test_while_the_database_stands_still_nobody_is_answered_and_then_everybody(own, tmp_path):
    process, engine = own
    limits = replace(QUICK, queue=400, share=1.0, batch=100)

    async def story():
        async with running(_sink(engine), tmp_path, limits) as gateway, contextlib.AsyncExitStack() as stack:
            many = [
                await stack.enter_async_context(terminal(gateway, n, patience=AWAY_S + 50))
                for n in range(1, 9)
            ]
            assert await many[0].send_fix(at(0)) == 0
            _tell(process, signal.SIGSTOP)
            sending = [asyncio.create_task(one.send_fix(at(n))) for n in range(1, 251) for one in many]
            ends, most = time.monotonic() + AWAY_S, 0
            while time.monotonic() < ends:
                await asyncio.sleep(0.1)
                most = max(most, gateway.batcher.queue.fixes)
            assert not any(task.done() for task in sending)
            assert 0 < most <= 400
            _tell(process, signal.SIGCONT)
            assert set(await asyncio.gather(*sending)) == {0}

    asyncio.run(asyncio.wait_for(story(), AWAY_S + 60))
    assert _count(engine) == 2001


@pytest.fixture
def small_disk(own, tmp_path):
    """The fixes' table on a disk of 12 MB of its own: (the engine, the disk's folder)."""
    process, engine = own
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk to fill up")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=0777", "tmpfs", str(disk)],
                             capture_output=True, text=True)  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"no small disk: {mounted.stderr.strip()}")
    for folder in (*tmp_path.parents, tmp_path):
        if folder.is_relative_to(Path("/tmp")) and folder != Path("/tmp"):
            folder.chmod(0o755)
    try:
        space = disk / "space"
        space.mkdir()
        _own_as_server(space, process.pid)
        with psycopg.connect(_plain(engine), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{space}'")
            connection.execute("ALTER TABLE hot.fix_default SET TABLESPACE small")
        yield engine, disk
    finally:
        with (
            contextlib.suppress(psycopg.Error),
            psycopg.connect(_plain(engine), autocommit=True) as connection,
        ):
            connection.execute("DROP TABLE IF EXISTS fix CASCADE")
            connection.execute("DROP TABLESPACE IF EXISTS small")
        subprocess.run(["umount", "-l", str(disk)], check=False)


def _plain(engine):
    return engine.url.render_as_string(hide_password=False).replace("+psycopg", "")


def _own_as_server(folder, pid):
    """Give the folder to the account the server's files belong to."""
    seen = Path(f"/proc/{pid}").stat()
    os.chown(folder, seen.st_uid, seen.st_gid)
    folder.chmod(0o700)


def _troubles(engine):
    with reading(engine) as session:
        now = datetime.now(UTC)
        seen = health.read(session, now, now)
    return seen.troubles, seen.well


def test_a_full_disk_refuses_is_said_and_is_recovered_from(small_disk, tmp_path):
    engine, disk = small_disk

    async def story():
        async with running(_sink(engine), tmp_path) as gateway, terminal(gateway, 1, patience=60) as one:
            assert await one.send_fix(at(0)) == 0
            await asyncio.to_thread(_fill, disk / "ballast")
            packed = [
                frames(0x0200, one.phone, n + 1000, encode(at(n)), Version.V2013)[0] for n in range(1, 1000)
            ]
            sending = asyncio.create_task(_all(one, packed))
            await until(lambda: gateway.counts["retries"] > 2, 30)
            stored = await asyncio.to_thread(_count, engine)
            await asyncio.sleep(0.5)
            assert not sending.done() and await asyncio.to_thread(_count, engine) == stored
            troubles, well = await asyncio.to_thread(_troubles, engine)
            assert "No space left on device" in troubles["gateway"] and not well
            (disk / "ballast").unlink()
            assert set(await sending) == {0}
            await until(lambda: not _troubles(engine)[0], 20)

    play(story())
    assert _count(engine) == 1000


async def _all(one, packed):
    return await asyncio.gather(*(one.send_raw(frame) for frame in packed))


def _fill(path):
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(65536))
    with path.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(512))
