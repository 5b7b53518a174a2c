"""Outbox → relay → broker → worker → inbox and live stream, with real processes that get killed."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import func, select, text

from parking import outbox
from parking.db import transaction
from parking.events import BayHeld, BookingSubmitted
from parking.models import Heartbeat, Letter, Notice
from parking.settings import Settings
from tests.factories import booked, lot
from workers.channels.live import STREAM
from workers.plan import services
from workers.processes import kill_group, spawn
from workers.servers import Valkey, wait_until

pytestmark = pytest.mark.servers


class Processes:
    """Our real processes, started by the commands of the plan."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.folder = folder
        self.env = {**os.environ, "REDIS_URL": redis_url}
        self._commands = {s.name: s.command for s in services(Settings(), folder)}
        self.running = {}

    def start(self, name: str, known_as: str | None = None) -> None:
        log = self.folder / f"{known_as or name}.log"
        self.running[known_as or name] = spawn(self._commands[name], env=self.env, log=log)

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kill_group(process.pid)

    def kill_all(self) -> None:
        for name in list(self.running):
            self.kill(name)

    def said(self) -> str:
        return "\n".join(f"== {p.name}\n{p.read_text()[-3000:]}" for p in self.folder.glob("*.log"))


@pytest.fixture
def processes(folder, redis_url, database_url) -> Iterator[Processes]:
    made = Processes(folder, redis_url)
    yield made
    made.kill_all()


@pytest.fixture
def booking_id(engine) -> int:
    with transaction(engine) as session:
        lot(session)
        made = booked(session).id
        session.execute(text("DELETE FROM outbox"))
    return made


def _post(engine, *events) -> None:
    with transaction(engine) as session:
        outbox.post(session, *events)


def _undone(engine) -> int:
    with transaction(engine) as session:
        return session.scalar(select(func.count(Letter.id)).where(Letter.done_at.is_(None)))


def _until(condition, processes, seconds=30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, processes.said()
        time.sleep(0.05)


def test_a_letter_reaches_the_inbox_and_the_live_stream(engine, processes, booking_id, redis_url):
    processes.start("worker")
    processes.start("relay")
    _post(engine, BookingSubmitted(booking_id))
    _until(lambda: not _undone(engine), processes)
    with transaction(engine) as session:
        assert session.scalars(select(Notice.role)).all() == ["dispatcher"]
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        _until(lambda: client.xlen(STREAM) == 2, processes, 5.0)
        news = [json.loads(entry["data"]) for _, entry in client.xrange(STREAM)]
    assert news == [
        {"type": "booking", "booking_id": booking_id},
        {"type": "notice", "booking_id": booking_id},
    ]


def test_every_letter_is_done_exactly_once_though_worker_relay_and_broker_are_killed(
    engine, folder, database_url, booking_id
):
    with transaction(engine) as session:
        session.execute(text("CREATE TABLE finished (id bigint)"))
        session.execute(
            text(
                "CREATE FUNCTION note_finished() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN INSERT INTO finished VALUES (NEW.id); RETURN NEW; END $$"
            )
        )
        session.execute(
            text(
                "CREATE TRIGGER finished AFTER UPDATE OF done_at ON outbox FOR EACH ROW "
                "WHEN (NEW.done_at IS NOT NULL) EXECUTE FUNCTION note_finished()"
            )
        )
    valkey = Valkey(folder, folder, log=folder / "valkey.log")
    valkey.prepare()
    broker = valkey.start()
    processes = Processes(folder, valkey.url)
    dice = random.Random(20260302)
    posted = 0
    try:
        assert wait_until(valkey.ready, broker)
        processes.start("worker")
        processes.start("relay")
        for round_number in range(6):
            for _ in range(10):
                _post(engine, *[BookingSubmitted(booking_id)] * 5)
                posted += 5
                time.sleep(dice.uniform(0.0, 0.06))
            victim = ("worker", "relay", "broker")[round_number % 3]
            if victim == "broker":
                broker.kill()
                broker.wait()
                broker = valkey.start()
                assert wait_until(valkey.ready, broker)
            else:
                processes.kill(victim)
                processes.start(victim)
        _until(lambda: not _undone(engine), processes, 90.0)
    finally:
        processes.kill_all()
        broker.kill()
        broker.wait()
    with transaction(engine) as session:
        assert session.scalar(text("SELECT count(*) FROM finished")) == posted
        assert session.scalar(select(func.count(Notice.id))) == posted
        assert not session.scalar(select(func.count(Letter.id)).where(Letter.parked_reason.is_not(None)))


def test_a_poisonous_letter_is_parked_and_holds_up_no_other(engine, processes):
    with transaction(engine) as session:
        session.add(
            Letter(name="nobody_knows", payload={}, created_at=func.now(), attempts=outbox.MAX_ATTEMPTS)
        )
    _post(engine, *[BayHeld(n, n) for n in range(20)])
    processes.start("worker")
    processes.start("relay")
    _until(lambda: _undone(engine) == 1, processes)
    with transaction(engine) as session:
        left = session.scalars(select(Letter).where(Letter.done_at.is_(None))).one()
    _until(lambda: _parked(engine, left.id), processes)


def _parked(engine, letter_id) -> bool:
    with transaction(engine) as session:
        return session.get(Letter, letter_id).parked_reason is not None


def test_a_second_relay_waits_and_takes_over_when_the_first_one_dies(engine, processes):
    processes.start("worker")
    processes.start("relay", "first")
    first_log, second_log = processes.folder / "first.log", processes.folder / "second.log"
    _until(lambda: "carrying letters" in first_log.read_text(), processes)
    processes.start("relay", "second")
    _post(engine, BayHeld(1, 1))
    _until(lambda: not _undone(engine), processes)
    assert "carrying letters" not in second_log.read_text()
    processes.kill("first")
    _post(engine, BayHeld(2, 2))
    _until(lambda: not _undone(engine), processes)
    assert "carrying letters" in second_log.read_text()


def test_the_relay_goes_on_after_losing_every_database_connection(engine, processes):
    processes.start("worker")
    processes.start("relay")
    _post(engine, BayHeld(1, 1))
    _until(lambda: not _undone(engine), processes)
    with transaction(engine) as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    _post(engine, BayHeld(2, 2))
    _until(lambda: not _undone(engine), processes)


def test_beat_worker_and_relay_prove_that_they_work(engine, processes):
    for name in ("worker", "beat", "relay"):
        processes.start(name)

    def beating() -> bool:
        with transaction(engine) as session:
            return set(session.scalars(select(Heartbeat.process))) == {"worker", "relay"}

    _until(beating, processes)
