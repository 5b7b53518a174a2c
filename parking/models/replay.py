"""Replays of a past period under another drawing, spread over workers part by part."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from parking.models.base import Base, Instant, Json, Key, Name


class ReplayRun(Base):
    """One replay: the period, and the version or the drawing it is judged under. Writes no violation."""

    __tablename__ = "replay_run"

    id: Mapped[Key]
    since: Mapped[Instant]
    until: Mapped[Instant]
    version_id: Mapped[int | None] = mapped_column(ForeignKey("layer_version.id"))
    drawing_id: Mapped[int | None] = mapped_column(ForeignKey("layer_drawing.id"))
    asked_at: Mapped[Instant]
    asked_by: Mapped[Name]


class ReplayPart(Base):
    """Some vehicles of a replay; ``result`` (see ``parking.services.replays``) once judged."""

    __tablename__ = "replay_part"
    __table_args__ = (
        Index("ix_replay_part_run_id", "run_id"),
        Index("ix_replay_part_waiting", "run_id", postgresql_where=text("done_at IS NULL")),
    )

    id: Mapped[Key]
    run_id: Mapped[int] = mapped_column(ForeignKey("replay_run.id"))
    vehicles: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    fixes: Mapped[int] = mapped_column(Integer, default=0)
    result: Mapped[Json | None]
    done_at: Mapped[Instant | None]
