"""The blacklist: set by a supervisor with reason and term, appealed by the driver, lifted or left to end."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import Ban, BanSpared, Booking, Violation
from parking.queries import bans as queries
from parking.refused import Reason, Refused, no
from parking.rules import ban as rules
from parking.services import audit, bookings
from parking.vocabulary import AppealState, BanSubject, BookingState, Refusal

#: Whose accepted bookings are suspended when somebody of theirs is banned.
_ACCEPTED = (BookingState.ENTERPRISE_APPROVED, BookingState.WAITLISTED, BookingState.APPROVED)


def against(session: Session, booking: Booking, at: datetime) -> tuple[Reason, ...]:
    """One reason for each entry that names somebody of this booking and stands at ``at``."""
    brought = _brought(booking)
    return rules.against(queries.named(session, brought), brought, at)


def of_booking(session: Session, booking_id: int, now: datetime) -> list[int]:
    """Entries that stop a booking now and were not appealed yet."""
    booking = session.get_one(Booking, booking_id)
    brought = _brought(booking)
    return [
        e.id
        for e in queries.named(session, brought)
        if e.stands(now) and e.name in brought[e.subject] and e.appeal is AppealState.NONE
    ]


def ban(
    session: Session,
    subject: BanSubject,
    name: str,
    reason: str,
    days: int,
    now: datetime,
    actor: str,
    source: str,
    violation_id: int | None = None,
) -> Ban:
    """Put somebody on the blacklist; accepted bookings that bring them are suspended. Raises Refused."""
    bare, reason = rules.normalise(subject, name), reason.strip()[:1000]
    if not bare or not reason:
        raise Refused(no(Refusal.REMARK_MISSING, "reason" if bare else "name"))
    if not 1 <= days <= 3650:
        raise Refused(Reason(Refusal.NUMBER_MALFORMED, {"field": "days"}, "days"))
    if violation_id is not None and session.get(Violation, violation_id) is None:
        raise Refused(no(Refusal.VIOLATION_UNKNOWN))
    made = Ban(
        subject=subject, name=bare, reason=reason, violation_id=violation_id, since=now,
        until=now + timedelta(days=days), set_by=actor,
    )  # fmt: skip
    session.add(made)
    session.flush()
    facts = {"whom": subject, "name": bare, "until": made.until.isoformat()}
    audit.record(session, actor, "ban", "ban", made.id, now, source, **facts)
    _suspend(session, made, now, actor, source)
    return made


def spare(
    session: Session, plate: str, last_violation_id: int, why: str, now: datetime, actor: str, source: str
) -> BanSpared:
    """Decide against a proposal, with the reason; only a later violation proposes again. Raises Refused."""
    bare, why = rules.normalise(BanSubject.PLATE, plate), why.strip()[:1000]
    if not why:
        raise Refused(no(Refusal.REMARK_MISSING, "remark"))
    if session.get(Violation, last_violation_id) is None:
        raise Refused(no(Refusal.VIOLATION_UNKNOWN))
    made = BanSpared(plate=bare, last_violation_id=last_violation_id, why=why, at=now, by=actor)
    session.add(made)
    session.flush()
    facts = {"plate": bare, "last_violation": last_violation_id, "why": why}
    audit.record(session, actor, "ban_spared", "ban_spared", made.id, now, source, **facts)
    return made


def lift(session: Session, ban_id: int, why: str, now: datetime, actor: str, source: str) -> Ban:
    """End an entry before its time, with the reason. Raises Refused."""
    found = _standing(session, ban_id, now)
    if not why.strip():
        raise Refused(no(Refusal.REMARK_MISSING, "remark"))
    found.lifted_at, found.decision = now, why.strip()[:1000]
    session.flush()
    audit.record(session, actor, "ban_lifted", "ban", found.id, now, source, why=found.decision)
    return found


def appeal(session: Session, ban_id: int, text: str, now: datetime, actor: str, source: str) -> Ban:
    """Say why an entry is wrong; a supervisor decides. Raises Refused."""
    found = _standing(session, ban_id, now)
    if not text.strip() or found.appeal != AppealState.NONE:
        raise Refused(no(Refusal.REMARK_MISSING, "remark"))
    found.appeal, found.appeal_text = AppealState.APPEALED, text.strip()[:2000]
    found.appealed_at, found.appealed_by = now, actor
    session.flush()
    audit.record(session, actor, "ban_appealed", "ban", found.id, now, source)
    return found


def decide(
    session: Session, ban_id: int, grant: bool, why: str, now: datetime, actor: str, source: str
) -> Ban:
    """Answer an appeal: granted, the entry ends now; upheld, it stays. Raises Refused."""
    found = _standing(session, ban_id, now)
    if not why.strip() or found.appeal != AppealState.APPEALED:
        raise Refused(no(Refusal.REMARK_MISSING, "remark"))
    found.appeal = AppealState.WON if grant else AppealState.UPHELD
    found.decided_at, found.decided_by, found.decision = now, actor, why.strip()[:1000]
    if grant:
        found.lifted_at = now
    session.flush()
    audit.record(session, actor, "ban_decided", "ban", found.id, now, source, appeal=found.appeal)
    return found


def _brought(booking: Booking) -> dict[BanSubject, set[str]]:
    return rules.names(
        booking.plate, booking.driver_name, booking.driver_phone, booking.escort_name, booking.carrier
    )


def _suspend(session: Session, made: Ban, now: datetime, actor: str, source: str) -> None:
    for booking in session.scalars(select(Booking).where(Booking.state.in_(_ACCEPTED)).order_by(Booking.id)):
        if any(r.facts["name"] == made.name for r in against(session, booking, now)):
            bookings.suspend(session, booking.id, made.reason, now, actor, source)


def _standing(session: Session, ban_id: int, now: datetime) -> Ban:
    found = session.get(Ban, ban_id, with_for_update=True, populate_existing=True)
    if found is None or not queries.entry(found).stands(now):
        raise Refused(no(Refusal.BAN_OVER))
    return found
