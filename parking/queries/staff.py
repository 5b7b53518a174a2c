"""Accounts, for the pages. Password hashes never leave the services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import Staff
from parking.vocabulary import Role


@dataclass(frozen=True, slots=True)
class StaffView:
    """One account. ``version`` is what a session must carry to be believed."""

    id: int
    username: str
    name: str
    role: Role
    active: bool
    version: int
    locked_until: datetime | None
    created_at: datetime
    enterprise: str | None = None

    @property
    def actor(self) -> str:
        """How the audit trail names this person."""
        return f"{self.role}:{self.username}"


def person(session: Session, staff_id: int) -> StaffView | None:
    """The account with this id, active or not."""
    found = session.get(Staff, staff_id)
    return view(found) if found else None


def everyone(session: Session) -> Sequence[StaffView]:
    """All accounts, active ones first, then by role and name."""
    rows = session.scalars(select(Staff).order_by(Staff.active.desc(), Staff.role, Staff.username))
    return [view(row) for row in rows]


def view(row: Staff) -> StaffView:
    return StaffView(
        id=row.id,
        username=row.username,
        name=row.name,
        role=Role(row.role),
        active=row.active,
        version=row.session_version,
        locked_until=row.locked_until,
        created_at=row.created_at,
        enterprise=row.enterprise,
    )
