"""A large replay, cut into parts of some vehicles each: every worker takes the next part that waits.

A part is judged in the transaction of its letter, so one that is lost with its worker is judged again by
another, and none twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo.shapes import Park
from parking import outbox
from parking.events import ReplayAsked
from parking.models import ReplayPart, ReplayRun
from parking.queries import fixes
from parking.queries import park as parks
from parking.rules.whatif import Period
from parking.services import audit, whatif

#: Vehicles of one part: a second or two of work, so that nobody waits long for the last one.
VEHICLES = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay has come: parts and fixes done, parts there are."""

    done: int
    parts: int
    fixes: int


def ask(
    session: Session, asked: Period, version_id: int | None, drawing_id: int | None, by: str, now: datetime
) -> int:
    """Cut a replay into parts and ask for each. Returns its number. Raises Refused for no such drawing."""
    run = ReplayRun(
        since=asked.since, until=asked.until, version_id=version_id, drawing_id=drawing_id, asked_at=now,
        asked_by=by,
    )  # fmt: skip
    _park(session, run)
    session.add(run)
    session.flush()
    every = list(fixes.vehicles(session, asked.since, asked.until))
    parts = [
        ReplayPart(run_id=run.id, vehicles=every[n : n + VEHICLES], fixes=0, result=None, done_at=None)
        for n in range(0, len(every), VEHICLES)
    ]
    session.add_all(parts)
    session.flush()
    outbox.post(session, *(ReplayAsked(part.id) for part in parts))
    audit.record(
        session, by, "replay_asked", "replay_run", run.id, now, "replay",
        since=asked.since.isoformat(), until=asked.until.isoformat(), vehicles=len(every),
    )  # fmt: skip
    return run.id


def judge_part(session: Session, part_id: int, now: datetime) -> None:
    """Judge one part, once."""
    part = session.get_one(ReplayPart, part_id, with_for_update=True)
    if part.done_at is not None:
        return
    run = session.get_one(ReplayRun, part.run_id)
    found = whatif.replay(session, Period(run.since, run.until), _park(session, run), part.vehicles)
    part.fixes = found.fixes
    part.result = {"counts": found.counts(), "differences": whatif.told(found)}
    part.done_at = now


def progress(session: Session, run_id: int) -> Progress:
    done, parts, judged = session.execute(
        select(
            func.count(ReplayPart.done_at), func.count(), func.coalesce(func.sum(ReplayPart.fixes), 0)
        ).where(ReplayPart.run_id == run_id)
    ).one()
    return Progress(done, parts, judged)


def results(session: Session, run_id: int) -> Sequence[ReplayPart]:
    """The judged parts, in order."""
    return session.scalars(
        select(ReplayPart)
        .where(ReplayPart.run_id == run_id, ReplayPart.done_at.is_not(None))
        .order_by(ReplayPart.id)
    ).all()


def _park(session: Session, run: ReplayRun) -> Park:
    if run.version_id is not None:
        return whatif.park_with_version(session, run.version_id)
    if run.drawing_id is not None:
        return whatif.park_with_drawing(session, run.drawing_id)
    return parks.current(session)
