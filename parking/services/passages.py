"""Crossings that are recorded but no offence: written once, corrected or refuted by a second judging."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parking.models import Passage
from parking.rules.monitor import Finding, Journey
from parking.services import audit, episodes

_SHOWN = ("at", "lon", "lat", "certainty", "facts", "booking_id")


def write(session: Session, vehicle_id: int, finding: Finding, journey: Journey) -> int:
    """The passage of a finding, written if it is not on record yet; its id."""
    values = {
        "vehicle_id": vehicle_id,
        "kind": finding.kind,
        "subject": finding.subject,
        **_shown(finding, journey),
    }
    again = {"refuted_at": None}
    done = insert(Passage).values(values)
    return session.scalars(
        done.on_conflict_do_update(constraint="uq_passage_event", set_=again).returning(Passage.id)
    ).one()


def write_again(
    session: Session,
    vehicle_id: int,
    finding: Finding,
    journey: Journey,
    taken: Collection[int],
    now: datetime,
) -> int:
    """After a second judging: the nearest on record is brought up to date, or a new one written; its id."""
    known = episodes.passage_again(session, vehicle_id, finding, taken)
    if known is None:
        return write(session, vehicle_id, finding, journey)
    wanted = _shown(finding, journey)
    if any(getattr(known, name) != value for name, value in wanted.items()):
        _record(session, "corrected_by_late_fixes", known, now)
        for name, value in wanted.items():
            setattr(known, name, value)
    known.refuted_at = None
    session.flush()
    return known.id


def refute(session: Session, vehicle_id: int, since: datetime, seen: Iterable[int], now: datetime) -> int:
    """Mark as refuted what was recorded since then and was not seen again. Returns how many."""
    unseen = session.scalars(
        select(Passage).where(
            Passage.vehicle_id == vehicle_id,
            Passage.at >= since,
            Passage.refuted_at.is_(None),
            Passage.id.not_in(list(seen)),
        )
    ).all()
    for passage in unseen:
        _record(session, "refuted", passage, now)
        passage.refuted_at = now
    session.flush()
    return len(unseen)


def _shown(finding: Finding, journey: Journey) -> dict[str, Any]:
    return {
        "at": finding.started_at,
        "lon": finding.lon,
        "lat": finding.lat,
        "certainty": finding.certainty,
        "facts": dict(finding.facts),
        "booking_id": journey.booking_id,
    }


def _record(session: Session, action: str, passage: Passage, now: datetime) -> None:
    said = {name: getattr(passage, name) for name in _SHOWN}
    before = {k: v.isoformat() if isinstance(v, datetime) else v for k, v in said.items()}
    audit.record(session, "system", action, "passage", passage.id, now, "monitor", before=before)
