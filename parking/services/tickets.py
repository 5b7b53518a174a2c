"""Tickets of the call-forward queue follow the visit they belong to, whoever moved it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.shapes import Feature
from parking.models import Booking, Ticket, Visit
from parking.queries import lot as lots
from parking.queries import queue as queues
from parking.rules import queue as rules
from parking.services import docking
from parking.vocabulary import TicketState, VisitState

LIVE = (TicketState.WAITING, TicketState.CALLED, TicketState.GONE)
_AT_WORK = (VisitState.EN_ROUTE_IN, VisitState.AT_DOCK, VisitState.WORK_DONE)


def live(session: Session, visit_id: int) -> Ticket | None:
    """The ticket of a visit that is not over."""
    return session.scalar(
        select(Ticket)
        .where(Ticket.visit_id == visit_id, Ticket.state.in_(LIVE))
        .execution_options(populate_existing=True)
    )


def follow(session: Session, visit: Visit, before: VisitState | None, now: datetime) -> None:
    """Bring the ticket in line with the state a visit has just reached from ``before``."""
    ticket, state = live(session, visit.id), VisitState(visit.state)
    if state is VisitState.PARKED:
        _parked(session, visit, ticket, before, now)
    elif state is VisitState.CALLED:
        _called(session, visit, ticket, now)
    elif ticket is not None and state in _AT_WORK:
        ticket.state, ticket.gone_at = TicketState.GONE, ticket.gone_at or now
    elif ticket is not None:
        over = TicketState.DONE if ticket.state == TicketState.GONE else TicketState.LEFT
        ticket.state, ticket.done_at = over, now
    session.flush()


def join(session: Session, visit: Visit, booking: Booking, dock: str, now: datetime) -> Ticket:
    """A new place in the line before ``dock``; its waiting counts from when it was due."""
    ticket = Ticket(
        visit_id=visit.id,
        dock=dock,
        state=TicketState.WAITING,
        queued_at=now,
        due_at=rules.due(booking.window_start, visit.arrived_at),
        missed=0,
    )
    session.add(ticket)
    session.flush()
    return ticket


def fitting(docks: tuple[Feature, ...], enterprise: str | None) -> list[Feature]:
    """The docks of the enterprise that expects the vehicle."""
    return [d for d in docks if enterprise and d.attributes.get("enterprise") == enterprise]


def _parked(
    session: Session, visit: Visit, ticket: Ticket | None, before: VisitState | None, now: datetime
) -> None:
    """Parked for the first time: take a place. Back from a call it did not answer: behind the next."""
    if ticket is not None and ticket.state == TicketState.CALLED:
        _missed(session, ticket, now)
    elif ticket is None and before in (VisitState.ADMITTED, VisitState.MISSING):
        booking = session.get_one(Booking, visit.booking_id)
        dock = _shortest(session, booking, now)
        if dock is not None:
            join(session, visit, booking, dock, now)


def _called(session: Session, visit: Visit, ticket: Ticket | None, now: datetime) -> None:
    """Called to a dock, by its turn or by the dispatcher's word, which counts over the line."""
    if visit.dock is None:
        return
    if ticket is None:
        ticket = join(session, visit, session.get_one(Booking, visit.booking_id), visit.dock, now)
    ticket.dock, ticket.state, ticket.called_at = visit.dock, TicketState.CALLED, now


def _missed(session: Session, ticket: Ticket, now: datetime) -> None:
    """It loses its turn and its priority, never its place in the park."""
    booking = session.get_one(Booking, session.get_one(Visit, ticket.visit_id).booking_id)
    policy = lots.policy(session, booking.lot_id)
    ticket.state, ticket.called_at, ticket.priority = TicketState.WAITING, None, None
    session.flush()
    line = queues.line(session, ticket.dock, now, policy)
    mine = next(w for w in line if w.ticket_id == ticket.id)
    ticket.due_at, ticket.missed = rules.after_miss(line, mine, now, policy)


def _shortest(session: Session, booking: Booking, now: datetime) -> str | None:
    """The dock of the expecting enterprise that handles the load and has the shortest line."""
    policy = lots.policy(session, booking.lot_id)
    wanted = {d.code for d in fitting(queues.docks(session), booking.enterprise)}
    if not wanted:
        return None
    boards = [q for q in queues.board(session, now, policy) if q.code in wanted]
    able = [q for q in boards if not docking.against(session, booking, q.code, now)]
    best = min(able, key=lambda q: (len(q.places) + len(q.busy) - q.slots, q.code), default=None)
    return best.code if best else None
