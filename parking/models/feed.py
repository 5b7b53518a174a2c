"""Doors beside the gateway: telephones, carriers' platforms, files of old tracks."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from parking.models.base import Base, Instant, Json, Key, Name, Word


class Feed(Base):
    """Who may report positions over HTTP. Of the token only its SHA-256 is kept.

    ``device_key``: the identifier a telephone sends; the same may be given again once revoked.
    """

    __tablename__ = "feed"
    __table_args__ = (
        Index("uq_feed_device_key", "device_key", unique=True, postgresql_where=text("revoked_at IS NULL")),
    )

    id: Mapped[Key]
    kind: Mapped[Word]
    name: Mapped[Name]
    device_key: Mapped[str | None] = mapped_column(String(64))
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    created_at: Mapped[Instant]
    created_by: Mapped[Name]
    revoked_at: Mapped[Instant | None]
    revoked_by: Mapped[Name | None]


class FeedVehicle(Base):
    """A vehicle a feed may report. ``alarm``: the alarm word it last sent for it."""

    __tablename__ = "feed_vehicle"

    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id"), primary_key=True)
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"), primary_key=True)
    alarm: Mapped[int] = mapped_column(BigInteger, default=0)


class FeedAnswer(Base):
    """What a request with this Idempotency-Key was answered, and the hash of what it said."""

    __tablename__ = "feed_answer"
    __table_args__ = (Index("ix_feed_answer_at", "at"),)

    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    answer: Mapped[Json]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class TrackImport(Base):
    """A file of old tracks being taken in piece by piece; ``data`` is dropped when it is done.

    ``total``/``done`` count usable rows; ``report`` holds counts and the rows that cannot be used.
    """

    __tablename__ = "track_import"

    id: Mapped[Key]
    feed_id: Mapped[int] = mapped_column(ForeignKey("feed.id"))
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"))
    file_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    data: Mapped[bytes | None] = mapped_column(LargeBinary)
    options: Mapped[Json]
    state: Mapped[Word]
    asked_at: Mapped[Instant]
    asked_by: Mapped[Name]
    finished_at: Mapped[Instant | None]
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    report: Mapped[Json]
