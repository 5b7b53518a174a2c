"""Holds: the lot row as the lock, one bay for one booking, and taking a bay back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import BayLost
from parking.models import Booking, Hold, Lot, Visit
from parking.refused import Reason, Refused
from parking.rules import booking as life
from parking.rules import visit as visits
from parking.services import audit
from parking.vocabulary import BookingState, BookingStep, HoldState, VisitState, VisitStep


def lock(session: Session, lot_id: int) -> None:
    """Hold the lot row until the transaction ends: a rule over several bays sees them stand still."""
    session.execute(select(Lot.id).where(Lot.id == lot_id).with_for_update())


def live(session: Session, booking_id: int) -> Hold | None:
    """The hold a booking has now."""
    return session.scalar(
        select(Hold)
        .where(Hold.booking_id == booking_id, Hold.state != HoldState.RELEASED)
        .execution_options(populate_existing=True)
    )


def release(hold: Hold, now: datetime) -> None:
    """Free the bay from ``now``; what was used of the period stays on record."""
    hold.state = HoldState.RELEASED
    begins, ends = span(hold)
    if begins < now < ends:
        hold.during = Range(begins, now)


def span(hold: Hold) -> tuple[datetime, datetime]:
    """Begin and end of a hold; both are always written."""
    begins, ends = hold.during.lower, hold.during.upper
    if begins is None or ends is None:
        raise ValueError(f"hold {hold.id} has an open period")
    return begins, ends


def take_back(session: Session, hold: Hold, now: datetime, why: str, actor: str, source: str) -> None:
    """Take a bay from a booking that waits for it; the booking asks for a bay again."""
    booking = session.get_one(Booking, hold.booking_id, populate_existing=True)
    release(hold, now)
    if booking.state == BookingState.APPROVED:
        booking.state = life.TABLE[BookingState.APPROVED, BookingStep.LOSE_BAY]
    visit = session.scalar(select(Visit).where(Visit.booking_id == booking.id))
    if visit is not None and visit.state == VisitState.INSPECTED:
        visit.state = visits.TABLE[VisitState.INSPECTED, VisitStep.QUEUE]
    session.flush()
    outbox.post(session, BayLost(booking.id, hold.bay_id))
    audit.record(session, actor, "bay_lost", "booking", booking.id, now, source, bay_id=hold.bay_id, why=why)


@contextmanager
def refusing(session: Session, on: Mapping[str, Reason]) -> Iterator[None]:
    """Flush what is written inside; a constraint named in ``on`` is refused, the session stays usable."""
    try:
        with session.begin_nested():
            yield
            session.flush()
    except IntegrityError as error:
        name = str(getattr(getattr(error.orig, "diag", None), "constraint_name", None))
        if name not in on:
            raise
        raise Refused(on[name]) from error
