"""``python -m workers relay``: carry letters from the outbox to the broker until told to stop."""

from __future__ import annotations

import logging
import signal
import threading

import redis

from parking.db import engine
from parking.outbox import RESEND
from parking.settings import Settings
from workers.celery_app import QUEUE, app
from workers.cli.language import parser, spoken
from workers.liveness import plain
from workers.relay import Relay


def main(argv: list[str]) -> int:
    parser("relay", "Carry letters from the outbox to the broker.", spoken(argv)).parse_args(argv)
    settings = Settings.from_env()
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    broker = redis.Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=3)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    relay = Relay(engine(), plain(settings.database_url), _send, lambda: int(broker.llen(QUEUE)))
    relay.run(stop)
    return 0


def _send(letter_id: int) -> None:
    """Expires when it would be sent again anyway, so that copies never pile up unread."""
    app.send_task("deliver", (letter_id,), expires=RESEND.total_seconds())
