"""Read-only keys of an account for GIS programs: drawn, shown once, kept as a hash, revoked."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from parking.models import AccessToken, Staff
from parking.refused import Reason, Refused, no
from parking.services import audit
from parking.vocabulary import Refusal

#: How long a key may live, and how many live ones an account may have. Assumptions.
LONGEST = timedelta(days=366)
MOST = 10
#: The day a key was last used is noted at most so often: reading maps must not write a row each time.
NOTED_EVERY = timedelta(minutes=5)
#: So that a key that leaked into a log or a project file is recognised for what it is.
PREFIX = "hzp_"


def issue(
    session: Session, staff_id: int, name: str, lives: timedelta, now: datetime, actor: str, source: str
) -> str:
    """A new key of one account; it is returned only now. Raises Refused."""
    if not name.strip():
        raise Refused(Reason(Refusal.FIELD_MISSING, {"field": "name"}, "name"))
    staff = session.get_one(Staff, staff_id, with_for_update=True)
    live = select(func.count(AccessToken.id)).where(
        AccessToken.staff_id == staff_id, AccessToken.revoked_at.is_(None), AccessToken.expires_at > now
    )
    if (session.scalar(live) or 0) >= MOST:
        raise Refused(no(Refusal.TOKENS_TOO_MANY))
    token = PREFIX + secrets.token_urlsafe(32)
    made = AccessToken(
        staff_id=staff_id,
        name=name.strip()[:120],
        sha256=hashed(token),
        version=staff.session_version,
        created_at=now,
        expires_at=now + min(max(lives, timedelta(days=1)), LONGEST),
    )
    session.add(made)
    session.flush()
    audit.record(session, actor, "token_issued", "access_token", made.id, now, source, name=made.name)
    return token


def revoke(session: Session, staff_id: int, token_id: int, now: datetime, actor: str, source: str) -> None:
    """End one key of this account. Raises Refused when it has none of that number."""
    found = session.scalar(
        select(AccessToken)
        .where(AccessToken.id == token_id, AccessToken.staff_id == staff_id)
        .with_for_update()
    )
    if found is None or found.revoked_at is not None:
        raise Refused(no(Refusal.TOKEN_UNKNOWN))
    found.revoked_at = now
    session.flush()
    audit.record(session, actor, "token_revoked", "access_token", token_id, now, source)


def used(session: Session, token_id: int, now: datetime) -> None:
    """Note that a key was used, at most every NOTED_EVERY."""
    session.execute(
        update(AccessToken)
        .where(
            AccessToken.id == token_id,
            (AccessToken.used_at.is_(None)) | (AccessToken.used_at < now - NOTED_EVERY),
        )
        .values(used_at=now)
    )


def hashed(token: str) -> str:
    """A key has 256 random bits: a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()
