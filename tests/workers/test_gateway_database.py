"""The gateway on the real database: what it answered is there, whatever happened in between."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime

import pytest
import redis
from sqlalchemy import exc, text

from parking.db import transaction
from parking.services.remembered import Changed
from tests.gateways import MOMENT, at, play, running, terminal, until
from workers.channels.live import STREAM, LiveStream
from workers.gateway.sink import ParkSink, outage
from workers.jt808.general import Result
from workers.terminal import Rejected, Terminal

pytestmark = pytest.mark.servers


def _sink(engine, redis_url="redis://127.0.0.1:1", enrolment="open"):
    return ParkSink(engine, LiveStream(redis_url), enrolment)


def _rows(engine, sql="SELECT count(*) FROM fix"):
    with engine.connect() as connection:
        return connection.execute(text(sql)).scalar_one()


def test_what_was_answered_is_in_the_database_and_on_the_live_stream(loaded, redis_url, tmp_path):
    lately = (datetime.now(UTC) - MOMENT).total_seconds() - 60

    async def story():
        async with running(_sink(loaded, redis_url), tmp_path) as gateway, terminal(gateway) as one:
            for n in range(20):
                assert await one.send_fix(at(lately + n)) == 0
                assert _rows(loaded) == n + 1
            assert await one.send_fixes([at(lately + n) for n in range(20, 60)], backfill=True) == 0
            assert _rows(loaded) == 60

    play(story())
    assert _rows(loaded, "SELECT plate FROM vehicle") == "晋M00001"
    with redis.Redis.from_url(redis_url) as client:
        news = [json.loads(entry[b"data"]) for _, entry in client.xrange(STREAM)]
    assert {"fix", "violation"} == {n["type"] for n in news}
    assert news[-1]["plate"] == "晋M00001" and news[-1]["lon"] == 110.92


def test_the_same_report_sent_twice_is_stored_once_and_answered_twice(loaded, tmp_path):
    async def story():
        async with running(_sink(loaded), tmp_path) as gateway, terminal(gateway) as one:
            assert await one.send_fix(at(0)) == 0
            one._serial -= 1
            assert await one.send_fix(at(0)) == 0
            assert _rows(loaded) == 1

    play(story())


def test_no_answer_while_the_transaction_cannot_commit(loaded, tmp_path):
    async def story():
        async with running(_sink(loaded), tmp_path) as gateway, terminal(gateway) as one:
            with loaded.connect() as other:
                other.execute(text("LOCK TABLE fix IN ACCESS EXCLUSIVE MODE"))
                sending = asyncio.create_task(one.send_fix(at(0)))
                await asyncio.sleep(0.5)
                assert not sending.done()
                other.rollback()
            assert await sending == 0

    play(story())


def test_connections_cut_by_the_server_cost_no_answered_fix(loaded, tmp_path):
    async def story():
        async with running(_sink(loaded), tmp_path) as gateway, terminal(gateway) as one:
            cutting = (
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            for n in range(40):
                sending = asyncio.create_task(one.send_fix(at(n)))
                if n % 5 == 0:
                    await asyncio.sleep(0.01)
                    await asyncio.to_thread(_rows, loaded, cutting)
                assert await sending == 0
            assert _rows(loaded) == 40

    play(story())


def test_a_terminal_the_park_forgot_is_refused_alone(loaded, tmp_path):
    async def story():
        async with (
            running(_sink(loaded), tmp_path) as gateway,
            terminal(gateway, 1) as forgotten,
            terminal(gateway, 2) as known,
        ):
            with transaction(loaded) as session:
                session.execute(text("DELETE FROM terminal WHERE phone = '13900000001'"))
            results = await asyncio.gather(forgotten.send_fix(at(0)), known.send_fix(at(0)))
            assert results == [Result.FAILED, Result.OK]
            assert "never registered" in (tmp_path / "dead.jsonl").read_text()

    play(story())


def test_committed_means_on_disk_also_where_the_server_is_set_to_be_quicker(loaded, tmp_path):
    name = _rows(loaded, "SELECT current_database()")
    with loaded.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        connection.execute(text("CREATE TABLE seen (how text)"))
        connection.execute(text(
            "CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$"
        ))  # fmt: skip
        connection.execute(text("CREATE TRIGGER look AFTER INSERT ON fix EXECUTE FUNCTION look()"))
    loaded.dispose()

    async def story():
        async with running(_sink(loaded), tmp_path) as gateway, terminal(gateway) as one:
            assert await one.send_fix(at(0)) == 0

    play(story())
    assert _rows(loaded, "SELECT how FROM seen") == "on"


def test_only_a_fault_of_the_data_gives_a_report_up():
    def said(state):
        return outage(exc.DatabaseError("?", {}, type("E", (Exception,), {"sqlstate": state})()))

    assert [said(s) for s in ("57P01", "53100", "40P01", "55P03", "08006")] == [True] * 5
    assert [said(s) for s in ("23514", "22003", "22021")] == [False] * 3
    assert outage(Changed("others always came between")) is None
    assert [said(s) for s in ("XX000", "57014")] == [None] * 2


def test_with_known_enrolment_a_stranger_gets_no_code(loaded, tmp_path):
    async def story():
        async with running(_sink(loaded, enrolment="known"), tmp_path) as gateway:
            one = terminal(gateway)
            with pytest.raises(Rejected) as refused:
                await one.sign_on()
            assert refused.value.result == 4
            await one.close()

    play(story())


def test_the_process_stores_what_it_received_before_it_obeys_sigterm(
    loaded, database_url, redis_url, tmp_path
):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "HAZPARK_GATEWAY_PORT": str(port), "HAZPARK_DATA": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "workers", "gateway"], env=env, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and "listening" in process.stdout.readline()

    async def story():
        async with Terminal("127.0.0.1", port, "13900000001", "晋M00001") as one:
            sending = [asyncio.create_task(one.send_fix(at(n))) for n in range(200)]
            await until(lambda: any(task.done() for task in sending))
            process.send_signal(signal.SIGTERM)
            answers = await asyncio.gather(*sending, return_exceptions=True)
            return sum(answer == 0 for answer in answers)

    try:
        answered = asyncio.run(asyncio.wait_for(story(), 30))
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.stdout.close()
    assert answered > 0 and _rows(loaded) >= answered
