"""The call-forward queues as screens show them: each dock, who is there, who waits and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.shapes import Feature, LayerKind
from parking.models import Booking, Restraint, Ticket, Visit
from parking.queries import lot as lots
from parking.queries import park as parks
from parking.queries import warnings
from parking.refused import Reason, no
from parking.rules import queue as rules
from parking.rules import weather
from parking.rules.policy import Policy
from parking.rules.queue import Pace, Place, Waiting
from parking.vocabulary import Refusal, RestraintState, TicketState

#: Finished visits a dock's pace is taken from: the newest so many.
RECENT = 50

BUSY = (TicketState.CALLED, TicketState.GONE)


@dataclass(frozen=True, slots=True)
class Truck:
    """Whom a ticket belongs to, as the queue shows it."""

    ticket_id: int
    visit_id: int
    booking_id: int
    plate: str
    un_number: str | None
    hazard_class: str | None
    load_state: str
    driver_name: str
    driver_phone: str
    state: TicketState
    queued_at: datetime
    due_at: datetime
    called_at: datetime | None
    priority: str | None
    missed: int


@dataclass(frozen=True, slots=True)
class DockQueue:
    """One dock: who is there or on the way, and the line before it."""

    code: str
    name_zh: str
    name_en: str
    enterprise: str
    slots: int
    pace: Pace
    busy: tuple[Truck, ...]
    places: tuple[Place, ...]
    trucks: Mapping[int, Truck]

    def name(self, lang: str) -> str:
        return self.name_en if lang == "en" else self.name_zh

    @property
    def free(self) -> int:
        """How many more vehicles may be called now."""
        return max(0, self.slots - len(self.busy))

    @property
    def next(self) -> Truck | None:
        """Whose turn it is."""
        found = rules.turn([p.ticket for p in self.places])
        return self.trucks[found.ticket_id] if found else None


def docks(session: Session) -> tuple[Feature, ...]:
    """The docks of the park, in order of their code."""
    return tuple(sorted(parks.today(session).of(LayerKind.DOCK), key=lambda d: d.code))


def slots(dock: Feature) -> int:
    """How many vehicles a dock serves at once; one unless its layer says otherwise."""
    return max(1, int(float(dock.attributes.get("slots") or 1)))


def board(session: Session, now: datetime, policy: Policy) -> tuple[DockQueue, ...]:
    """Every dock's queue, in a fixed number of SQL statements however many wait."""
    live: dict[str, list[Truck]] = {}
    for truck, dock in _live(session):
        live.setdefault(dock, []).append(truck)
    held = held_back(session, now)
    lasted = _lasted(session)
    return tuple(
        _dock(d, live.get(d.code, []), held, rules.pace(lasted.get(d.code, []), policy), now, policy)
        for d in docks(session)
    )


def line(session: Session, dock: str, now: datetime, policy: Policy) -> list[Waiting]:
    """The line before one dock, first to be called first."""
    held = held_back(session, now)
    trucks = [t for t, code in _live(session, dock) if t.state is TicketState.WAITING]
    return rules.order((_waiting(t, held) for t in trucks), now, policy)


def place_of(session: Session, visit_id: int, now: datetime, policy: Policy) -> tuple[str, Place] | None:
    """(dock, place) of a vehicle that waits, as its driver reads it; None when it does not wait."""
    dock = session.scalar(
        select(Ticket.dock).where(Ticket.visit_id == visit_id, Ticket.state == TicketState.WAITING)
    )
    if dock is None:
        return None
    for found in board(session, now, policy):
        for place in found.places:
            if found.code == dock and found.trucks[place.ticket.ticket_id].visit_id == visit_id:
                return dock, place
    return None


def held_back(session: Session, now: datetime) -> Mapping[int, tuple[Reason, ...]]:
    """Visits that may not be called now, with every reason: a standing restraint, a warning."""
    rows = session.execute(
        select(Restraint.visit_id, Restraint.reason).where(Restraint.state == RestraintState.STANDING)
    )
    found: dict[int, tuple[Reason, ...]] = {}
    for row in rows:
        found[row.visit_id] = (no(Refusal.RESTRAINED, reason=row.reason),)
    for visit_id, reasons in _held_by_weather(session, now):
        found[visit_id] = (*found.get(visit_id, ()), *reasons)
    return found


