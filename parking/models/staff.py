"""People who sign in, and the audit trail."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from parking.models.base import Base, Instant, Json, Key, Name, Word


class Staff(Base):
    """A person with an account. ``session_version`` is raised to end every session of theirs.

    ``enterprise``: the enterprise whose bookings an enterprise account answers.
    """

    __tablename__ = "staff"

    id: Mapped[Key]
    username: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[Name]
    role: Mapped[Word]
    password_hash: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    session_version: Mapped[int] = mapped_column(default=1)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[Instant | None]
    created_at: Mapped[Instant]
    enterprise: Mapped[str | None] = mapped_column(String(120))


class AccessToken(Base):
    """A read-only key of one account for GIS programs; only its hash is kept.

    It ends with ``expires_at``, when it is revoked, and with every session of the account: when the
    account is switched off or gets a new password (``session_version`` is no longer ``version``).
    """

    __tablename__ = "access_token"
    __table_args__ = (Index("ix_access_token_staff_id", "staff_id"),)

    id: Mapped[Key]
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    name: Mapped[Name]
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    version: Mapped[int]
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    used_at: Mapped[Instant | None]
    revoked_at: Mapped[Instant | None]


class Audit(Base):
    """Who did what, when, from where. Rows are only ever added."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject", "subject_id"),)

    id: Mapped[Key]
    at: Mapped[Instant]
    actor: Mapped[Name]
    action: Mapped[Word]
    subject: Mapped[Word]
    subject_id: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(60))
    facts: Mapped[Json]
