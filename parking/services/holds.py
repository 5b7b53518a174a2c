"""Legal holds: while one stands, nothing of the vehicle expires."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import LegalHold, Vehicle
from parking.services import audit


class NoSuchVehicle(LookupError):
    """No vehicle ever seen has this plate."""


def place(session: Session, plate: str, reason: str, now: datetime, actor: str) -> int:
    """Hold every vehicle of this plate (of any colour). How many. Raises NoSuchVehicle."""
    vehicles = session.scalars(select(Vehicle.id).where(Vehicle.plate == plate)).all()
    if not vehicles:
        raise NoSuchVehicle(plate)
    for vehicle_id in vehicles:
        session.add(LegalHold(vehicle_id=vehicle_id, reason=reason[:120], placed_at=now, placed_by=actor))
        audit.record(session, actor, "legal_hold", "vehicle", vehicle_id, now, "local", reason=reason[:120])
    return len(vehicles)


def lift(session: Session, plate: str, now: datetime, actor: str) -> int:
    """End the standing holds of this plate. How many."""
    standing = session.scalars(
        select(LegalHold)
        .join(Vehicle, Vehicle.id == LegalHold.vehicle_id)
        .where(Vehicle.plate == plate, LegalHold.lifted_at.is_(None))
    ).all()
    for hold in standing:
        hold.lifted_at, hold.lifted_by = now, actor
        audit.record(session, actor, "legal_hold_lifted", "vehicle", hold.vehicle_id, now, "local")
    return len(standing)
