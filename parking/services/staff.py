"""People with accounts: first run, sign-in, changes."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from parking.models import Staff
from parking.refused import Reason, Refused, no
from parking.services import audit
from parking.vocabulary import FormField, Refusal, Role

#: Failures in a row after which an account is locked, and for how long.
FAILURES_ALLOWED = 5
LOCKED_FOR = timedelta(minutes=10)
PASSWORD_MIN = 12

#: What a guess costs: OWASP's first choice of parameters for Argon2id (memory in KiB).
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
#: Verified when the user name is unknown, so that the answer takes as long as for a known one.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))

_FIRST = (
    ("admin", "管理员", Role.ADMIN),
    ("supervisor", "监管人员", Role.SUPERVISOR),
    ("dispatcher", "调度员", Role.DISPATCHER),
    ("dispatcher2", "调度员二", Role.DISPATCHER),
    ("guard", "门卫", Role.GUARD),
)


def new_password() -> str:
    """Sixteen characters without look-alikes, about 78 bits."""
    return "".join(
        secrets.choice("abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789") for _ in range(16)
    )


def first_run(session: Session, now: datetime) -> list[tuple[str, str]]:
    """On a database without staff: one account per role with a random password. Else nothing."""
    session.execute(text("SELECT pg_advisory_xact_lock(80801)"))
    if session.scalar(select(func.count(Staff.id))):
        return []
    made = [(username, new_password()) for username, _, _ in _FIRST]
    for (username, password), (_, name, role) in zip(made, _FIRST, strict=True):
        _add(session, username, name, role, password, now)
    audit.record(session, "system", "first_run", "staff", None, now, "local")
    return made


def add(
    session: Session,
    username: str,
    name: str,
    role: Role,
    now: datetime,
    actor: str,
    source: str,
    enterprise: str | None = None,
) -> str:
    """A new account; returns its first password. An enterprise's account names the enterprise.

    Refused when the name is taken, or when an enterprise account names none.
    """
    enterprise = (enterprise or "").strip()[:120] or None
    if (role is Role.ENTERPRISE) != (enterprise is not None):
        raise Refused(Reason(Refusal.FIELD_MISSING, {"field": FormField.ENTERPRISE}, FormField.ENTERPRISE))
    if session.scalar(select(Staff.id).where(Staff.username == username)):
        raise Refused(no(Refusal.USERNAME_TAKEN, "username", username=username))
    password = new_password()
    staff = _add(session, username, name, role, password, now)
    staff.enterprise = enterprise
    audit.record(session, actor, "staff_added", "staff", staff.id, now, source, username=username, role=role)
    return password


def sign_in(session: Session, username: str, password: str, now: datetime, source: str) -> Staff | None:
    """The account, or None when name or password is wrong; raises Refused while it is locked.

    A wrong password is counted in this transaction, so the caller must let it commit: hence None
    and not an exception. Real time, not park time, measures the lock.
    """
    staff = session.scalar(select(Staff).where(Staff.username == username, Staff.active).with_for_update())
    if staff and staff.locked_until and staff.locked_until > now:
        minutes = int((staff.locked_until - now).total_seconds() // 60) + 1
        raise Refused(no(Refusal.SIGN_IN_LOCKED, minutes=minutes))
    if not _verified(staff, password) or staff is None:
        _count_failure(session, staff, username, now, source)
        return None
    staff.failures, staff.locked_until = 0, None
    audit.record(session, f"{staff.role}:{staff.username}", "signed_in", "staff", staff.id, now, source)
    return staff


def set_password(
    session: Session, staff_id: int, password: str | None, now: datetime, actor: str, source: str
) -> str:
    """Set (or draw) a password and end every session of that person. Returns the password."""
    if password is not None and len(password) < PASSWORD_MIN:
        raise Refused(no(Refusal.PASSWORD_WEAK, "password"))
    staff = session.get_one(Staff, staff_id, with_for_update=True)
    chosen = password or new_password()
    staff.password_hash = _hasher.hash(chosen)
    staff.session_version += 1
    staff.failures, staff.locked_until = 0, None
    audit.record(session, actor, "password_set", "staff", staff.id, now, source)
    return chosen


def set_active(session: Session, staff_id: int, active: bool, now: datetime, actor: str, source: str) -> None:
    """Switch an account on or off; the last active administrator stays."""
    session.execute(text("SELECT pg_advisory_xact_lock(80801)"))
    staff = session.get_one(Staff, staff_id, with_for_update=True)
    if not active and staff.role == Role.ADMIN and _active_admins(session) <= 1:
        raise Refused(no(Refusal.LAST_ADMIN))
    staff.active = active
    staff.session_version += 1
    audit.record(session, actor, "staff_active", "staff", staff.id, now, source, active=active)


def _add(session: Session, username: str, name: str, role: Role, password: str, now: datetime) -> Staff:
    staff = Staff(
        username=username, name=name, role=role, password_hash=_hasher.hash(password), created_at=now
    )
    session.add(staff)
    session.flush()
    return staff


def _verified(staff: Staff | None, password: str) -> bool:
    try:
        return _hasher.verify(staff.password_hash if staff else _NOBODY, password) and staff is not None
    except VerificationError:
        return False


def _count_failure(session: Session, staff: Staff | None, username: str, now: datetime, source: str) -> None:
    if staff:
        staff.failures += 1
        if staff.failures >= FAILURES_ALLOWED:
            staff.failures, staff.locked_until = 0, now + LOCKED_FOR
    audit.record(
        session,
        "anonymous",
        "sign_in_failed",
        "staff",
        staff.id if staff else None,
        now,
        source,
        username=username[:40],
    )


def _active_admins(session: Session) -> int:
    return session.scalar(select(func.count(Staff.id)).where(Staff.role == Role.ADMIN, Staff.active)) or 0
