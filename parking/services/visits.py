"""Visits: checked in at the gate, moved step by step, checked out."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import VisitMoved
from parking.models import Booking, Hold, Violation, Visit, Watch
from parking.queries import lot as lots
from parking.refused import Reason, Refused, no
from parking.rules import visit as life
from parking.rules.occupancy import AHEAD
from parking.services import audit, bays, bookings, docking, holding, terminals, tickets
from parking.vocabulary import (
    OPEN_VISIT,
    BookingState,
    FormField,
    HoldState,
    LoadState,
    Refusal,
    ViolationKind,
    VisitState,
    VisitStep,
)


def check_in(session: Session, booking_id: int, now: datetime, actor: str, source: str) -> Visit:
    """The vehicle is at the gate. Checking in twice gives the same visit. Raises Refused."""
    booking = bookings.locked(session, booking_id)
    known = session.scalar(select(Visit).where(Visit.booking_id == booking.id))
    if known is not None and known.state in OPEN_VISIT:
        return known
    hold = holding.live(session, booking.id)
    reasons = _against_arrival(session, booking, hold, now)
    if reasons or hold is None:
        raise Refused(*reasons)
    visit = _arrive(session, booking, hold, now)
    outbox.post(session, VisitMoved(visit.id, VisitState.ARRIVED))
    audit.record(session, actor, VisitStep.CHECK_IN, "visit", visit.id, now, source, plate=booking.plate)
    return visit


def step(
    session: Session,
    visit_id: int,
    step: VisitStep,
    now: datetime,
    actor: str,
    source: str,
    dock: str | None = None,
    remark: str | None = None,
) -> Visit:
    """Move a visit on. CALL names the dock; REFUSE needs a remark. Raises Refused with every reason."""
    visit, booking = _locked(session, visit_id)
    hold = holding.live(session, booking.id)
    remark = (remark or "").strip()[:500] or None
    following, reasons = life.move(
        VisitState(visit.state), step, LoadState(booking.load_state), bookings.by_driver(actor)
    )
    if following is not None:
        reasons = _guards(session, visit, booking, hold, step, now, dock, remark)
        if step is VisitStep.CHECK_OUT and bookings.by_driver(actor):
            reasons = _against_leaving(session, visit, booking, now)
    if following is None or reasons:
        raise Refused(*reasons)
    before = VisitState(visit.state)
    _write(session, visit, hold, step, following, now, dock, remark)
    tickets.follow(session, visit, before, now)
    outbox.post(session, VisitMoved(visit.id, following))
    audit.record(
        session, actor, step, "visit", visit.id, now, source, state=following, dock=dock, remark=remark
    )
    return visit


def _against_arrival(session: Session, booking: Booking, hold: Hold | None, now: datetime) -> list[Reason]:
    if booking.state not in (BookingState.APPROVED, BookingState.SUBMITTED):
        return [no(Refusal.BOOKING_STATE, state=BookingState(booking.state))]
    reasons = []
    policy = lots.policy(session, booking.lot_id)
    opens = booking.window_start - timedelta(minutes=policy.check_in_early_min)
    if now < opens:
        reasons.append(no(Refusal.TOO_EARLY, opens_at=opens))
    if now > booking.window_end:
        reasons.append(no(Refusal.TOO_LATE, closed_at=booking.window_end))
    if hold is None:
        reasons.append(no(Refusal.BAY_NOT_CONFIRMED))
    if _still_inside(session, booking):
        reasons.append(no(Refusal.VEHICLE_INSIDE, plate=booking.plate))
    return reasons


def _still_inside(session: Session, booking: Booking) -> bool:
    """An earlier visit of the same vehicle has not ended."""
    found = session.scalar(
        select(Visit.id)
        .join(Booking, Booking.id == Visit.booking_id)
        .where(
            Booking.plate == booking.plate,
            Booking.plate_colour == booking.plate_colour,
            Visit.state.in_(OPEN_VISIT),
        )
    )
    return found is not None


def _arrive(session: Session, booking: Booking, hold: Hold, now: datetime) -> Visit:
    visit = Visit(
        booking_id=booking.id,
        vehicle_id=terminals.vehicle_of(session, booking.plate, booking.plate_colour, now),
        state=VisitState.ARRIVED,
        arrived_at=now,
    )
    inside = no(Refusal.VEHICLE_INSIDE, plate=booking.plate)
    with holding.refusing(session, {"uq_visit_vehicle_id_open": inside}):
        session.add(visit)
        booking.state = BookingState.USED
        hold.state = HoldState.OCCUPIED
    return visit


def _locked(session: Session, visit_id: int) -> tuple[Visit, Booking]:
    booking_id = session.scalar(select(Visit.booking_id).where(Visit.id == visit_id))
    if booking_id is None:
        raise Refused(no(Refusal.VISIT_UNKNOWN))
    booking = bookings.locked(session, booking_id)
    return session.get_one(Visit, visit_id, populate_existing=True), booking


def _guards(
    session: Session,
    visit: Visit,
    booking: Booking,
    hold: Hold | None,
    step: VisitStep,
    now: datetime,
    dock: str | None,
    remark: str | None,
) -> tuple[Reason, ...]:
    """What must hold in the park, beyond the table, for this step."""
    if step in (VisitStep.ADMIT, VisitStep.PARK):
        if hold is None:
            return (no(Refusal.BAY_NOT_CONFIRMED),)
        return bays.standing_reasons(session, booking, hold, now, physical=step is VisitStep.PARK)
    if step is VisitStep.CALL:
        return docking.against(session, booking, dock)
    if step is VisitStep.REFUSE and remark is None:
        return (no(Refusal.REMARK_MISSING, FormField.REMARK),)
    return ()


def _against_leaving(session: Session, visit: Visit, booking: Booking, now: datetime) -> tuple[Reason, ...]:
    """A driver's word frees no bay while the terminal shows the vehicle in one; silence says nothing."""
    fresh = now - timedelta(seconds=lots.policy(session, booking.lot_id).silence_s)
    watch = session.get(Watch, visit.vehicle_id, populate_existing=True)
    if (
        watch is None
        or watch.last_time is None
        or watch.lon is None
        or watch.lat is None
        or watch.last_time < fresh
    ):
        return ()
    bay = lots.bay_at(session, booking.lot_id, watch.lon, watch.lat)
    return () if bay is None else (no(Refusal.STILL_IN_BAY, bay=bay, seen_at=watch.last_time),)


