"""The in-app inbox of a role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from parking.models import Notice
from parking.vocabulary import Role, Severity


@dataclass(frozen=True, slots=True)
class NoticeView:
    id: int
    severity: Severity
    event: str
    violation_id: int | None
    booking_id: int | None
    facts: Mapping[str, Any]
    created_at: datetime
    read_at: datetime | None
    read_by: str | None


def inbox(session: Session, role: Role, limit: int = 100) -> tuple[NoticeView, ...]:
    """Newest first, unread before read."""
    rows = session.scalars(
        select(Notice)
        .where(Notice.role == role)
        .order_by(Notice.read_at.is_not(None), Notice.id.desc())
        .limit(limit)
    )
    return tuple(
        NoticeView(
            id=n.id,
            severity=Severity(n.severity),
            event=n.event,
            violation_id=n.violation_id,
            booking_id=n.booking_id,
            facts=n.facts,
            created_at=n.created_at,
            read_at=n.read_at,
            read_by=n.read_by,
        )
        for n in rows
    )


def unread(session: Session, role: Role) -> int:
    return (
        session.scalar(select(func.count(Notice.id)).where(Notice.role == role, Notice.read_at.is_(None)))
        or 0
    )
