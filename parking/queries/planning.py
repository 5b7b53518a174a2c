"""What the planner needs of the database: who wants a bay, and past plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from parking.models import Bay, Booking, Hold, PlanRun, Visit
from parking.queries.bookings import ASKS
from parking.vocabulary import AT_GATE, INSIDE, HoldState, PlanState, VisitState

#: The vehicle is here and stands in no bay.
_LOST = (*AT_GATE, VisitState.ADMITTED, VisitState.MISSING)


def wanting(session: Session, lot_id: int, begins: datetime, ends: datetime) -> list[Booking]:
    """Bookings that ask for a bay in [begins, ends), and vehicles here that hold none."""
    asks = Booking.state.in_(ASKS) & (Booking.window_start < ends) & (Booking.window_end > begins)
    return list(
        session.scalars(
            select(Booking)
            .outerjoin(Visit, Visit.booking_id == Booking.id)
            .outerjoin(Hold, (Hold.booking_id == Booking.id) & (Hold.state != HoldState.RELEASED))
            .where(Booking.lot_id == lot_id, Hold.id.is_(None), or_(asks, Visit.state.in_(_LOST)))
            .order_by(Booking.window_start, Booking.id)
        )
    )


def expecting(session: Session, lot_id: int, bay_code: str) -> list[int]:
    """Bookings that hold a bay and whose vehicle is not in the park: they lose it when it is closed."""
    rows = session.scalars(
        select(Hold.booking_id)
        .join(Bay, Bay.id == Hold.bay_id)
        .outerjoin(Visit, Visit.booking_id == Hold.booking_id)
        .where(Bay.lot_id == lot_id, Bay.code == bay_code, Hold.state != HoldState.RELEASED)
        .where(or_(Visit.id.is_(None), Visit.state.not_in(INSIDE)))
    )
    return list(rows)


def details(session: Session, booking_ids: Sequence[int]) -> Mapping[int, Booking]:
    """Bookings by id."""
    rows = session.scalars(select(Booking).where(Booking.id.in_(booking_ids)))
    return {b.id: b for b in rows}


def plates(session: Session, booking_ids: Sequence[int]) -> Mapping[int, str]:
    """Plates by booking."""
    rows = session.execute(select(Booking.id, Booking.plate).where(Booking.id.in_(booking_ids)))
    return {r.id: r.plate for r in rows}


def latest(session: Session, lot_id: int, day: date) -> PlanRun | None:
    """The plan asked for last for a day."""
    return session.scalar(
        select(PlanRun)
        .where(PlanRun.lot_id == lot_id, PlanRun.day == day)
        .order_by(PlanRun.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )


def due(session: Session) -> PlanRun | None:
    """The oldest plan that was asked for and is not made."""
    unmade = PlanRun.state.in_((PlanState.RUNNING, PlanState.IMPROVING))
    return session.scalar(select(PlanRun).where(unmade).order_by(PlanRun.id).limit(1))
