"""Calling vehicles forward to their docks (叫号): by their turn, one dock at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import Booking, Ticket, Visit
from parking.queries import lot as lots
from parking.queries import queue as queues
from parking.refused import Reason, Refused, no
from parking.services import audit, docking, holding, tickets, visits
from parking.vocabulary import FormField, Refusal, TicketState, VisitState, VisitStep


def call_next(session: Session, dock: str, now: datetime, actor: str, source: str) -> Visit:
    """Call the first in line that may be called now. Raises Refused: dock unknown, busy, or nobody to call.

    A vehicle the park may not call just now (restrained, weather, class) is passed over and keeps its place.
    """
    lot_id = lots.current(session)
    holding.lock(session, lot_id)
    _room(session, dock)
    against: list[Reason] = []
    for waiting in queues.line(session, dock, now, lots.policy(session, lot_id)):
        visit_id = session.get_one(Ticket, waiting.ticket_id).visit_id
        try:
            return visits.step(session, visit_id, VisitStep.CALL, now, actor, source, dock=dock)
        except Refused as refused:
            against.extend(refused.reasons)
    raise Refused(no(Refusal.NOBODY_TO_CALL, dock=dock), *against)


def put_first(
    session: Session, ticket_id: int, reason: str, now: datetime, actor: str, source: str
) -> Ticket:
    """Let a vehicle go first, with a reason everybody in line can read. An empty reason takes it back."""
    ticket, _ = _waiting(session, ticket_id)
    ticket.priority = " ".join(reason.split())[:300] or None
    session.flush()
    audit.record(session, actor, "put_first", "visit", ticket.visit_id, now, source, reason=ticket.priority)
    return ticket


def move(session: Session, ticket_id: int, dock: str, now: datetime, actor: str, source: str) -> Ticket:
    """Let a vehicle wait for another dock; how long it has waited goes with it. Raises Refused."""
    ticket, booking = _waiting(session, ticket_id)
    reasons = docking.against(session, booking, dock, now)
    if reasons:
        raise Refused(*reasons)
    before, ticket.dock = ticket.dock, dock
    session.flush()
    audit.record(
        session, actor, "move_queue", "visit", ticket.visit_id, now, source, before=before, dock=dock
    )
    return ticket


def join(session: Session, visit_id: int, dock: str, now: datetime, actor: str, source: str) -> Ticket:
    """Give a parked vehicle a place in the line of a dock. Raises Refused."""
    visit = session.get(Visit, visit_id)
    if visit is None:
        raise Refused(no(Refusal.VISIT_UNKNOWN))
    booking = session.get_one(Booking, visit.booking_id)
    holding.lock(session, booking.lot_id)
    session.refresh(visit)
    if visit.state != VisitState.PARKED:
        raise Refused(no(Refusal.STEP_ILLEGAL, step=VisitStep.CALL, state=VisitState(visit.state)))
    known = tickets.live(session, visit.id)
    if known is not None:
        return move(session, known.id, dock, now, actor, source)
    reasons = docking.against(session, booking, dock, now)
    if reasons:
        raise Refused(*reasons)
    ticket = tickets.join(session, visit, booking, dock, now)
    audit.record(session, actor, "join_queue", "visit", visit.id, now, source, dock=dock)
    return ticket


def leave(session: Session, ticket_id: int, now: datetime, actor: str, source: str) -> Ticket:
    """Take a vehicle out of the line; it stays where it stands. Raises Refused."""
    ticket, _ = _waiting(session, ticket_id)
    ticket.state, ticket.done_at = TicketState.LEFT, now
    session.flush()
    audit.record(session, actor, "leave_queue", "visit", ticket.visit_id, now, source, dock=ticket.dock)
    return ticket


def sweep(session: Session, now: datetime) -> int:
    """Calls nobody answered in time become missed calls; returns how many."""
    lot_id = lots.current(session)
    answer = timedelta(minutes=lots.policy(session, lot_id).call_answer_min)
    due = session.scalars(
        select(Ticket.visit_id)
        .where(Ticket.state == TicketState.CALLED, Ticket.called_at < now - answer)
        .order_by(Ticket.id)
    ).all()
    return sum(_miss(session, visit_id, now - answer, now) for visit_id in due)


def _miss(session: Session, visit_id: int, before: datetime, now: datetime) -> int:
    visit = session.get_one(Visit, visit_id)
    holding.lock(session, session.get_one(Booking, visit.booking_id).lot_id)
    ticket = tickets.live(session, visit_id)
    late = ticket is not None and ticket.called_at is not None and ticket.called_at < before
    if ticket is None or ticket.state != TicketState.CALLED or not late:
        return 0
    visits.step(session, visit_id, VisitStep.MISS_CALL, now, "system", "sweep")
    return 1


def _room(session: Session, dock: str) -> None:
    """Refuse when the dock is unknown or has no place left. The lot is locked."""
    drawn = next((d for d in queues.docks(session) if d.code == dock), None)
    if drawn is None:
        raise Refused(no(Refusal.DOCK_UNKNOWN, FormField.DOCK, dock=dock))
    busy = session.scalars(select(Ticket.id).where(Ticket.dock == dock, Ticket.state.in_(queues.BUSY))).all()
    if len(busy) >= queues.slots(drawn):
        raise Refused(no(Refusal.DOCK_BUSY, FormField.DOCK, dock=dock, count=len(busy)))


def _waiting(session: Session, ticket_id: int) -> tuple[Ticket, Booking]:
    """A ticket that waits, fresh, and its booking, with the lot locked. Raises Refused."""
    found = session.execute(
        select(Booking.id, Booking.lot_id)
        .join(Visit, Visit.booking_id == Booking.id)
        .join(Ticket, Ticket.visit_id == Visit.id)
        .where(Ticket.id == ticket_id)
    ).first()
    if found is None:
        raise Refused(no(Refusal.TICKET_OVER))
    holding.lock(session, found.lot_id)
    ticket = session.get_one(Ticket, ticket_id, populate_existing=True)
    if ticket.state != TicketState.WAITING:
        raise Refused(no(Refusal.TICKET_OVER))
    return ticket, session.get_one(Booking, found.id, populate_existing=True)
