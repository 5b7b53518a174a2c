"""Doorbells: each task takes an id or nothing and rings one service, passing the hour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from parking import clock, outbox
from parking.db import transaction
from parking.services import (
    bookings,
    commands,
    fences,
    heartbeats,
    outlining,
    overstay,
    packing,
    park,
    partitions,
    queue,
    silence,
    terminal_evidence,
    terminal_watch,
    visits,
    waitlist,
    warnings,
)
from parking.settings import Settings
from workers import plans, routing
from workers.celery_app import app
from workers.channels import live


@app.task(name="deliver")
def deliver(letter_id: int) -> None:
    """Carry one letter: effects and "done" in one transaction, the live stream after its commit."""
    with transaction() as session:
        if not outbox.attempt(session, letter_id):
            return
    with transaction() as session:
        news = routing.carry(session, letter_id, clock.now())
    live.tell(news)


@app.task(name="sweep_overstays")
def sweep_overstays() -> None:
    _alone(overstay.sweep)


@app.task(name="sweep_silence")
def sweep_silence() -> None:
    _alone(silence.sweep)


@app.task(name="sweep_bookings")
def sweep_bookings() -> None:
    _alone(bookings.sweep)


@app.task(name="settle_bays")
def settle_bays() -> None:
    """On the day a new drawing of zones or bays comes into force, lots and bays follow it."""
    _alone(park.sweep)


@app.task(name="make_plans")
def make_plans() -> None:
    """Make the plans that were asked for, one at a time in the whole house."""
    with transaction() as alone:
        if alone.scalar(select(func.pg_try_advisory_xact_lock(func.hashtext("make_plans")))):
            plans.make_one(transaction)


@app.task(name="sweep_visits")
def sweep_visits() -> None:
    _alone(visits.sweep)


@app.task(name="sweep_waitlist")
def sweep_waitlist() -> None:
    _alone(waitlist.sweep)


@app.task(name="sweep_queue")
def sweep_queue() -> None:
    _alone(queue.sweep)


@app.task(name="sweep_warnings")
def sweep_warnings() -> None:
    _alone(warnings.sweep)


@app.task(name="sweep_commands")
def sweep_commands() -> None:
    _alone(commands.sweep)


@app.task(name="sweep_terminals")
def sweep_terminals() -> None:
    _alone(terminal_watch.sweep)


@app.task(name="sweep_evidence")
def sweep_evidence() -> None:
    _alone(terminal_evidence.sweep)


@app.task(name="sweep_fences")
def sweep_fences() -> None:
    _alone(fences.sweep)


@app.task(name="heartbeat")
def heartbeat() -> None:
    """Written here, it proves that beat, broker, worker and database all work."""
    with transaction() as session:
        heartbeats.beat(session, "worker", datetime.now(UTC))


@app.task(name="make_partitions")
def make_partitions() -> None:
    with transaction() as session:
        partitions.sweep(session, clock.now(), partitions.WIDTHS[Settings.from_env().fix_partition])


@app.task(name="pack_fixes", soft_time_limit=1740, time_limit=1800)
def pack_fixes() -> None:
    """Longer than the broker waits: sent again, it finds the lock held and leaves."""
    packing.pack_closed(transaction, clock.now(), timedelta(hours=Settings.from_env().pack_after_h))
    outlining.outline_plain(transaction, most=20_000)


def _alone(sweep: Callable[[Session, datetime], Any]) -> None:
    """One sweep of a kind at a time; a second one finds it running and leaves."""
    with transaction() as session:
        if session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtext(sweep.__module__)))):
            sweep(session, clock.now())
