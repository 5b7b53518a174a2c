"""What the monitor found becomes violations and passages, once each, and is announced."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import ViolationSeen
from parking.models import Passage, Violation
from parking.rules.monitor import Finding, Journey
from parking.services import audit, episodes
from parking.vocabulary import PassageKind, ViolationKind


def write(
    session: Session,
    vehicle_id: int,
    found: Iterable[Finding],
    journey_at: Callable[[datetime], Journey],
    now: datetime,
    late: bool = False,
) -> int:
    """Write findings; a known episode is brought up to date, a new one is announced. Returns the new ones."""
    new = 0
    taken: set[int] = set()
    for finding in found:
        if isinstance(finding.kind, PassageKind):
            if not (late and episodes.passed(session, vehicle_id, finding)):
                _passage(session, vehicle_id, finding, journey_at(finding.started_at))
        else:
            new += _violation(session, vehicle_id, finding, journey_at(finding.started_at), now, late, taken)
    return new


def _passage(session: Session, vehicle_id: int, finding: Finding, journey: Journey) -> None:
    session.execute(
        insert(Passage)
        .values(
            vehicle_id=vehicle_id,
            booking_id=journey.booking_id,
            kind=finding.kind,
            subject=finding.subject,
            at=finding.started_at,
            lon=finding.lon,
            lat=finding.lat,
            certainty=finding.certainty,
            facts=dict(finding.facts),
        )
        .on_conflict_do_nothing(constraint="uq_passage_event")
    )


def _violation(
    session: Session,
    vehicle_id: int,
    finding: Finding,
    journey: Journey,
    now: datetime,
    late: bool,
    taken: set[int],
) -> int:
    if late:
        known = episodes.again(session, vehicle_id, finding, taken)
    else:
        known = episodes.live(session, vehicle_id, finding)
    if known is not None:
        taken.add(known.id)
        _update(session, known, finding, now, late)
        return 0
    violation = Violation(
        vehicle_id=vehicle_id,
        booking_id=journey.booking_id,
        visit_id=journey.visit_id,
        kind=ViolationKind(finding.kind),
        subject=finding.subject,
        started_at=finding.started_at,
        ended_at=finding.ended_at,
        lon=finding.lon,
        lat=finding.lat,
        certainty=finding.certainty,
        facts=dict(finding.facts),
        late=late,
        state="open",
        seen_at=now,
    )
    session.add(violation)
    session.flush()
    taken.add(violation.id)
    outbox.post(session, ViolationSeen(violation.id))
    return 1


def _update(session: Session, violation: Violation, finding: Finding, now: datetime, late: bool) -> None:
    """Bring an episode up to date. After a second judging the former facts go to the audit trail."""
    facts = {**violation.facts, **finding.facts}
    ended_at = finding.ended_at or violation.ended_at
    if late and violation.started_at < finding.started_at and finding.ended_at != finding.started_at:
        facts = violation.facts  # the second judging saw only its later part
    if late:
        if (violation.ended_at, violation.facts) == (ended_at, facts):
            return
        correct(session, violation, now)
    violation.ended_at = ended_at
    violation.facts = facts
    violation.certainty = finding.certainty


def correct(session: Session, violation: Violation, now: datetime) -> None:
    """Late fixes change this violation: what it said before goes to the audit trail."""
    audit.record(
        session,
        "system",
        "corrected_by_late_fixes",
        "violation",
        violation.id,
        now,
        "monitor",
        before=dict(violation.facts),
        ended_at=violation.ended_at and violation.ended_at.isoformat(),
    )


def end_refuted(
    session: Session, vehicle_id: int, standing: Collection[tuple[str, str]], at: datetime, now: datetime
) -> None:
    """End at ``at`` what is on record as going on but by a second judging is not among the ``standing``."""
    going_on = select(Violation).where(
        Violation.vehicle_id == vehicle_id,
        Violation.kind.in_(episodes.LASTING),
        Violation.ended_at.is_(None),
    )
    for violation in session.scalars(going_on).all():
        if (violation.kind, violation.subject) not in standing:
            correct(session, violation, now)
            violation.ended_at = max(at, violation.started_at)
