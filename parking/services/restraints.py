"""Restraints (暂扣): a vehicle that may not be called, depart or leave until somebody lifts it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import VisitMoved
from parking.models import Booking, Restraint, Visit
from parking.refused import Reason, Refused, no
from parking.services import audit, holding
from parking.vocabulary import OPEN_VISIT, Refusal, RestraintState, VisitState


def against(session: Session, visit_id: int) -> tuple[Reason, ...]:
    """One reason for each restraint that stands."""
    return tuple(no(Refusal.RESTRAINED, reason=r.reason) for r in standing(session, visit_id))


def standing(session: Session, visit_id: int) -> list[Restraint]:
    """The restraints of a visit that nobody has lifted."""
    return list(
        session.scalars(
            select(Restraint)
            .where(Restraint.visit_id == visit_id, Restraint.state == RestraintState.STANDING)
            .order_by(Restraint.id)
            .execution_options(populate_existing=True)
        )
    )


def restrain(
    session: Session, visit_id: int, reason: str, cause: str, now: datetime, actor: str, source: str
) -> Restraint:
    """Keep a vehicle where it is, with a reason. Raises Refused."""
    reason = reason.strip()[:500]
    if not reason:
        raise Refused(no(Refusal.REMARK_MISSING, "remark"))
    visit = _locked(session, visit_id)
    if visit.state not in OPEN_VISIT:
        raise Refused(no(Refusal.BOOKING_STATE, state=VisitState(visit.state)))
    made = Restraint(
        visit_id=visit.id, state=RestraintState.STANDING, reason=reason, cause=cause, set_at=now, set_by=actor
    )
    session.add(made)
    session.flush()
    _tell(session, visit, actor, "restrain", now, source, reason)
    return made


def lift(session: Session, restraint_id: int, why: str, now: datetime, actor: str, source: str) -> Restraint:
    """Let a vehicle go again, with the reason. Raises Refused."""
    found = session.get(Restraint, restraint_id)
    if found is None:
        raise Refused(no(Refusal.NOT_RESTRAINED))
    visit = _locked(session, found.visit_id)
    session.refresh(found)
    if found.state != RestraintState.STANDING:
        raise Refused(no(Refusal.NOT_RESTRAINED))
    if not why.strip():
        raise Refused(no(Refusal.REMARK_MISSING, "remark"))
    found.state, found.lifted_at, found.lifted_by = RestraintState.LIFTED, now, actor
    found.lifted_why = why.strip()[:500]
    session.flush()
    _tell(session, visit, actor, "lift_restraint", now, source, found.lifted_why)
    return found


def _locked(session: Session, visit_id: int) -> Visit:
    lot_id = session.scalar(
        select(Booking.lot_id).join(Visit, Visit.booking_id == Booking.id).where(Visit.id == visit_id)
    )
    if lot_id is None:
        raise Refused(no(Refusal.VISIT_UNKNOWN))
    holding.lock(session, lot_id)
    return session.get_one(Visit, visit_id, populate_existing=True)


def _tell(
    session: Session, visit: Visit, actor: str, act: str, now: datetime, source: str, reason: str
) -> None:
    outbox.post(session, VisitMoved(visit.id, visit.state))
    audit.record(session, actor, act, "visit", visit.id, now, source, reason=reason)
