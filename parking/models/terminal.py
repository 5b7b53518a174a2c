"""What is asked of terminals, what they hold, what they saw, and who claims to be one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from parking.models.base import Base, Instant, Json, Key, Name, Word

_LIVE = "state IN ('command_queued', 'command_sent')"


class Command(Base):
    """Something asked of a terminal. ``payload`` by kind (parking.rules.orders); the gateway encodes it.

    ``attempts`` since the terminal connected last, ``sendings`` in all; ``due_at``: when it is sent (again).
    """

    __tablename__ = "command"
    __table_args__ = (
        Index("ix_command_due_at", "due_at", postgresql_where=text(_LIVE)),
        Index("ix_command_terminal_id", "terminal_id", "id"),
        Index(
            "uq_command_asked_once", "terminal_id", "idempotency_key", unique=True,
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
    )  # fmt: skip

    id: Mapped[Key]
    terminal_id: Mapped[int] = mapped_column(ForeignKey("terminal.id"))
    kind: Mapped[Word]
    payload: Mapped[Json]
    state: Mapped[Word]
    asked_at: Mapped[Instant]
    asked_by: Mapped[Name]
    idempotency_key: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[Instant]
    due_at: Mapped[Instant]
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    sendings: Mapped[int] = mapped_column(SmallInteger, default=0)
    gateway: Mapped[str | None] = mapped_column(String(80))
    sent_at: Mapped[Instant | None]
    ended_at: Mapped[Instant | None]
    fault: Mapped[Word | None]
    reply: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class TerminalProfile(Base):
    """What is known of a terminal beside its registration; apart from it, because every report touches that.

    ``sources``: where it connected from, oldest first; ``gateway``: which one holds it, since when it
    authenticated there, and when that was written down; ``elsewhere_at``: when it last said to be elsewhere
    than its vehicle was believed to be; ``fences_digest``: of the plan asked for last.
    """

    __tablename__ = "terminal_profile"
    __table_args__ = (
        Index("ix_terminal_profile_moved_at", "moved_at"),
        Index(
            "ix_terminal_profile_elsewhere_at",
            "elsewhere_at",
            postgresql_where=text("elsewhere_at IS NOT NULL"),
        ),
    )

    terminal_id: Mapped[int] = mapped_column(ForeignKey("terminal.id"), primary_key=True)
    hardware: Mapped[str | None] = mapped_column(String(60))
    firmware: Mapped[str | None] = mapped_column(String(60))
    iccid: Mapped[str | None] = mapped_column(String(20))
    dangerous_goods: Mapped[bool | None]  # says itself that it is fit for such vehicles
    attributes_at: Mapped[Instant | None]
    sources: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default="[]")
    gateway: Mapped[str | None] = mapped_column(String(80))
    held_since: Mapped[Instant | None]
    moved_at: Mapped[Instant | None]
    elsewhere_at: Mapped[Instant | None]
    fences_managed: Mapped[bool] = mapped_column(default=False, server_default="false")
    fences_digest: Mapped[str | None] = mapped_column(String(64))


class TerminalFence(Base):
    """An area or route of ours in a terminal. ``kind`` polygon or route; ``number``: its id there."""

    __tablename__ = "terminal_fence"
    __table_args__ = (UniqueConstraint("terminal_id", "kind", "number", name="uq_terminal_fence_number"),)

    id: Mapped[Key]
    terminal_id: Mapped[int] = mapped_column(ForeignKey("terminal.id"))
    kind: Mapped[Word]
    number: Mapped[int] = mapped_column(BigInteger)
    layer: Mapped[Word]
    code: Mapped[Word]
    version_id: Mapped[int] = mapped_column(ForeignKey("layer_version.id"))
    digest: Mapped[str] = mapped_column(String(64))
    loss: Mapped[Json]
    state: Mapped[Word]
    command_id: Mapped[int | None] = mapped_column(ForeignKey("command.id"))
    changed_at: Mapped[Instant]


class TerminalEvidence(Base):
    """One alarm the terminal raised from an area or route: from the first to the last report that says so.

    ``ended_at``: the first report that no longer does. ``number``: the id of the area, route or segment.
    """

    __tablename__ = "terminal_evidence"
    __table_args__ = (
        Index("ix_terminal_evidence_terminal_id", "terminal_id", "last_at"),
        Index("ix_terminal_evidence_violation_id", "violation_id"),
        Index(
            "ix_terminal_evidence_unlinked", "first_at",
            postgresql_where=text("violation_id IS NULL AND vehicle_id IS NOT NULL"),
        ),
    )  # fmt: skip

    id: Mapped[Key]
    terminal_id: Mapped[int] = mapped_column(ForeignKey("terminal.id"))
    vehicle_id: Mapped[int | None] = mapped_column(ForeignKey("vehicle.id"))
    alarm: Mapped[Word]
    shape: Mapped[int | None] = mapped_column(SmallInteger)  # 1 circle 2 rectangle 3 polygon 4 route
    number: Mapped[int | None] = mapped_column(BigInteger)
    direction: Mapped[str | None] = mapped_column(String(12))
    first_at: Mapped[Instant]
    last_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
    serial: Mapped[int] = mapped_column(Integer)
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    facts: Mapped[Json]
    fence_id: Mapped[int | None] = mapped_column(BigInteger)
    layer: Mapped[Word | None]
    code: Mapped[Word | None]
    violation_id: Mapped[int | None] = mapped_column(ForeignKey("violation.id"))
    seen_at: Mapped[Instant]


class TerminalRequest(Base):
    """A terminal nobody knows asked to register; with HAZPARK_TERMINAL_ENROLMENT=known a person answers."""

    __tablename__ = "terminal_request"
    __table_args__ = (Index("ix_terminal_request_state", "state", "last_at"),)

    id: Mapped[Key]
    phone: Mapped[str] = mapped_column(String(20), unique=True)
    plate: Mapped[str] = mapped_column(String(20))
    plate_colour: Mapped[int] = mapped_column(SmallInteger)
    version: Mapped[str | None] = mapped_column(String(4))
    maker: Mapped[str | None] = mapped_column(String(24))
    model: Mapped[str | None] = mapped_column(String(60))
    device_id: Mapped[str | None] = mapped_column(String(60))
    first_at: Mapped[Instant]
    last_at: Mapped[Instant]
    times: Mapped[int] = mapped_column(Integer)
    state: Mapped[Word]
    answered_at: Mapped[Instant | None]
    answered_by: Mapped[Name | None]
    reason: Mapped[str | None] = mapped_column(String(500))


class TerminalConflict(Base):
    """Two claims that cannot both be true: who, since when, how often; open until a person looked."""

    __tablename__ = "terminal_conflict"
    __table_args__ = (
        Index(
            "uq_terminal_conflict_open", "kind", "phone", "other", unique=True,
            postgresql_where=text("state = 'conflict_open'"),
        ),
        Index("ix_terminal_conflict_state", "state", "last_at"),
    )  # fmt: skip

    id: Mapped[Key]
    kind: Mapped[Word]
    terminal_id: Mapped[int | None] = mapped_column(ForeignKey("terminal.id"))
    vehicle_id: Mapped[int | None] = mapped_column(ForeignKey("vehicle.id"))
    phone: Mapped[str] = mapped_column(String(20))
    other: Mapped[str] = mapped_column(String(80))  # the other phone, or the other source
    facts: Mapped[Json]
    first_at: Mapped[Instant]
    last_at: Mapped[Instant]
    times: Mapped[int] = mapped_column(Integer)
    state: Mapped[Word]
    closed_at: Mapped[Instant | None]
    closed_by: Mapped[Name | None]
    remark: Mapped[str | None] = mapped_column(String(500))
