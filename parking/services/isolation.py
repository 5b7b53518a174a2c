"""The one way into an isolation bay (隔离泊位): a vehicle that leaks, is abnormal or carries the unknown."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from parking.models import Bay, Booking, Hold
from parking.rules.occupancy import AHEAD
from parking.services import holding
from parking.vocabulary import HoldState


def move_in(session: Session, booking: Booking, hold: Hold | None, now: datetime, actor: str) -> Bay | None:
    """Give the vehicle a free isolation bay; None when there is none, which stops nobody from isolating it.

    The lot is locked. Neighbours are not asked: isolation bays are drawn apart for exactly this.
    """
    bay = free(session, booking.lot_id)
    if hold is not None:
        holding.release(hold, now)
        session.flush()
    if bay is None:
        return None
    session.add(
        Hold(
            bay_id=bay.id, booking_id=booking.id, during=Range(now, max(booking.window_end, now + AHEAD)),
            state=HoldState.OCCUPIED, held_at=now, held_by=actor,
        )
    )  # fmt: skip
    session.flush()
    return bay


def free(session: Session, lot_id: int) -> Bay | None:
    """The first isolation bay nobody holds."""
    taken = select(Hold.bay_id).where(Hold.state != HoldState.RELEASED)
    return session.scalar(
        select(Bay)
        .where(Bay.lot_id == lot_id, Bay.isolation, Bay.out_of_service.is_(None), Bay.id.not_in(taken))
        .order_by(Bay.code)
        .limit(1)
    )
