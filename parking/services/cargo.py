"""Cargo put right: declared after the dock, corrected at the gate, washed out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import VisitMoved
from parking.models import Booking, Cargo, CheckAnswer, Goods, Visit
from parking.refused import Refused, no
from parking.rules.admission import CargoLine
from parking.services import audit, bays, carrying, holding
from parking.vocabulary import AT_GATE, FormField, Leg, LoadState, Refusal, VisitState

_AFTER_WORK = (VisitState.WORK_DONE, VisitState.EN_ROUTE_OUT, VisitState.PARKED, VisitState.ISOLATED)
_TO_WASH = (VisitState.WASHING,)


def declare(
    session: Session,
    visit_id: int,
    carries: LoadState,
    cargo: Sequence[CargoLine],
    waybill_out: str,
    now: datetime,
    actor: str,
    source: str,
) -> Visit:
    """Say what a vehicle carries after its work at the dock. Raises Refused with every reason."""
    visit, booking = _locked(session, visit_id, _AFTER_WORK)
    reasons = carrying.against_after_work(session, visit, booking, carries, cargo)
    if reasons:
        raise Refused(*reasons)
    carrying.write(session, visit, booking, carries, cargo, waybill_out)
    _tell(session, visit, "declare_cargo", now, actor, source, carries, cargo)
    return visit


def correct(
    session: Session,
    visit_id: int,
    carries: LoadState,
    cargo: Sequence[CargoLine],
    now: datetime,
    actor: str,
    source: str,
) -> Visit:
    """What stands at the gate is not what was booked: put it right. Raises Refused.

    A bay that no longer suits is taken back, and the dispatcher finds another; answers of the checklist were
    given to other cargo and are asked anew. What nobody knows is not entered here: such a vehicle is refused
    or isolated.
    """
    visit, booking = _locked(session, visit_id, tuple(AT_GATE))
    reasons = list(carrying.against(session, booking, carries, cargo))
    if carries is not LoadState.EMPTY_CLEAN and not cargo:
        reasons.append(no(Refusal.CARGO_UNDECLARED, FormField.UN_NUMBER))
    if reasons:
        raise Refused(*reasons)
    before = session.execute(
        select(Cargo.un_number, Cargo.mass_kg, Cargo.residue)
        .where(Cargo.booking_id == booking.id, Cargo.leg == Leg.IN)
        .order_by(Cargo.compartment)
    ).all()
    same = booking.load_state == carries and [tuple(row) for row in before] == [
        (line.un_number, line.mass_kg, line.residue) for line in cargo
    ]
    _rewrite(session, booking, carries, cargo)
    if not same:
        _inspect_anew(session, visit, now)
    hold = holding.live(session, booking.id)
    if hold is not None and bays.standing_reasons(session, booking, hold, now, physical=False):
        holding.take_back(session, hold, now, "cargo_differs", actor, source)
    facts = {"before": [(row.un_number, row.mass_kg) for row in before]}
    _tell(session, visit, "correct_cargo", now, actor, source, carries, cargo, **facts)
    return visit


def washed(
    session: Session, visit_id: int, certificate: str, now: datetime, actor: str, source: str
) -> Visit:
    """A cleaning certificate was entered: from now on the vehicle is empty and clean. Raises Refused."""
    visit, _ = _locked(session, visit_id, _TO_WASH)
    certificate = certificate.strip()[:80]
    if not certificate:
        raise Refused(no(Refusal.REMARK_MISSING, FormField.REMARK))
    visit.load_state = LoadState.EMPTY_CLEAN
    session.flush()
    _tell(session, visit, "washed", now, actor, source, LoadState.EMPTY_CLEAN, (), certificate=certificate)
    return visit


def _inspect_anew(session: Session, visit: Visit, now: datetime) -> None:
    """What was found on the checklist was found of other cargo; the audit keeps it."""
    session.execute(delete(CheckAnswer).where(CheckAnswer.visit_id == visit.id))
    if visit.state in (VisitState.INSPECTED, VisitState.QUEUED):
        visit.state, visit.inspected_at, visit.moved_at = VisitState.ARRIVED, None, now
    session.flush()


def _rewrite(session: Session, booking: Booking, carries: LoadState, cargo: Sequence[CargoLine]) -> None:
    """The booking as it really is; its leading goods follow."""
    carrying.put(session, booking.id, Leg.IN, cargo)
    lead = session.get(Goods, cargo[0].un_number) if cargo else None
    booking.load_state, booking.mass_kg = carries, sum(line.mass_kg for line in cargo)
    booking.un_number = lead.un_number if lead else None
    booking.hazard_class = lead.hazard_class if lead else None
    booking.subsidiary = list(lead.subsidiary) if lead else []
    session.flush()


def _locked(session: Session, visit_id: int, states: tuple[VisitState, ...]) -> tuple[Visit, Booking]:
    found = session.execute(
        select(Booking.id, Booking.lot_id)
        .join(Visit, Visit.booking_id == Booking.id)
        .where(Visit.id == visit_id)
    ).first()
    if found is None:
        raise Refused(no(Refusal.VISIT_UNKNOWN))
    holding.lock(session, found.lot_id)
    visit = session.get_one(Visit, visit_id, populate_existing=True)
    if visit.state not in states:
        raise Refused(no(Refusal.BOOKING_STATE, state=VisitState(visit.state)))
    return visit, session.get_one(Booking, found.id, populate_existing=True)


def _tell(
    session: Session,
    visit: Visit,
    act: str,
    now: datetime,
    actor: str,
    source: str,
    carries: LoadState,
    cargo: Sequence[CargoLine],
    **facts: object,
) -> None:
    outbox.post(session, VisitMoved(visit.id, visit.state))
    lines = [(c.un_number, c.mass_kg, c.residue) for c in cargo]
    audit.record(session, actor, act, "visit", visit.id, now, source, carries=carries, cargo=lines, **facts)
