"""Visits: checked in at the gate, moved step by step, checked out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import VisitAlarm, VisitMoved
from parking.models import Bay, Booking, Hold, Violation, Visit, Watch
from parking.queries import lot as lots
from parking.queries import self_checks
from parking.queries.bookings import declared
from parking.refused import Reason, Refused, no
from parking.rules import booking as booking_life
from parking.rules import self_check
from parking.rules import visit as life
from parking.rules.admission import CargoLine
from parking.rules.occupancy import AHEAD
from parking.services import (
    arrivals,
    audit,
    bans,
    bays,
    bookings,
    carrying,
    closing,
    docking,
    holding,
    isolation,
    restraints,
    terminals,
    tickets,
)
from parking.vocabulary import (
    OPEN_VISIT,
    BookingState,
    BookingStep,
    FormField,
    HoldState,
    LoadState,
    Refusal,
    ViolationKind,
    VisitState,
    VisitStep,
)

#: States somebody has to look at at once.
_ALARMING = frozenset({VisitState.MISSING, VisitState.ISOLATED})


def check_in(session: Session, booking_id: int, now: datetime, actor: str, source: str) -> Visit:
    """The vehicle is at the gate. Checking in twice gives the same visit. Raises Refused.

    A guard who sees it early lets it wait outside; a driver's own word counts only once check-in is open.
    """
    booking = bookings.locked(session, booking_id)
    known = session.scalar(select(Visit).where(Visit.booking_id == booking.id))
    if known is not None and known.state in OPEN_VISIT:
        return known
    hold = holding.live(session, booking.id)
    early = now < _opens_at(session, booking)
    reasons = _against_arrival(session, booking, hold, early and bookings.by_driver(actor), now, actor)
    if reasons or hold is None:
        raise Refused(*reasons)
    state = VisitState.WAITING_OUTSIDE if early else VisitState.ARRIVED
    visit = _arrive(session, booking, hold, state, now)
    outbox.post(session, VisitMoved(visit.id, state))
    audit.record(session, actor, VisitStep.CHECK_IN, "visit", visit.id, now, source, plate=booking.plate)
    return visit


@dataclass(frozen=True, slots=True)
class Said:
    """What is said with a step: the dock, a remark, and after the work what the vehicle carries now."""

    dock: str | None = None
    remark: str | None = None
    carries: LoadState | None = None
    cargo: tuple[CargoLine, ...] = ()
    waybill_out: str | None = None


def step(
    session: Session,
    visit_id: int,
    step: VisitStep,
    now: datetime,
    actor: str,
    source: str,
    dock: str | None = None,
    remark: str | None = None,
    said: Said | None = None,
) -> Visit:
    """Move a visit on. CALL names the dock; REFUSE needs a remark. Raises Refused with every reason."""
    visit, booking = _locked(session, visit_id)
    hold = holding.live(session, booking.id)
    said = said or Said(dock, (remark or "").strip()[:500] or None)
    before = VisitState(visit.state)
    following, reasons = life.move(
        before, step, declared(visit.leg, visit.load_state), bookings.by_driver(actor)
    )
    if following is not None:
        reasons = _guards(session, visit, booking, hold, step, now, said)
        if step is VisitStep.CHECK_OUT and bookings.by_driver(actor):
            reasons = (*reasons, *_against_leaving(session, visit, booking, now))
    if following is None or reasons:
        raise Refused(*reasons)
    _write(session, visit, booking, hold, step, following, now, said, actor)
    tickets.follow(session, visit, before, now)
    outbox.post(session, VisitMoved(visit.id, following))
    if following in _ALARMING:
        outbox.post(session, VisitAlarm(visit.id, booking.id, following))
    audit.record(
        session, actor, step, "visit", visit.id, now, source, state=following, dock=said.dock,
        remark=said.remark,
    )  # fmt: skip
    return visit


def sweep(session: Session, now: datetime) -> int:
    """What time alone brings: windows open, vehicles go missing, visits are closed. Returns how many."""
    policy = lots.policy(session, lots.current(session))
    late = now - timedelta(minutes=policy.park_within_min)
    opens = now + timedelta(minutes=policy.check_in_early_min)
    due = [
        *_due(session, VisitStep.OPEN_WINDOW, VisitState.WAITING_OUTSIDE, Booking.window_start <= opens),
        *_due(session, VisitStep.GO_MISSING, VisitState.ADMITTED, Visit.moved_at < late),
    ]
    for visit_id, word in due:
        step(session, visit_id, word, now, "system", "sweep")
    return len(due) + closing.sweep(session, now)


def _due(
    session: Session, word: VisitStep, state: VisitState, when: ColumnElement[bool]
) -> list[tuple[int, VisitStep]]:
    found = session.scalars(
        select(Visit.id)
        .join(Booking, Booking.id == Visit.booking_id)
        .where(Visit.state == state, when)
        .order_by(Visit.id)
    )
    return [(visit_id, word) for visit_id in found]


def _opens_at(session: Session, booking: Booking) -> datetime:
    early = lots.policy(session, booking.lot_id).check_in_early_min
    return booking.window_start - timedelta(minutes=early)


def _against_arrival(
    session: Session, booking: Booking, hold: Hold | None, too_early: bool, now: datetime, actor: str
) -> list[Reason]:
    following, refused = booking_life.move(BookingState(booking.state), BookingStep.ARRIVE, actor)
    if following is None and booking.state != BookingState.ENTERPRISE_APPROVED:
        return list(refused)
    reasons = []
    if too_early:
        reasons.append(no(Refusal.TOO_EARLY, opens_at=_opens_at(session, booking)))
    if now > booking.window_end:
        reasons.append(no(Refusal.TOO_LATE, closed_at=booking.window_end))
    if hold is None:
        reasons.append(no(Refusal.BAY_NOT_CONFIRMED))
    reasons.extend(bans.against(session, booking, now))
    reasons.extend(arrivals.weather(session, booking, now))
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


def _arrive(session: Session, booking: Booking, hold: Hold, state: VisitState, now: datetime) -> Visit:
    visit = Visit(
        booking_id=booking.id,
        vehicle_id=terminals.vehicle_of(session, booking.plate, booking.plate_colour, now),
        state=state,
        arrived_at=now,
        moved_at=now,
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
    said: Said,
) -> tuple[Reason, ...]:
    """What must hold in the park, beyond the table, for this step."""
    found: tuple[Reason, ...] = ()
    if step in life.RESTRAINED_STEPS:
        found = restraints.against(session, visit.id)
    if (VisitState(visit.state), step) in life.HELD_BY_WEATHER:
        found = (*found, *arrivals.weather(session, booking, now))
    if step is VisitStep.ADMIT:
        found = (*found, *_banned_meanwhile(session, booking, now))
        found = (*found, *arrivals.hours(session, booking, now, bays.granted_at(session, booking, hold)))
    if step is VisitStep.ADMIT and visit.state == VisitState.ARRIVED and _must_inspect(session, booking):
        found = (*found, no(Refusal.CHECKLIST_OPEN))
    if step in life.TO_BAY:
        return (*found, *_against_bay(session, visit, booking, hold, step, now))
    if step is VisitStep.CALL:
        return (*found, *docking.against(session, booking, said.dock, now))
    if step in (VisitStep.REFUSE, VisitStep.ISOLATE) and said.remark is None:
        return (*found, no(Refusal.REMARK_MISSING, FormField.REMARK))
    if step is VisitStep.FINISH_WORK:
        return (*found, *carrying.against_after_work(session, visit, booking, said.carries, said.cargo))
    if step is VisitStep.LEAVE_DOCK:
        return (*found, *carrying.against_leaving_dock(visit))
    return found


def _banned_meanwhile(session: Session, booking: Booking, now: datetime) -> tuple[Reason, ...]:
    """Entries of the blacklist made since the vehicle arrived, but for those two persons have set aside."""
    aside = {mark for marks in self_checks.set_aside(session, booking.id).values() for mark in marks}
    return tuple(r for r in bans.against(session, booking, now) if self_check.ban_mark(r) not in aside)


def _must_inspect(session: Session, booking: Booking) -> bool:
    return lots.policy(session, booking.lot_id).checklist_required


def _against_bay(
    session: Session, visit: Visit, booking: Booking, hold: Hold | None, step: VisitStep, now: datetime
) -> tuple[Reason, ...]:
    if hold is None or (visit.state == VisitState.ISOLATED and _in_isolation(session, hold)):
        return (no(Refusal.BAY_NOT_CONFIRMED),)
    return bays.standing_reasons(session, booking, hold, now, physical=step is VisitStep.PARK)


def _in_isolation(session: Session, hold: Hold) -> bool:
    return session.get_one(Bay, hold.bay_id).isolation


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
    booking: Booking,
    hold: Hold | None,
    step: VisitStep,
    following: VisitState,
    now: datetime,
    said: Said,
    actor: str,
) -> None:
    visit.state, visit.moved_at = following, now
    visit.remark = said.remark or visit.remark
    if step is VisitStep.INSPECT:
        visit.inspected_at = now
    elif step is VisitStep.ADMIT and hold is not None:
        visit.admitted_at = now
        _occupy(session, hold, now)
    elif step is VisitStep.PARK:
        visit.parked_at = now
    elif step is VisitStep.CALL:
        visit.dock = said.dock
    elif step is VisitStep.FINISH_WORK:
        carrying.write(session, visit, booking, said.carries, said.cargo, said.waybill_out)
    elif step is VisitStep.ISOLATE:
        visit.admitted_at = visit.admitted_at or now
        isolation.move_in(session, booking, hold, now, actor)
    elif following not in OPEN_VISIT and visit.exited_at is None:
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