def _held_by_weather(session: Session, now: datetime) -> Iterator[tuple[int, tuple[Reason, ...]]]:
    """Waiting visits with what a warning says against calling them."""
    standing = warnings.holding(session, now)
    if not standing:
        return
    waiting = session.execute(
        select(Visit.id, Booking)
        .join(Booking, Booking.id == Visit.booking_id)
        .join(Ticket, Ticket.visit_id == Visit.id)
        .where(Ticket.state == TicketState.WAITING)
    ).all()
    loads = lots.loads(session, [booking for _, booking in waiting])
    for visit_id, booking in waiting:
        if reasons := weather.against(loads[booking.id], standing, now):
            yield visit_id, reasons


def _dock(
    dock: Feature,
    trucks: Sequence[Truck],
    held: Mapping[int, tuple[Reason, ...]],
    pace: Pace,
    now: datetime,
    policy: Policy,
) -> DockQueue:
    busy = tuple(t for t in trucks if t.state in BUSY)
    waiting = [_waiting(t, held) for t in trucks if t.state is TicketState.WAITING]
    ordered = rules.order(waiting, now, policy)
    since = [t.called_at or now for t in busy]
    return DockQueue(
        code=dock.code,
        name_zh=dock.name_zh,
        name_en=dock.name_en,
        enterprise=str(dock.attributes.get("enterprise") or ""),
        slots=slots(dock),
        pace=pace,
        busy=busy,
        places=tuple(rules.places(ordered, since, slots(dock), pace, now, policy)),
        trucks={t.ticket_id: t for t in trucks},
    )


def _waiting(truck: Truck, held: Mapping[int, tuple[Reason, ...]]) -> Waiting:
    back = held.get(truck.visit_id, ())
    return Waiting(truck.ticket_id, truck.plate, truck.due_at, truck.priority, truck.missed, back)


def _live(session: Session, dock: str | None = None) -> list[tuple[Truck, str]]:
    """Every ticket that is not over, with its dock."""
    statement = (
        select(
            Ticket, Visit.booking_id, Visit.load_state.label("now_state"), Booking.plate, Booking.un_number,
            Booking.hazard_class, Booking.load_state, Booking.driver_name, Booking.driver_phone,
        )
        .join(Visit, Visit.id == Ticket.visit_id)
        .join(Booking, Booking.id == Visit.booking_id)
        .where(Ticket.state.in_((TicketState.WAITING, *BUSY)))
        .order_by(Ticket.called_at, Ticket.id)
        .execution_options(populate_existing=True)
    )  # fmt: skip
    if dock is not None:
        statement = statement.where(Ticket.dock == dock)
    return [(_truck(row), row.Ticket.dock) for row in session.execute(statement)]


def _truck(row: Any) -> Truck:
    ticket: Ticket = row.Ticket
    return Truck(
        ticket_id=ticket.id,
        visit_id=ticket.visit_id,
        booking_id=row.booking_id,
        plate=row.plate,
        un_number=row.un_number,
        hazard_class=row.hazard_class,
        load_state=row.now_state or row.load_state,
        driver_name=row.driver_name,
        driver_phone=row.driver_phone,
        state=TicketState(ticket.state),
        queued_at=ticket.queued_at,
        due_at=ticket.due_at,
        called_at=ticket.called_at,
        priority=ticket.priority,
        missed=ticket.missed,
    )


def _lasted(session: Session) -> dict[str, list[timedelta]]:
    """How long the newest finished visits kept each dock."""
    rows = session.execute(
        select(Ticket.dock, Ticket.called_at, Ticket.done_at)
        .where(Ticket.state == TicketState.DONE, Ticket.called_at.is_not(None), Ticket.done_at.is_not(None))
        .order_by(Ticket.done_at.desc())
        .limit(RECENT * 20)
    )
    found: dict[str, list[timedelta]] = {}
    for dock, called, done in rows:
        seen = found.setdefault(dock, [])
        if called and done and len(seen) < RECENT:
            seen.append(done - called)
    return found
