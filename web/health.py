"""Does the house work? Judged by the age of what is undone, never by a process being alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import redis
from flask import Blueprint, render_template
from sqlalchemy.exc import SQLAlchemyError

from parking import clock
from parking.queries import health as health_query
from parking.queries.health import Health
from parking.speech import N_
from parking.vocabulary import Role
from web.gates import gate, public
from web.store import reading, settings

bp = Blueprint("health", __name__)
MENU = (("health.status", N_("Status")),)
#: The process whose heartbeat proves that letters are carried.
WORKER = "worker"
#: A fix older than this while vehicles report: the status page says so, seconds of park time.
FIX_LATE_S = 300.0


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found. ``health`` is None while the database is away."""

    valkey: bool
    health: Health | None

    @property
    def worker_age_s(self) -> float | None:
        return self.health.heartbeats_s.get(WORKER) if self.health else None

    @property
    def well(self) -> bool:
        """Only what was seen to work counts: a worker never heard of is not well."""
        return self.valkey and self.health is not None and self.health.well and self.worker_age_s is not None


@bp.get("/alive")
@public
def alive() -> dict[str, bool]:
    """This process answers. For a supervisor's readiness check; says nothing about the house."""
    return {"alive": True}


@bp.get("/health")
@public
def health() -> tuple[dict[str, object], int]:
    """For machines: 200 when everything is done in time, else 503. Ages in seconds."""
    found = look()
    body: dict[str, object] = {
        "well": found.well,
        "database": found.health is not None,
        "valkey": found.valkey,
        "oldest_undone_letter_s": _whole(found.health.oldest_undone_letter_s if found.health else None),
        "undone_letters": found.health.undone_letters if found.health else None,
        "parked_letters": found.health.parked_letters if found.health else None,
        "newest_fix_age_s": _whole(found.health.newest_fix_age_s if found.health else None),
        "worker_heartbeat_age_s": _whole(found.worker_age_s),
        "troubles": sorted(found.health.troubles) if found.health else None,
    }
    return body, 200 if found.well else 503


@bp.get("/status")
@gate(*Role)
def status() -> str:
    return render_template(
        "status.html", found=look(), health=health_query, fix_late_s=FIX_LATE_S, worker=WORKER
    )


def look() -> Findings:
    try:
        with reading() as session:
            seen: Health | None = health_query.read(session, clock.now(), datetime.now(UTC))
    except SQLAlchemyError:
        seen = None
    return Findings(_valkey_answers(), seen)


def _valkey_answers() -> bool:
    try:
        with redis.Redis.from_url(settings().redis_url, socket_timeout=1, socket_connect_timeout=1) as server:
            return bool(server.ping())
    except (redis.RedisError, ValueError):
        return False


def _whole(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
