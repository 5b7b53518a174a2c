"""Asks the database whether the house works. Never raises: a database away is no answer, not a fault."""

from __future__ import annotations

import math
from collections.abc import Sequence

import psycopg
import redis

from parking.settings import Settings

#: A worker whose heartbeat is older than this, while all it needs has been up as long, does no work, seconds.
HUNG_S = 60.0


def hung(settings: Settings, lives_s: Sequence[float]) -> bool:
    """True when the worker's heartbeat is old although every child has lived long enough to renew it."""
    if not lives_s or min(lives_s) < HUNG_S:
        return False
    age = _heartbeat_age_s(settings.database_url)
    return age is not None and age > HUNG_S and _broker_answers(settings.redis_url)


def has_bookings(database_url: str) -> bool:
    """True when the database was used before (or cannot be asked)."""
    try:
        with psycopg.connect(plain(database_url), connect_timeout=5) as connection:
            row = connection.execute("SELECT EXISTS (SELECT FROM booking)").fetchone()
    except psycopg.Error:
        return True
    return row is None or bool(row[0])


def plain(url: str) -> str:
    """The address for libpq: SQLAlchemy's name of the driver is none of its business."""
    return "postgresql://" + url.partition("://")[2]


def _heartbeat_age_s(database_url: str) -> float | None:
    """None when the database does not answer; infinite when there never was a beat."""
    asked = "SELECT extract(epoch FROM now() - seen_at)::float FROM heartbeat WHERE process = 'worker'"
    try:
        with psycopg.connect(plain(database_url), connect_timeout=2) as connection:
            row = connection.execute(asked).fetchone()
    except psycopg.Error:
        return None
    return row[0] if row else math.inf


def _broker_answers(redis_url: str) -> bool:
    try:
        with redis.Redis.from_url(redis_url, socket_timeout=2, socket_connect_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
