"""Violations for screens: a page of them, or one with all that proves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from parking.models import Audit, Booking, Vehicle, Violation
from parking.vocabulary import Certainty, ViolationKind, ViolationState


@dataclass(frozen=True, slots=True)
class ViolationView:
    """One violation. Degrees WGS-84; times aware UTC; ``facts`` as the monitor stated them."""

    id: int
    vehicle_id: int
    plate: str
    kind: ViolationKind
    subject: str
    started_at: datetime
    ended_at: datetime | None
    lon: float | None
    lat: float | None
    certainty: Certainty
    facts: Mapping[str, Any]
    late: bool
    state: ViolationState
    seen_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    remark: str | None
    booking_code: str | None
    carrier: str | None
    driver_name: str | None
    driver_phone: str | None
    un_number: str | None
    hazard_class: str | None

    def spoken_facts(self) -> dict[str, Any]:
        """The facts a sentence needs, plate and times included."""
        return {
            **{k: _moment(v) if k.endswith("_at") else v for k, v in self.facts.items()},
            "plate": self.plate,
            "subject": self.subject,
            "started_at": self.started_at,
        }


@dataclass(frozen=True, slots=True)
class Filter:
    state: ViolationState | None = None
    kind: ViolationKind | None = None
    plate: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    rows: tuple[ViolationView, ...]
    total: int
    open: int


@dataclass(frozen=True, slots=True)
class AuditLine:
    at: datetime
    actor: str
    action: str
    facts: Mapping[str, Any]


def page(session: Session, wanted: Filter, offset: int = 0, limit: int = 50) -> Page:
    """Newest first. Three statements whatever the count."""
    statement = _narrow(_views(), wanted)
    rows = session.execute(
        statement.order_by(Violation.started_at.desc(), Violation.id.desc()).offset(offset).limit(limit)
    )
    total = session.scalar(_narrow(select(func.count(Violation.id)).join(Vehicle), wanted)) or 0
    still_open = session.scalar(
        select(func.count(Violation.id)).where(Violation.state == ViolationState.OPEN)
    )
    return Page(tuple(_view(*row) for row in rows), total, still_open or 0)


def one(session: Session, violation_id: int) -> ViolationView | None:
    row = session.execute(_views().where(Violation.id == violation_id)).one_or_none()
    return _view(*row) if row else None


def history(session: Session, violation_id: int) -> tuple[AuditLine, ...]:
    """Who did what with a violation, oldest first."""
    rows = session.scalars(
        select(Audit).where(Audit.subject == "violation", Audit.subject_id == violation_id).order_by(Audit.id)
    )
    return tuple(AuditLine(r.at, r.actor, r.action, r.facts) for r in rows)


def _views() -> Select[*tuple[Any, ...]]:
    views: Select[*tuple[Any, ...]] = (
        select(Violation, Vehicle.plate, Booking)
        .join(Vehicle, Vehicle.id == Violation.vehicle_id)
        .outerjoin(Booking, Booking.id == Violation.booking_id)
    )
    return views


def _narrow(statement: Select[*tuple[Any, ...]], wanted: Filter) -> Select[*tuple[Any, ...]]:
    if wanted.state:
        statement = statement.where(Violation.state == wanted.state)
    if wanted.kind:
        statement = statement.where(Violation.kind == wanted.kind)
    if wanted.plate:
        statement = statement.where(Vehicle.plate.contains(wanted.plate, autoescape=True))
    if wanted.since:
        statement = statement.where(Violation.started_at >= wanted.since)
    if wanted.until:
        statement = statement.where(Violation.started_at < wanted.until)
    return statement


def _view(row: Violation, plate: str, booking: Booking | None) -> ViolationView:
    return ViolationView(
        id=row.id,
        vehicle_id=row.vehicle_id,
        plate=plate,
        kind=ViolationKind(row.kind),
        subject=row.subject,
        started_at=row.started_at,
        ended_at=row.ended_at,
        lon=row.lon,
        lat=row.lat,
        certainty=Certainty(row.certainty),
        facts=row.facts,
        late=row.late,
        state=ViolationState(row.state),
        seen_at=row.seen_at,
        acknowledged_at=row.acknowledged_at,
        acknowledged_by=row.acknowledged_by,
        remark=row.remark,
        booking_code=booking.code if booking else None,
        carrier=booking.carrier if booking else None,
        driver_name=booking.driver_name if booking else None,
        driver_phone=booking.driver_phone if booking else None,
        un_number=booking.un_number if booking else None,
        hazard_class=booking.hazard_class if booking else None,
    )


def _moment(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
