"""Vehicles that stay too long: their bay never looks free, who waits for it is told, people are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import ViolationEscalated, ViolationSeen
from parking.models import Bay, Booking, Hold, Violation, Visit, Watch
from parking.rules import assignment
from parking.rules import overstay as rules
from parking.rules.occupancy import AHEAD, Stay
from parking.rules.overstay import Overstay
from parking.services import bays, holding
from parking.services.bays import Lot
from parking.vocabulary import (
    INSIDE,
    OPEN_VISIT,
    Certainty,
    HoldState,
    Rung,
    ViolationKind,
    ViolationState,
)

#: An extended hold reaches a little further, so that it is not written again at every sweep.
REACH = AHEAD + timedelta(minutes=1)


def sweep(session: Session, now: datetime) -> int:
    """Keep the bays of vehicles still here, take back what they run into, tell of it; counts changes."""
    return sum(_sweep_lot(session, lot_id, now) for lot_id in _lots_with_visits(session))


def _sweep_lot(session: Session, lot_id: int, now: datetime) -> int:
    holding.lock(session, lot_id)
    lot = bays.survey(session, lot_id)
    return _extend(session, lot, now) + _tell(session, lot_id, lot, now)


def _lots_with_visits(session: Session) -> Sequence[int]:
    return session.scalars(
        select(Booking.lot_id)
        .join(Visit, Visit.booking_id == Booking.id)
        .where(Visit.state.in_(OPEN_VISIT))
        .distinct()
        .order_by(Booking.lot_id)
    ).all()


def _extend(session: Session, lot: Lot, now: datetime) -> int:
    """No hold of a vehicle that is here ends sooner than ``AHEAD`` from now."""
    lost: set[int] = set()
    extended = 0
    for stay in sorted((s for s in lot.stays if s.here), key=_rank):
        if stay.hold_id in lost or stay.ends >= now + AHEAD:
            continue
        for other in _in_the_way(stay, lot, lost, now + REACH, now):
            lost.add(other.hold_id)
            hold = session.get_one(Hold, other.hold_id, populate_existing=True)
            holding.take_back(session, hold, now, f"overstay of {stay.plate}", "system", "sweep")
        hold = session.get_one(Hold, stay.hold_id, populate_existing=True)
        hold.during = Range(stay.begins, now + REACH)
        session.flush()
        extended += 1
    return extended + len(lost)


def _rank(stay: Stay) -> tuple[bool, datetime]:
    """Vehicles inside come before those at the gate, earlier holds before later ones."""
    return (not stay.inside, stay.begins)


def _in_the_way(stay: Stay, lot: Lot, lost: set[int], ends: datetime, now: datetime) -> list[Stay]:
    """Holds of others, not yet inside, that cannot stand beside ``stay`` until its new end."""
    return [
        other
        for other in lot.stays
        if other.hold_id not in lost
        and other.hold_id != stay.hold_id
        and not other.inside
        and _rank(other) > _rank(stay)
        and other.overlaps(stay.begins, ends, now)
        and _conflict(stay, other, lot)
    ]


def _conflict(stay: Stay, other: Stay, lot: Lot) -> bool:
    if stay.bay_id == other.bay_id:
        return True
    one, two = lot.by_id(stay.bay_id), lot.by_id(other.bay_id)
    verdict, apart = assignment.clash(stay.load, one, other.load, two, lot.book)
    return not verdict.allows(apart)


def _tell(session: Session, lot_id: int, lot: Lot, now: datetime) -> int:
    """Make a violation of each overstay, once, and climb its ladder."""
    policy, longest = lot.rules.policy, _longest(session, lot)
    rows = session.execute(
        select(Visit, Booking.window_end, Bay.code)
        .join(Booking, Booking.id == Visit.booking_id)
        .outerjoin(Hold, (Hold.booking_id == Booking.id) & (Hold.state != HoldState.RELEASED))
        .outerjoin(Bay, Bay.id == Hold.bay_id)
        .where(Booking.lot_id == lot_id, Visit.state.in_(INSIDE))
        .order_by(Visit.id)
    ).all()
    return sum(
        _violation(session, visit, bay, found, now)
        for visit, window_end, bay in rows
        for found in rules.judge(window_end, visit.admitted_at, now, policy, longest.get(visit.booking_id))
    )


def _longest(session: Session, lot: Lot) -> dict[int, float]:
    """Booking → the longest stay its zone, cargo and purpose allow, hours, where the park has set one."""
    if not lot.rules.rules.stay_limits:
        return {}
    ids = [stay.booking_id for stay in lot.stays]
    asked = session.execute(select(Booking.id, Booking.purpose).where(Booking.id.in_(ids)))
    purposes = {row.id: row.purpose for row in asked}
    found = {}
    for stay in lot.stays:
        zone, purpose = lot.by_id(stay.bay_id).zone, purposes.get(stay.booking_id)
        limit = lot.rules.rules.longest_stay(zone, stay.load.hazards, purpose)
        if limit is not None:
            found[stay.booking_id] = limit.hours
    return found


def _violation(session: Session, visit: Visit, bay: str | None, found: Overstay, now: datetime) -> int:
    """New or known, the violation ends up with every rung reached; returns how many letters went out."""
    known = session.scalar(
        select(Violation).where(
            Violation.visit_id == visit.id,
            Violation.kind == ViolationKind.OVERSTAY,
            Violation.subject == found.clock,
        )
    )
    violation = known or _new(session, visit, bay, found, now)
    told = violation.facts["rungs"]
    rungs = [rung for rung in found.rungs if rung not in told]
    if rungs:
        violation.facts = {**violation.facts, "rungs": [*told, *rungs]}
        outbox.post(session, *(ViolationEscalated(violation.id, rung) for rung in rungs))
    return len(rungs) + (known is None)


def _new(session: Session, visit: Visit, bay: str | None, found: Overstay, now: datetime) -> Violation:
    """The violation itself tells the dispatcher: the first rung is taken with it."""
    watch = session.get(Watch, visit.vehicle_id, populate_existing=True)
    violation = Violation(
        vehicle_id=visit.vehicle_id,
        booking_id=visit.booking_id,
        visit_id=visit.id,
        kind=ViolationKind.OVERSTAY,
        subject=found.clock,
        started_at=found.started_at,
        lon=watch.lon if watch else None,
        lat=watch.lat if watch else None,
        certainty=Certainty.CERTAIN,
        facts={"due_at": found.limit_at.isoformat(), "bay": bay, "rungs": [Rung.DISPATCHER.value]},
        late=False,
        state=ViolationState.OPEN,
        seen_at=now,
    )
    session.add(violation)
    session.flush()
    outbox.post(session, ViolationSeen(violation.id))
    return violation
