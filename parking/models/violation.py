"""Violations, passages, and who was told."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from parking.models.base import Base, Instant, Json, Key, Name, Word


class Violation(Base):
    """One offence, one episode. Position: where it began, WGS-84 degrees (None: no position)."""

    __tablename__ = "violation"
    __table_args__ = (
        UniqueConstraint("vehicle_id", "kind", "subject", "started_at", name="uq_violation_episode"),
        Index("ix_violation_started_at", "started_at"),
        Index("ix_violation_state", "state"),
    )

    id: Mapped[Key]
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"))
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("booking.id"))
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    kind: Mapped[Word]
    subject: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    certainty: Mapped[Word]
    facts: Mapped[Json]
    late: Mapped[bool] = mapped_column(default=False)
    state: Mapped[Word] = mapped_column(default="open")
    seen_at: Mapped[Instant]
    acknowledged_at: Mapped[Instant | None]
    acknowledged_by: Mapped[Name | None]
    remark: Mapped[str | None] = mapped_column(String(1000))


class Passage(Base):
    """A crossing that is recorded but is no offence (出入园记录)."""

    __tablename__ = "passage"
    __table_args__ = (
        UniqueConstraint("vehicle_id", "kind", "subject", "at", name="uq_passage_event"),
        Index("ix_passage_at", "at"),
    )

    id: Mapped[Key]
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"))
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("booking.id"))
    kind: Mapped[Word]
    subject: Mapped[str] = mapped_column(String(80))
    at: Mapped[Instant]
    lon: Mapped[float]
    lat: Mapped[float]
    certainty: Mapped[Word]
    facts: Mapped[Json]
    refuted_at: Mapped[Instant | None]  # fixes that came late do not show it


class Notice(Base):
    """A message in the in-app inbox of a role; one per letter and role, however often it is delivered."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("letter_id", "role", name="uq_notice_letter_id_role"),
        Index("ix_notice_role_id", "role", "id"),
    )

    id: Mapped[Key]
    letter_id: Mapped[int] = mapped_column(ForeignKey("outbox.id"))
    role: Mapped[Word]
    severity: Mapped[Word]
    event: Mapped[Word]
    violation_id: Mapped[int | None] = mapped_column(ForeignKey("violation.id"))
    booking_id: Mapped[int | None] = mapped_column(ForeignKey("booking.id"))
    facts: Mapped[Json]
    created_at: Mapped[Instant]
    read_at: Mapped[Instant | None]
    read_by: Mapped[Name | None]
