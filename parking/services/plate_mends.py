"""The plate at the gate is not the booked one: staff put it right, and everything is asked again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import VisitMoved
from parking.models import Booking, CheckAnswer, Visit
from parking.refused import Reason, Refused, no
from parking.rules import plate as plates
from parking.services import audit, bans, bookings, holding, terminals
from parking.vocabulary import (
    AT_GATE,
    LIVE_BOOKING,
    OPEN_VISIT,
    DocumentKind,
    FormField,
    Refusal,
    VisitState,
)

#: Papers that belong to the people, whatever they drive.
_OF_PEOPLE = frozenset({DocumentKind.DRIVER_QUALIFICATION, DocumentKind.ESCORT_QUALIFICATION})


def mend(
    session: Session,
    booking_id: int,
    plate: str,
    colour: int,
    why: str,
    now: datetime,
    actor: str,
    source: str,
) -> Booking:
    """Give a booking the plate that was seen. Raises Refused with every reason.

    Only staff, and only before the vehicle is in. What was told of the other vehicle (papers, size, answers
    on the checklist) no longer counts, the audit keeps it; a ban on the plate seen counts.
    """
    booking = bookings.locked(session, booking_id)
    visit = session.scalar(select(Visit).where(Visit.booking_id == booking.id))
    seen, why = plates.normalise(plate), why.strip()[:500]
    reasons = [*_against(booking, visit, seen, plate, colour, why, actor), *_taken(session, booking, seen)]
    if reasons:
        raise Refused(*reasons)
    before, papers = booking.plate, dict(booking.documents)
    booking.plate, booking.plate_colour = seen, colour
    booking.documents = {k: until for k, until in booking.documents.items() if k in _OF_PEOPLE}
    booking.length_m = booking.width_m = booking.height_m = None
    session.flush()
    if banned := bans.against(session, booking, now):
        raise Refused(*banned)
    if visit is not None:
        _another_vehicle(session, booking, visit, now)
    facts = {"before": before, "plate": seen, "remark": why, "papers": papers}
    audit.record(session, actor, "plate_mended", "booking", booking.id, now, source, **facts)
    return booking


def _against(
    booking: Booking, visit: Visit | None, seen: str, typed: str, colour: int, why: str, actor: str
) -> list[Reason]:
    found: list[Reason] = []
    if bookings.by_driver(actor):
        found.append(no(Refusal.PLATE_NOT_YOURS))
    waits = visit is None and booking.state in LIVE_BOOKING
    if not waits and (visit is None or visit.state not in AT_GATE):
        found.append(no(Refusal.PLATE_TOO_LATE))
    if seen == booking.plate and colour == booking.plate_colour:
        found.append(no(Refusal.PLATE_SAME, FormField.PLATE, plate=seen))
    if not plates.valid(seen):
        found.append(no(Refusal.PLATE_MALFORMED, FormField.PLATE, plate=typed.strip()[:40]))
    if colour not in plates.COLOURS:
        found.append(
            Reason(Refusal.CHOICE_UNKNOWN, {"field": FormField.PLATE_COLOUR}, FormField.PLATE_COLOUR)
        )
    if not why:
        found.append(no(Refusal.REMARK_MISSING, "plate_remark"))
    return found


def _taken(session: Session, booking: Booking, seen: str) -> list[Reason]:
    """Other bookings of the plate seen for the same time, and a vehicle of that plate already here."""
    rows = session.execute(
        select(Booking, Visit.state)
        .outerjoin(Visit, Visit.booking_id == Booking.id)
        .where(Booking.plate == seen, Booking.id != booking.id, Booking.state.in_(LIVE_BOOKING))
    ).all()
    found = []
    for other, state in rows:
        if state in OPEN_VISIT:
            found.append(no(Refusal.VEHICLE_INSIDE, FormField.PLATE, plate=seen))
        elif state is None and _meet(other, booking):
            found.append(no(Refusal.ALREADY_BOOKED, FormField.PLATE, plate=seen, code=other.code))
    return found


def _meet(one: Booking, other: Booking) -> bool:
    return one.window_start < other.window_end and other.window_start < one.window_end


def _another_vehicle(session: Session, booking: Booking, visit: Visit, now: datetime) -> None:
    """The visit is this vehicle's now, and it is looked at from the beginning."""
    visit.vehicle_id = terminals.vehicle_of(session, booking.plate, booking.plate_colour, now)
    if visit.state != VisitState.WAITING_OUTSIDE:
        visit.state, visit.inspected_at, visit.moved_at = VisitState.ARRIVED, None, now
    session.execute(delete(CheckAnswer).where(CheckAnswer.visit_id == visit.id))
    inside = no(Refusal.VEHICLE_INSIDE, FormField.PLATE, plate=booking.plate)
    with holding.refusing(session, {"uq_visit_vehicle_id_open": inside}):
        session.flush()
    outbox.post(session, VisitMoved(visit.id, VisitState(visit.state)))
