"""Carries letters from the outbox to the broker.

One relay works at a time: it holds an advisory lock in PostgreSQL, and a second one waits for it. It
is woken by the commit of a letter and looks round every POLL_S all the same. It never fills the
broker: at most WINDOW messages wait there, whatever happens to the workers.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import psycopg
import redis
from kombu.exceptions import OperationalError as BrokerAway
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from parking import outbox
from parking.db import transaction
from parking.services import heartbeats

#: Key of the advisory lock; any number nobody else in this database uses.
LOCK = 80_802

POLL_S = 0.2
HEARTBEAT_S = 10.0
WINDOW = 500

log = logging.getLogger(__name__)


class Relay:
    """``send(id)`` hands a letter to the broker, ``waiting()`` counts what still lies there."""

    def __init__(
        self, engine: Engine, url: str, send: Callable[[int], object], waiting: Callable[[], int]
    ) -> None:
        self._engine = engine
        self._url = url
        self._send = send
        self._waiting = waiting
        self._beat_due = 0.0

    def run(self, stop: threading.Event) -> None:
        """Until told to stop. Neither a lost database nor a lost broker ends it."""
        while not stop.is_set():
            try:
                self._serve(stop)
            except (psycopg.OperationalError, DBAPIError) as error:
                log.warning("database away: %s", str(error).splitlines()[0])
                stop.wait(0.5)

    def _serve(self, stop: threading.Event) -> None:
        with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as bell:
            while not bell.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()[0]:  # type: ignore[index]
                if stop.wait(1.0):
                    return
            bell.execute(f"LISTEN {outbox.CHANNEL}")
            log.info("carrying letters")
            while not stop.is_set():
                if not self._round():
                    stop.wait(0.5)
                self._beat()
                for _ in bell.notifies(timeout=POLL_S, stop_after=1):
                    pass

    def _round(self) -> bool:
        """Send what is due and fits. False when the broker is away."""
        try:
            room = WINDOW - self._waiting()
        except redis.RedisError as error:
            return self._away(error)
        if room <= 0:
            return True
        with transaction(self._engine) as session:
            ids = outbox.take(session, datetime.now(UTC), room)
        return self._send_all(ids)

    def _send_all(self, ids: Sequence[int]) -> bool:
        for n, letter_id in enumerate(ids):
            try:
                self._send(letter_id)
            except (BrokerAway, redis.RedisError, OSError) as error:
                with transaction(self._engine) as session:
                    outbox.give_back(session, ids[n:])
                return self._away(error)
        return True

    def _away(self, error: BaseException) -> bool:
        log.warning("broker away: %s", error)
        return False

    def _beat(self) -> None:
        if time.monotonic() >= self._beat_due:
            self._beat_due = time.monotonic() + HEARTBEAT_S
            with transaction(self._engine) as session:
                heartbeats.beat(session, "relay", datetime.now(UTC))
