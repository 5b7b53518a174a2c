"""What the monitor found becomes violations and passages, once each, and is announced."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import ViolationSeen
from parking.models import Passage, Violation
from parking.rules.monitor import Finding, Journey
from parking.services import audit
from parking.vocabulary import PassageKind, ViolationKind

#: Episodes of one kind and subject this close together are the same episode judged twice.
SAME_WITHIN = timedelta(seconds=60)


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
    for finding in found:
        if isinstance(finding.kind, PassageKind):
            _passage(session, vehicle_id, finding, journey_at(finding.started_at))
        else:
            new += _violation(session, vehicle_id, finding, journey_at(finding.started_at), now, late)
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
    session: Session, vehicle_id: int, finding: Finding, journey: Journey, now: datetime, late: bool
) -> int:
    known = _known(session, vehicle_id, finding, late)
    if known is not None:
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
    outbox.post(session, ViolationSeen(violation.id))
    return 1


def _known(session: Session, vehicle_id: int, finding: Finding, late: bool) -> Violation | None:
    """The same episode: same key, or after a second judging one that overlaps it."""
    same = select(Violation).where(
        Violation.vehicle_id == vehicle_id,
        Violation.kind == finding.kind,
        Violation.subject == finding.subject,
    )
    if not late:
        return session.scalar(same.where(Violation.started_at == finding.started_at))
    ends = (finding.ended_at or finding.started_at) + SAME_WITHIN
    return session.scalar(
        same.where(
            Violation.started_at <= ends,
            or_(
                Violation.ended_at >= finding.started_at - SAME_WITHIN,
                Violation.ended_at.is_(None) & (Violation.started_at >= finding.started_at - SAME_WITHIN),
            ),
        )
        .order_by(Violation.started_at)
        .limit(1)
    )


def _update(session: Session, violation: Violation, finding: Finding, now: datetime, late: bool) -> None:
    """Bring an episode up to date. After a second judging the former facts go to the audit trail."""
    if late:
        if violation.ended_at == finding.ended_at and violation.facts == dict(finding.facts):
            return
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
    violation.ended_at = finding.ended_at or violation.ended_at
    violation.facts = {**violation.facts, **finding.facts}
    violation.certainty = finding.certainty
