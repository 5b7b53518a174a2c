"""Bookings, the bays held for them, and the visits they become."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from parking.models.base import Base, Instant, Json, Key, Name, Word


class Booking(Base):
    """A booking (预约): who comes, with what, when.

    ``un_number``, ``hazard_class`` and ``subsidiary`` name the leading goods, for lists; ``mass_kg`` is the
    sum. Rules read ``cargoes``. ``documents`` maps a DocumentKind to the ISO date it is valid until. Sizes
    of the vehicle in metres. ``enterprise``: who expects it; ``walk_in``: made at the gate.
    """

    __tablename__ = "booking"
    __table_args__ = (
        CheckConstraint("window_start < window_end", name="window"),
        CheckConstraint("mass_kg >= 0", name="mass"),
        Index("ix_booking_state_window_start", "state", "window_start"),
        Index("ix_booking_plate", "plate"),
        Index(
            "uq_booking_waybill_no_live",
            "waybill_no",
            unique=True,
            postgresql_where=text(
                "state IN ('submitted', 'enterprise_approved', 'waitlisted', 'approved', 'suspended', 'used')"
            ),
        ),
    )

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(12), unique=True)
    idempotency_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    plate: Mapped[str] = mapped_column(String(12))
    plate_colour: Mapped[int]
    carrier: Mapped[Name]
    driver_name: Mapped[str] = mapped_column(String(40))
    driver_phone: Mapped[str] = mapped_column(String(20))
    escort_name: Mapped[str] = mapped_column(String(40))
    waybill_no: Mapped[str] = mapped_column(String(40))
    un_number: Mapped[str | None] = mapped_column(ForeignKey("goods.un_number"))
    hazard_class: Mapped[str | None] = mapped_column(String(8))
    subsidiary: Mapped[list[str]] = mapped_column(JSONB, default=list)
    mass_kg: Mapped[int]
    load_state: Mapped[Word]
    window_start: Mapped[Instant]
    window_end: Mapped[Instant]
    state: Mapped[Word]
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    language: Mapped[str] = mapped_column(String(2), default="zh")
    created_at: Mapped[Instant]
    enterprise: Mapped[str | None] = mapped_column(String(120))
    walk_in: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    length_m: Mapped[float | None]
    width_m: Mapped[float | None]
    height_m: Mapped[float | None]
    documents: Mapped[Json] = mapped_column(default=dict, server_default="{}")
    decided_at: Mapped[Instant | None]
    told_at: Mapped[Instant | None]
    purpose: Mapped[Word | None]  # a Purpose; None: not told

    cargoes: Mapped[list[Cargo]] = relationship(order_by="Cargo.compartment")
    holds: Mapped[list[Hold]] = relationship(back_populates="booking", order_by="Hold.id")


class Cargo(Base):
    """What one compartment holds on one leg; ``residue``: emptied but uncleaned, it keeps its hazards."""

    __tablename__ = "cargo"
    __table_args__ = (
        UniqueConstraint("booking_id", "leg", "compartment", name="uq_cargo_compartment"),
        CheckConstraint("mass_kg >= 0", name="mass"),
    )

    id: Mapped[Key]
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"))
    leg: Mapped[Word] = mapped_column(default="in")
    compartment: Mapped[int] = mapped_column(SmallInteger)
    un_number: Mapped[str] = mapped_column(ForeignKey("goods.un_number"))
    mass_kg: Mapped[int]
    residue: Mapped[bool] = mapped_column(default=False)


class PermitRow(Base):
    """Routes a booking's vehicle may take and closed zones it may enter, from ``since`` to the next row.

    No row: every one. No routes: every approved route. ``zones`` NULL: every closed zone.
    """

    __tablename__ = "permit"
    __table_args__ = (Index("ix_permit_booking_id", "booking_id", "id"),)

    id: Mapped[Key]
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"))
    since: Mapped[Instant]
    routes: Mapped[list[str]] = mapped_column(ARRAY(String(40)))
    zones: Mapped[list[str] | None] = mapped_column(ARRAY(String(40)))
    given_by: Mapped[Name]


class Hold(Base):
    """A bay held for a booking during a period; the database itself forbids an overlap."""

    __tablename__ = "hold"

    id: Mapped[Key]
    bay_id: Mapped[int] = mapped_column(ForeignKey("bay.id"))
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"))
    during: Mapped[Range[Any]] = mapped_column(TSTZRANGE)
    state: Mapped[Word]
    held_at: Mapped[Instant]
    held_by: Mapped[Name]

    booking: Mapped[Booking] = relationship(back_populates="holds")

    __table_args__ = (
        ExcludeConstraint(
            (func.int8range(Column("bay_id"), Column("bay_id"), text("'[]'")), "&&"),
            (Column("during"), "&&"),
            where=text("state <> 'released'"),
            using="gist",
            name="ex_hold_bay_id_during",
        ),
        Index(
            "uq_hold_booking_id_live", "booking_id", unique=True, postgresql_where=text("state <> 'released'")
        ),
    )


class Visit(Base):
    """A visit (车次): one truck, one stay.

    ``leg`` and ``load_state``: what it carries now (None: as booked). ``called_at``/``missed_calls``: 叫号.
    """

    __tablename__ = "visit"
    __table_args__ = (
        Index(
            "uq_visit_vehicle_id_open",
            "vehicle_id",
            unique=True,
            postgresql_where=text("state NOT IN ('refused', 'exited', 'closed', 'closed_inferred')"),
        ),
    )

    id: Mapped[Key]
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"), unique=True)
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"))
    state: Mapped[Word]
    dock: Mapped[str | None] = mapped_column(String(40))
    arrived_at: Mapped[Instant]
    admitted_at: Mapped[Instant | None]
    parked_at: Mapped[Instant | None]
    exited_at: Mapped[Instant | None]
    remark: Mapped[str | None] = mapped_column(String(500))
    leg: Mapped[Word] = mapped_column(default="in", server_default="in")
    load_state: Mapped[Word | None]
    waybill_out: Mapped[str | None] = mapped_column(String(40))
    inspected_at: Mapped[Instant | None]
    moved_at: Mapped[Instant | None]
    missed_calls: Mapped[int] = mapped_column(SmallInteger, default=0, server_default="0")

    booking: Mapped[Booking] = relationship()