def _write(
    session: Session,
    visit: Visit,
    hold: Hold | None,
    step: VisitStep,
    following: VisitState,
    now: datetime,
    dock: str | None,
    remark: str | None,
) -> None:
    visit.state = following
    visit.remark = remark or visit.remark
    if step is VisitStep.ADMIT and hold is not None:
        visit.admitted_at = now
        _occupy(session, hold, now)
    elif step is VisitStep.PARK:
        visit.parked_at = now
    elif step is VisitStep.CALL:
        visit.dock = dock
    elif following not in OPEN_VISIT:
        _leave(session, visit, hold, now)
    session.flush()


def _occupy(session: Session, hold: Hold, now: datetime) -> None:
    """The bay is taken from now, however early the vehicle is, and for a while from now, however late."""
    begins, ends = holding.span(hold)
    hold.state = HoldState.OCCUPIED
    taken = no(Refusal.BAY_TAKEN, bay=str(hold.bay_id))
    with holding.refusing(session, {"ex_hold_bay_id_during": taken}):
        hold.during = Range(min(begins, now), max(ends, now + AHEAD))


def _leave(session: Session, visit: Visit, hold: Hold | None, now: datetime) -> None:
    """The bay is free again; a running overstay ends here."""
    visit.exited_at = now
    if hold is not None:
        holding.release(hold, now)
    session.execute(
        update(Violation)
        .where(
            Violation.visit_id == visit.id,
            Violation.kind == ViolationKind.OVERSTAY,
            Violation.ended_at.is_(None),
        )
        .values(ended_at=now)
    )
