"""Letters become messages in the inboxes of the roles concerned, once per letter and role."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parking.models import Booking, Letter, Notice, TerminalConflict, Vehicle, Violation
from parking.vocabulary import Role, Severity, ViolationKind

#: Who is told of what, and how loudly. Guards and dispatchers act on the spot, supervisors decide.
AUDIENCE: Mapping[str, tuple[tuple[Role, ...], Severity]] = {
    "booking_submitted": ((Role.DISPATCHER,), Severity.REMINDER),
    "bay_lost": ((Role.DISPATCHER,), Severity.WARNING),
    "override_asked": ((Role.SUPERVISOR,), Severity.WARNING),
    "bay_possible": ((Role.DISPATCHER,), Severity.REMINDER),
    "visit_alarm": ((Role.SUPERVISOR, Role.DISPATCHER), Severity.ALARM),
    "violation_seen": ((Role.SUPERVISOR, Role.DISPATCHER), Severity.ALARM),
    "violation_refuted": ((Role.SUPERVISOR,), Severity.WARNING),
    "terminals_disagree": ((Role.SUPERVISOR, Role.DISPATCHER), Severity.ALARM),
    "violation_escalated": ((Role.SUPERVISOR, Role.DISPATCHER), Severity.ALARM),
}

#: Kinds that are a warning first, an alarm only when a person says so.
MILD = frozenset(
    {
        ViolationKind.LOST_SIGNAL,
        ViolationKind.RING_UNBOOKED,
        ViolationKind.SPEEDING,
        ViolationKind.WRONG_BAY,
    }
)


def announce(session: Session, letter: Letter, now: datetime) -> int:
    """Write the notices a letter asks for. Repeating it changes nothing. Returns the new ones."""
    roles, severity = AUDIENCE.get(letter.name, ((), Severity.REMINDER))
    if not roles:
        return 0
    shared, severity = _facts(session, letter, severity)
    rows = [
        {
            "letter_id": letter.id,
            "role": role,
            "severity": severity,
            "event": letter.name,
            "violation_id": letter.payload.get("violation_id"),
            "booking_id": letter.payload.get("booking_id"),
            "facts": shared,
            "created_at": now,
        }
        for role in roles
    ]
    done = insert(Notice).values(rows).on_conflict_do_nothing(constraint="uq_notice_letter_id_role")
    return len(session.scalars(done.returning(Notice.id)).all())


def mark_read(session: Session, role: Role, notice_ids: list[int] | None, now: datetime, actor: str) -> None:
    """Mark these notices (None: all) of a role as read."""
    change = update(Notice).where(Notice.role == role, Notice.read_at.is_(None))
    if notice_ids is not None:
        change = change.where(Notice.id.in_(notice_ids))
    session.execute(change.values(read_at=now, read_by=actor))


def _facts(session: Session, letter: Letter, severity: Severity) -> tuple[dict[str, Any], Severity]:
    if violation_id := letter.payload.get("violation_id"):
        return _violation_facts(session, violation_id, letter, severity)
    if booking_id := letter.payload.get("booking_id"):
        booking = session.get(Booking, booking_id)
        facts = {"plate": booking.plate, "code": booking.code} if booking else {}
        return {**facts, **{k: v for k, v in letter.payload.items() if k == "state"}}, severity
    if conflict_id := letter.payload.get("conflict_id"):
        return _conflict_facts(session, conflict_id), severity
    return {}, severity


def _conflict_facts(session: Session, conflict_id: int) -> dict[str, Any]:
    conflict = session.get(TerminalConflict, conflict_id)
    if conflict is None:
        return {}
    vehicle = session.get(Vehicle, conflict.vehicle_id) if conflict.vehicle_id else None
    facts = {"phone": conflict.phone, "other": conflict.other, "conflict": conflict.kind}
    return {**facts, "plate": vehicle.plate} if vehicle else facts


def _violation_facts(
    session: Session, violation_id: int, letter: Letter, severity: Severity
) -> tuple[dict[str, Any], Severity]:
    found = session.execute(
        select(Violation, Vehicle.plate).join(Vehicle).where(Violation.id == violation_id)
    ).one_or_none()
    if found is None:
        return {}, severity
    violation, plate = found
    kind = ViolationKind(violation.kind)
    facts = {
        **violation.facts,
        "plate": plate,
        "kind": kind.value,
        "subject": violation.subject,
        "started_at": violation.started_at.isoformat(),
    }
    if rung := letter.payload.get("rung"):
        facts["rung"] = rung
    return facts, Severity.WARNING if kind in MILD else severity
