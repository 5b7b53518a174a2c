"""Vehicles, their terminals and where they were."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from parking.models.base import Base, Instant, Json, Key
from parking.rules import memory as memories


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
    inserts fast; so with the second index (vehicle first, a large fleet's inserts fall to less than half
    within 4 million rows). Degrees WGS-84, km/h, degrees clockwise from north, metres.

    Partitioned by time (schema ``hot``, see parking/services/partitions.py); closed periods are packed
    into FixBlock: who reads fixes does so through parking/queries/fixes.py, which sees both.

    ``items`` are the additional items of JT/T 808 as they came, byte for byte; ``extras`` is what another
    door had to say.
    """

    __tablename__ = "fix"
    __table_args__ = (
        Index("ix_fix_time_vehicle_id", "time", "vehicle_id"),
        {"postgresql_partition_by": "RANGE (time)"},
    )

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
    items: Mapped[bytes | None] = mapped_column(LargeBinary)
    mark: Mapped[str | None] = mapped_column(String(24))
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Watch(Base):
    """What the monitor remembers of a vehicle between batches, and its last believed fix.

    What changes with every fix stands in plain columns, the rest in ``memory`` (see rules.memory);
    ``token`` is another number after every change: who remembers the token remembers the row.
    """

    __tablename__ = "watch"
    __table_args__ = ({"postgresql_with": {"fillfactor": "60"}},)  # room to rewrite a row in its own page

    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"), primary_key=True)
    token: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    memory: Mapped[Json] = mapped_column("state", default=dict)
    last_time: Mapped[Instant | None]
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    speed_kmh: Mapped[float | None]
    heading: Mapped[int | None]
    alarm: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[int | None] = mapped_column(BigInteger)
    odometer_km: Mapped[float | None]
    x: Mapped[float | None]
    y: Mapped[float | None]

    @property
    def state(self) -> dict[str, Any]:
        """The monitor's state as its JSON form."""
        return memories.unpacked(self.memory, self._last())

    @state.setter
    def state(self, data: Mapping[str, Any]) -> None:
        """Remember ``data``; what is remembered already changes nothing."""
        plain = json.loads(json.dumps(data))
        if self.memory is not None and plain == json.loads(json.dumps(self.state)):
            return
        self.memory, self.token = memories.spelled(plain), secrets.randbits(62)
        if (last := plain.get("last")) is not None:
            self.last_time = datetime.fromtimestamp(last["at"], UTC)
            self.lon, self.lat, self.speed_kmh = last["lon"], last["lat"], last["speed_kmh"]
            self.alarm, self.status = last["alarm"], last["status"]
            self.odometer_km = last["odometer_km"]

    def _last(self) -> memories.Last | None:
        if self.last_time is None:
            return None
        return memories.Last(
            self.last_time.timestamp(), self.lon or 0.0, self.lat or 0.0, self.speed_kmh,
            self.alarm or 0, self.status or 0, self.odometer_km, self.x or 0.0, self.y or 0.0,
        )  # fmt: skip
