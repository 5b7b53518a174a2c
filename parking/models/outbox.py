"""Letters: events posted with the change and carried afterwards."""

from __future__ import annotations

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from parking.models.base import Base, Instant, Json, Key, Word


class Letter(Base):
    """An event on its way. Done when ``done_at`` is set; parked when it poisoned its carrier."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_undone", "id", postgresql_where=text("done_at IS NULL AND parked_reason IS NULL")),
    )

    id: Mapped[Key]
    name: Mapped[Word]
    payload: Mapped[Json]
    created_at: Mapped[Instant]
    sent_at: Mapped[Instant | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    done_at: Mapped[Instant | None]
    parked_reason: Mapped[str | None]


class Heartbeat(Base):
    """When each process last proved that it works (not merely lives); ``trouble``: what hinders it now."""

    __tablename__ = "heartbeat"

    process: Mapped[Word] = mapped_column(primary_key=True)
    seen_at: Mapped[Instant]
    trouble: Mapped[str | None] = mapped_column(String(300))
