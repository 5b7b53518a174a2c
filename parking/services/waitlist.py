"""The waiting list: who waits for a bay is told, or given one, in a fair order as soon as one suits.

First come, first served: whoever was put on the list first is asked first. A bay that does not suit the
first may go to the next, who takes nothing from him. The dispatcher decides unless the park has said that
the list may give bays by itself.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import BayPossible
from parking.models import Audit, Booking
from parking.queries import lot as lots
from parking.refused import Refused
from parking.services import audit, bays, holding
from parking.vocabulary import BookingState


def waiting(session: Session, lot_id: int) -> list[Booking]:
    """The list in its order."""
    statement = (
        select(Booking)
        .where(Booking.lot_id == lot_id, Booking.state == BookingState.WAITLISTED)
        .order_by(Booking.decided_at, Booking.id)
    )
    return list(session.scalars(statement))


def sweep(session: Session, now: datetime) -> int:
    """Offer (or give) bays that have become possible; returns to how many."""
    lot_id = lots.current(session)
    by_itself = lots.policy(session, lot_id).waitlist_auto
    holding.lock(session, lot_id)
    return sum(_offer(session, booking, by_itself, now) for booking in waiting(session, lot_id))


def _offer(session: Session, booking: Booking, by_itself: bool, now: datetime) -> int:
    best = next((s for s in bays.suggest(session, booking.id, now) if s.possible), None)
    if best is None:
        return 0
    if by_itself:
        try:
            bays.assign(session, booking.id, best.bay_code, now, "system", "waitlist")
        except Refused:
            return 0
        return 1
    if _told(session, booking):
        return 0
    outbox.post(session, BayPossible(booking.id))
    audit.record(session, "system", "bay_possible", "booking", booking.id, now, "sweep", bay=best.bay_code)
    return 1


def _told(session: Session, booking: Booking) -> bool:
    """Whether the dispatcher was told since the booking was put on the list."""
    found = session.scalar(
        select(Audit.id)
        .where(
            Audit.subject == "booking",
            Audit.subject_id == booking.id,
            Audit.action == "bay_possible",
            Audit.at >= (booking.decided_at or booking.created_at),
        )
        .limit(1)
    )
    return found is not None
