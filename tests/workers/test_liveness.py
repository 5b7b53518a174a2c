"""A process being alive proves nothing; a heartbeat in the database does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from parking.db import transaction
from parking.services import heartbeats
from parking.settings import Settings
from workers.liveness import HUNG_S, has_bookings, hung

LONG = [HUNG_S * 2] * 3


@pytest.fixture
def settings(database_url, redis_url) -> Settings:
    return Settings(database_url=database_url, redis_url=redis_url)


def _beat(engine, age_s: float) -> None:
    with transaction(engine) as session:
        heartbeats.beat(session, "worker", datetime.now(UTC) - timedelta(seconds=age_s))


def test_a_worker_with_a_young_heartbeat_works(engine, settings):
    _beat(engine, HUNG_S / 2)
    assert not hung(settings, LONG)


def test_a_worker_with_an_old_heartbeat_or_none_at_all_does_not(engine, settings):
    assert hung(settings, LONG)
    _beat(engine, HUNG_S * 1.5)
    assert hung(settings, LONG)


def test_nobody_is_blamed_who_had_no_time_or_no_servers_to_work_with(engine, settings):
    _beat(engine, HUNG_S * 1.5)
    assert not hung(settings, [*LONG, HUNG_S / 2])
    assert not hung(
        Settings(database_url="postgresql://nobody@127.0.0.1:1/x", redis_url=settings.redis_url), LONG
    )
    assert not hung(Settings(database_url=settings.database_url, redis_url="redis://127.0.0.1:1"), LONG)


def test_a_database_that_cannot_be_asked_is_never_called_empty(settings):
    assert not has_bookings(settings.database_url)
    assert has_bookings("postgresql://nobody@127.0.0.1:1/x")
