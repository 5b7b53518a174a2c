"""Two-person override of an assignment: asked by a dispatcher, answered by a supervisor, used once."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import OverrideAsked
from parking.models import Hold, Override
from parking.queries import lot as lots
from parking.refused import Refused, no
from parking.rules import booking as life
from parking.rules import override as rules
from parking.services import arrivals, audit, bays, bookings
from parking.vocabulary import OverrideState, Refusal


def ask(
    session: Session, booking_id: int, bay_code: str, reason: str, now: datetime, actor: str, source: str
) -> Override:
    """Ask a supervisor to let this booking have this bay all the same. Raises Refused.

    Refused at once when something stands against it that nobody may override, or nothing at all.
    """
    booking = bookings.locked(session, booking_id)
    reason = reason.strip()[:1000]
    if life.who(actor) not in rules.MAY_ASK:
        raise Refused(no(Refusal.OVERRIDE_NOT_YOURS))
    if not reason:
        raise Refused(no(Refusal.REMARK_MISSING, "reason"))
    against = (
        *bays.reasons_against(session, booking, bay_code, now),
        *arrivals.hours_at_gate(session, booking, now),
    )
    policy = lots.policy(session, booking.lot_id)
    never = rules.beyond(against, policy)
    if never or not against:
        raise Refused(*(never or (no(Refusal.OVERRIDE_NOT_NEEDED),)))
    made = Override(
        booking_id=booking.id, act="assign", subject=bay_code, reason=reason, state=OverrideState.ASKED,
        refusals=[{"word": str(r.word)} for r in against], asked_at=now, asked_by=actor,
        expires_at=now + timedelta(minutes=policy.override_min),
    )  # fmt: skip
    session.add(made)
    session.flush()
    outbox.post(session, OverrideAsked(made.id, booking.id))
    facts = {"bay": bay_code, "reason": reason}
    audit.record(session, actor, "override_asked", "booking", booking.id, now, source, **facts)
    return made


def answer(
    session: Session, override_id: int, grant: bool, text: str, now: datetime, actor: str, source: str
) -> Override:
    """A second person, of another duty, says yes or no. Raises Refused."""
    found = session.get(Override, override_id, with_for_update=True, populate_existing=True)
    if found is None or found.state != OverrideState.ASKED or now >= found.expires_at:
        raise Refused(no(Refusal.OVERRIDE_OVER))
    if life.who(actor) not in rules.MAY_ANSWER or _person(actor) == _person(found.asked_by):
        raise Refused(no(Refusal.OVERRIDE_NOT_YOURS))
    if not text.strip():
        raise Refused(no(Refusal.REMARK_MISSING, "answer"))
    found.state = OverrideState.GRANTED if grant else OverrideState.DECLINED
    found.answered_at, found.answered_by, found.answer = now, actor, text.strip()[:1000]
    session.flush()
    facts = {"override": found.id, "bay": found.subject}
    audit.record(session, actor, f"override_{found.state}", "booking", found.booking_id, now, source, **facts)
    return found


def use(session: Session, override_id: int, now: datetime, actor: str, source: str) -> Hold:
    """Assign the bay with what was granted, once, and only while nothing else stands against it."""
    booking_id = session.scalar(select(Override.booking_id).where(Override.id == override_id))
    if booking_id is None:
        raise Refused(no(Refusal.OVERRIDE_OVER))
    booking = bookings.locked(session, booking_id)
    found = session.get_one(Override, override_id, with_for_update=True, populate_existing=True)
    if not rules.usable(found.state, found.expires_at, now):
        raise Refused(no(Refusal.OVERRIDE_OVER))
    found.state, found.used_at = OverrideState.SPENT, now
    session.flush()
    return bays.assign(session, booking.id, found.subject, now, actor, source)


def _person(actor: str) -> str:
    """The account behind an actor, whatever duty it acts in."""
    return actor.partition(":")[2]
