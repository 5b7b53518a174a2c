"""Two-person override: asked by a dispatcher, answered by a supervisor, used once.

Of a bay for a booking, or of what the product found for a row of the checklist.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import OverrideAsked
from parking.models import Hold, Override, Visit
from parking.queries import checklist as lists
from parking.queries import lot as lots
from parking.queries.self_checks import CHECK
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


def ask_check(
    session: Session, visit_id: int, code: str, reason: str, now: datetime, actor: str, source: str
) -> Override:
    """Ask a supervisor to set aside what the product found for a row of the checklist. Raises Refused."""
    visit = session.get(Visit, visit_id)
    if visit is None:
        raise Refused(no(Refusal.VISIT_UNKNOWN))
    booking, reason = bookings.locked(session, visit.booking_id), reason.strip()[:1000]
    if life.who(actor) not in rules.MAY_ASK:
        raise Refused(no(Refusal.OVERRIDE_NOT_YOURS))
    if not reason:
        raise Refused(no(Refusal.REMARK_MISSING, "reason"))
    lines = lists.of_visit(session, visit_id, now).lines
    bad = [line.finding for line in lines if line.row.code == code and line.found_bad and line.finding]
    if not bad:
        raise Refused(no(Refusal.OVERRIDE_NOT_NEEDED))
    word = str(bad[0].reasons[0].word)
    made = Override(
        booking_id=booking.id, act=CHECK, subject=code, reason=reason, state=OverrideState.ASKED,
        refusals=[{"word": word, "mark": mark} for mark in sorted(bad[0].marks)], asked_at=now,
        asked_by=actor,
        expires_at=now + timedelta(minutes=lots.policy(session, booking.lot_id).override_min),
    )  # fmt: skip
    session.add(made)
    session.flush()
    outbox.post(session, OverrideAsked(made.id, booking.id))
    facts = {"check": code, "reason": reason}
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
    facts = {"override": found.id, "check" if found.act == CHECK else "bay": found.subject}
    audit.record(session, actor, f"override_{found.state}", "booking", found.booking_id, now, source, **facts)
    return found


def use(session: Session, override_id: int, now: datetime, actor: str, source: str) -> Hold | None:
    """Do what was granted, once: assign the bay while nothing else stands against it, or set a row aside."""
    booking_id = session.scalar(select(Override.booking_id).where(Override.id == override_id))
    if booking_id is None:
        raise Refused(no(Refusal.OVERRIDE_OVER))
    booking = bookings.locked(session, booking_id)
    found = session.get_one(Override, override_id, with_for_update=True, populate_existing=True)
    if not rules.usable(found.state, found.expires_at, now):
        raise Refused(no(Refusal.OVERRIDE_OVER))
    found.state, found.used_at = OverrideState.SPENT, now
    session.flush()
    if found.act == CHECK:
        facts = {"override": found.id, "check": found.subject}
        audit.record(session, actor, "check_set_aside", "booking", booking.id, now, source, **facts)
        return None
    return bays.assign(session, booking.id, found.subject, now, actor, source)


def _person(actor: str) -> str:
    """The account behind an actor, whatever duty it acts in."""
    return actor.partition(":")[2]
