"""Keys of accounts: whose a key is, and what keys somebody has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import AccessToken, Staff
from parking.vocabulary import Role


@dataclass(frozen=True, slots=True)
class TokenView:
    """A key without the key. ``lives``: it still opens."""

    id: int
    name: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None
    lives: bool


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose key it is, and what they may read. ``noted_at``: when it was last noted to be used."""

    token_id: int
    username: str
    role: Role
    noted_at: datetime | None


def holder(session: Session, sha256: str, now: datetime) -> Holder | None:
    """The holder of a key by its hash, while the key and the account live."""
    row = session.execute(
        select(AccessToken.id, AccessToken.used_at, Staff.username, Staff.role)
        .join(Staff, Staff.id == AccessToken.staff_id)
        .where(
            AccessToken.sha256 == sha256,
            AccessToken.revoked_at.is_(None),
            AccessToken.expires_at > now,
            AccessToken.version == Staff.session_version,
            Staff.active,
        )
    ).one_or_none()
    return Holder(row.id, row.username, Role(row.role), row.used_at) if row else None


def of(session: Session, staff_id: int, now: datetime) -> Sequence[TokenView]:
    """The keys of one account, the newest first."""
    rows = session.execute(
        select(AccessToken, Staff.session_version)
        .join(Staff, Staff.id == AccessToken.staff_id)
        .where(AccessToken.staff_id == staff_id)
        .order_by(AccessToken.id.desc())
        .limit(100)
    )
    return [
        TokenView(
            t.id, t.name, t.created_at, t.expires_at, t.used_at, t.revoked_at,
            t.revoked_at is None and t.expires_at > now and t.version == version,
        )
        for t, version in rows
    ]  # fmt: skip
