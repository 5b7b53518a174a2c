"""Vehicles, their terminals and where they were."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from parking.models.base import Base, Instant, Json, Key


class Vehicle(Base):
    """A hazmat vehicle; its identity is plate and plate colour."""

    __tablename__ = "vehicle"
    __table_args__ = (UniqueConstraint("plate", "plate_colour", name="uq_vehicle_plate"),)

    id: Mapped[Key]
    plate: Mapped[str] = mapped_column(String(20))
    plate_colour: Mapped[int] = mapped_column(SmallInteger)
    first_seen_at: Mapped[Instant]


class Terminal(Base):
    """A JT/T 808 terminal, known by its phone number without leading zeros."""

    __tablename__ = "terminal"

    id: Mapped[Key]
    phone: Mapped[str] = mapped_column(String(20), unique=True)
    vehicle_id: Mapped[int | None] = mapped_column(ForeignKey("vehicle.id"))
    auth_code: Mapped[str] = mapped_column(String(64))
    version: Mapped[str | None] = mapped_column(String(4))
    maker: Mapped[str | None] = mapped_column(String(24))
    model: Mapped[str | None] = mapped_column(String(60))
    device_id: Mapped[str | None] = mapped_column(String(60))
    registered_at: Mapped[Instant]
    last_seen_at: Mapped[Instant | None]


class FixRow(Base):
    """A position fix, kept whether believed or not (``mark`` tells why not).

    Key (time, terminal, serial, item): terminal time resolves whole seconds, and time first keeps
    inserts fast. Degrees WGS-84, km/h, degrees clockwise from north, metres.
    """

    __tablename__ = "fix"
    __table_args__ = (Index("ix_fix_vehicle_id_time", "vehicle_id", "time"),)

    time: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    terminal_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    serial: Mapped[int] = mapped_column(Integer, primary_key=True)
    item: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    vehicle_id: Mapped[int | None] = mapped_column(BigInteger)
    lon: Mapped[float]
    lat: Mapped[float]
    speed_kmh: Mapped[float | None]
    heading: Mapped[int | None] = mapped_column(SmallInteger)
    altitude_m: Mapped[int | None]
    located: Mapped[bool]
    alarm: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[int] = mapped_column(BigInteger)
    backfill: Mapped[bool]
    extras: Mapped[dict[str, object] | None] = mapped_column(JSONB)
    mark: Mapped[str | None] = mapped_column(String(24))
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Watch(Base):
    """What the monitor remembers of a vehicle between batches, and its last believed fix."""

    __tablename__ = "watch"

    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"), primary_key=True)
    state: Mapped[Json]
    last_time: Mapped[Instant | None]
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    speed_kmh: Mapped[float | None]
    heading: Mapped[int | None]
