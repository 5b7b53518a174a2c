"""Bookings: asked for, cancelled, rejected, expired."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import BookingClosed, BookingSubmitted
from parking.models import Booking, Goods, Visit
from parking.queries import bans as ban_query
from parking.queries import lot as lots
from parking.refused import Reason, Refused, no
from parking.rules import admission, ban
from parking.rules import booking as life
from parking.rules.admission import BookingForm, Facts, KnownGoods, OtherBooking
from parking.rules.segregation import Rulebook
from parking.services import audit, carrying, holding
from parking.vocabulary import LIVE_BOOKING, OPEN_VISIT, BookingState, BookingStep, FormField, Leg, Refusal

__all__ = ["BookingForm", "cancel", "reject", "request", "sweep", "take"]

#: No 0 O 1 I L U: a code is read aloud at a gate and typed with gloves on.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 8

#: Steps that need a word of explanation for the driver.
_EXPLAINED = frozenset({BookingStep.RETURN, BookingStep.REJECT, BookingStep.SUSPEND})
#: States in which nothing more can come of a booking.
_OVER = frozenset({BookingState.REJECTED, BookingState.CANCELLED, BookingState.EXPIRED, BookingState.NO_SHOW})


def request(session: Session, form: BookingForm, now: datetime, actor: str, source: str) -> Booking:
    """Take a booking. The same form sent again gives the same booking. Raises Refused with every reason."""
    form = admission.tidy(form)
    lot_id = lots.current(session)
    holding.lock(session, lot_id)
    known = _sent_before(session, form)
    if known is not None and known.state != BookingState.DRAFT:
        return known
    goods = _goods(session, form)
    facts = _facts(session, form, goods, lot_id, now, actor, besides=known.id if known else 0)
    reasons = admission.judge(_as_seen(form, actor), facts, now)
    if reasons:
        raise Refused(*reasons)
    booking = known or _new(session, form, lot_id, now)  # a draft that was kept from this form is sent now
    _fill(session, booking, form, goods, _first_state(session, lot_id))
    outbox.post(session, BookingSubmitted(booking.id))
    audit.record(session, actor, "request", "booking", booking.id, now, source, plate=booking.plate)
    return booking


def edit(
    session: Session, booking_id: int, form: BookingForm, now: datetime, actor: str, source: str
) -> Booking:
    """Mend a returned booking and send it again, judged like a new one. Raises Refused with every reason."""
    booking = locked(session, booking_id)
    _, not_now = life.move(BookingState(booking.state), BookingStep.SUBMIT, actor)
    if not_now:
        raise Refused(*not_now)
    form = admission.tidy(form)
    goods = _goods(session, form)
    facts = _facts(session, form, goods, booking.lot_id, now, actor, besides=booking.id)
    reasons = admission.judge(_as_seen(form, actor), facts, now)
    if reasons:
        raise Refused(*reasons)
    _fill(session, booking, form, goods, _first_state(session, booking.lot_id))
    outbox.post(session, BookingSubmitted(booking.id))
    audit.record(session, actor, BookingStep.SUBMIT, "booking", booking.id, now, source, plate=booking.plate)
    return booking


def keep(session: Session, form: BookingForm, now: datetime, actor: str, source: str) -> Booking:
    """Keep an unfinished form as a draft, once; nobody is asked until it is sent. Raises Refused.

    What cannot be stored is left out: unknown goods, times that are none.
    """
    form = admission.tidy(form)
    if not form.plate:
        raise Refused(Reason(Refusal.FIELD_MISSING, {"field": FormField.PLATE}, FormField.PLATE))
    lot_id = lots.current(session)
    holding.lock(session, lot_id)
    known = _sent_before(session, form)
    if known is not None and known.state != BookingState.DRAFT:
        return known
    goods = _goods(session, form)
    booking = known or _new(session, form, lot_id, now)
    _fill(session, booking, admission.storable(form, set(goods), now), goods, BookingState.DRAFT)
    audit.record(session, actor, "draft", "booking", booking.id, now, source, plate=booking.plate)
    return booking


def _first_state(session: Session, lot_id: int) -> BookingState:
    """The enterprise is asked first, where the park wants it."""
    asks_first = lots.policy(session, lot_id).enterprise_approval
    return BookingState.SUBMITTED if asks_first else BookingState.ENTERPRISE_APPROVED


def cancel(session: Session, booking_id: int, now: datetime, actor: str, source: str) -> Booking:
    """Give a booking back before arrival. Raises Refused."""
    return take(session, booking_id, BookingStep.CANCEL, now, actor, source)


def enterprise_approve(session: Session, booking_id: int, now: datetime, actor: str, source: str) -> Booking:
    """The enterprise expects this vehicle; now the park decides. Raises Refused."""
    return take(session, booking_id, BookingStep.ENTERPRISE_APPROVE, now, actor, source)


def return_(
    session: Session, booking_id: int, remark: str, now: datetime, actor: str, source: str
) -> Booking:
    """Send a booking back to be mended, with what is wrong. Raises Refused."""
    return take(session, booking_id, BookingStep.RETURN, now, actor, source, remark)


def reject(session: Session, booking_id: int, remark: str, now: datetime, actor: str, source: str) -> Booking:
    """Say no to a booking, with the reason the driver reads. Raises Refused."""
    return take(session, booking_id, BookingStep.REJECT, now, actor, source, remark)


def waitlist(session: Session, booking_id: int, now: datetime, actor: str, source: str) -> Booking:
    """Let a booking wait for a bay to become free. Raises Refused."""
    return take(session, booking_id, BookingStep.WAITLIST, now, actor, source)


def suspend(
    session: Session, booking_id: int, remark: str, now: datetime, actor: str, source: str
) -> Booking:
    """Stop an accepted booking (a warning, the blacklist); its bay is given back. Raises Refused."""
    return take(session, booking_id, BookingStep.SUSPEND, now, actor, source, remark)


def resume(session: Session, booking_id: int, now: datetime, actor: str, source: str) -> Booking:
    """Let a suspended booking ask for a bay again. Raises Refused."""
    return take(session, booking_id, BookingStep.RESUME, now, actor, source)


def take(
    session: Session,
    booking_id: int,
    step: BookingStep,
    now: datetime,
    actor: str,
    source: str,
    remark: str = "",
) -> Booking:
    """Take a booking one step on: by the table, on record, and told. Raises Refused with the reason."""
    remark = remark.strip()[:1000]
    if step in _EXPLAINED and not remark:
        raise Refused(no(Refusal.REMARK_MISSING, "remark"))
    booking = locked(session, booking_id)
    following, reasons = life.move(BookingState(booking.state), step, actor)
    if following is None:
        raise Refused(*reasons)
    if following not in (BookingState.APPROVED, BookingState.USED):
        _free_bay(session, booking, now)
    booking.state, booking.decided_at = following, now
    if remark:
        booking.reasons = [*booking.reasons, {"remark": remark, "by": actor}]
    session.flush()
    closed = following in _OVER or following in (BookingState.RETURNED, BookingState.SUSPENDED)
    asks = following is BookingState.ENTERPRISE_APPROVED
    if closed or asks:
        outbox.post(session, BookingClosed(booking.id) if closed else BookingSubmitted(booking.id))
    audit.record(
        session, actor, step, "booking", booking.id, now, source, state=following, remark=remark or None
    )
    return booking


def sweep(session: Session, now: datetime) -> int:
    """End bookings whose window is over: expired when undecided, no-show when approved; returns how many."""
    waiting = [s for s, step in life.TABLE if step in (BookingStep.EXPIRE, BookingStep.MISS)]
    due = session.scalars(
        select(Booking.id)
        .where(Booking.state.in_(waiting), Booking.window_end < now)
        .order_by(Booking.lot_id, Booking.id)
    ).all()
    return sum(_end(session, booking_id, now) for booking_id in due)


def locked(session: Session, booking_id: int) -> Booking:
    """The booking, fresh, with its lot locked. Raises Refused."""
    lot_id = session.scalar(select(Booking.lot_id).where(Booking.id == booking_id))
    if lot_id is None:
        raise Refused(no(Refusal.BOOKING_UNKNOWN))
    holding.lock(session, lot_id)
    return session.get_one(Booking, booking_id, populate_existing=True)


def by_driver(actor: str) -> bool:
    """Whether the actor is a driver (``driver:<booking code>``), not a member of staff."""
    return actor.partition(":")[0] == "driver"


def _free_bay(session: Session, booking: Booking, now: datetime) -> None:
    hold = holding.live(session, booking.id)
    if hold is not None:
        holding.release(hold, now)


def _end(session: Session, booking_id: int, now: datetime) -> int:
    booking = locked(session, booking_id)
    if booking.window_end >= now:
        return 0
    for step in (BookingStep.EXPIRE, BookingStep.MISS):
        if (BookingState(booking.state), step) in life.TABLE:
            take(session, booking_id, step, now, "system", "sweep")
            return 1
    return 0


def _sent_before(session: Session, form: BookingForm) -> Booking | None:
    """The booking this very form became, or its draft. Another content under the key of a booking that was
    sent is another form."""
    if form.idempotency_key is None:
        return None
    found = session.scalar(select(Booking).where(Booking.idempotency_key == form.idempotency_key))
    if found is None or found.state == BookingState.DRAFT:
        return found
    return found if (found.plate, found.waybill_no) == (form.plate, form.waybill_no) else None


def _as_seen(form: BookingForm, actor: str) -> BookingForm:
    """Only staff may confirm an unusual plate."""
    return replace(form, plate_confirmed=form.plate_confirmed and not by_driver(actor))


def _goods(session: Session, form: BookingForm) -> dict[str, Goods]:
    """The goods of the form the park knows, by UN number."""
    asked = [n for n in (form.un_number, *(line.un_number for line in form.further)) if n]
    return {g.un_number: g for g in session.scalars(select(Goods).where(Goods.un_number.in_(asked)))}


def _facts(
    session: Session,
    form: BookingForm,
    goods: dict[str, Goods],
    lot_id: int,
    now: datetime,
    actor: str,
    besides: int = 0,
) -> Facts:
    others = _live().where(Booking.id != besides)
    same_plate = session.execute(others.where(Booking.plate == form.plate)).all()
    waybill = session.execute(others.where(Booking.waybill_no == form.waybill_no).limit(1)).first()
    rules = lots.rules_of(session, lot_id)
    return Facts(
        goods={n: KnownGoods(n, g.hazard_class, tuple(g.subsidiary)) for n, g in goods.items()},
        together=_together(form, goods, rules.book),
        enterprises=lots.enterprises(session),
        banned=_banned(session, form),
        same_plate=tuple(_other(b, v, now, actor) for b, v in same_plate if _counts(b, v)),
        same_waybill=_other(waybill[0], waybill[1], now, actor) if waybill else None,
        policy=rules.policy,
        zone=rules.zone,
        forbidden=rules.rules.forbidden_hours,
    )


def _banned(session: Session, form: BookingForm) -> tuple[Reason, ...]:
    """Who of the form is on the blacklist when the stay begins or ends."""
    brought = ban.names(form.plate, form.driver_name, form.driver_phone, form.escort_name, form.carrier)
    entries = ban_query.named(session, brought)
    ends = [t for t in (form.window_start, form.window_end) if t.tzinfo is not None]
    found = [reason for at in ends for reason in ban.against(entries, brought, at)]
    return tuple({r.facts["name"]: r for r in found}.values())


def _together(form: BookingForm, goods: dict[str, Goods], book: Rulebook) -> tuple[Reason, ...]:
    """Why two compartments of the form may not travel in one vehicle."""
    return carrying.together([goods[c.un_number] for c in form.cargoes if c.un_number in goods], book)


def _live() -> Select[Booking, str]:
    return (
        select(Booking, Visit.state)
        .outerjoin(Visit, Visit.booking_id == Booking.id)
        .where(Booking.state.in_(LIVE_BOOKING))
        .order_by(Booking.window_start)
    )


def _counts(booking: Booking, visit_state: str | None) -> bool:
    """A booking whose vehicle has left again no longer keeps its plate busy."""
    return booking.state != BookingState.USED or visit_state in OPEN_VISIT


def _other(booking: Booking, visit_state: str | None, now: datetime, actor: str) -> OtherBooking:
    """Another booking as the asker may see it: its code is a key, so a driver sees only the end of it."""
    code = "…" + booking.code[-3:] if by_driver(actor) else booking.code
    ends = max(booking.window_end, now) if visit_state in OPEN_VISIT else booking.window_end
    return OtherBooking(code, booking.plate, booking.waybill_no, booking.window_start, ends)


def _new(session: Session, form: BookingForm, lot_id: int, now: datetime) -> Booking:
    return Booking(
        code=_code(session),
        idempotency_key=_free_key(session, form.idempotency_key),
        lot_id=lot_id,
        reasons=[],
        created_at=now,
        walk_in=form.walk_in,
    )


def _fill(
    session: Session,
    booking: Booking,
    form: BookingForm,
    goods: dict[str, Goods],
    state: BookingState,
) -> None:
    """Write the form into the booking, its compartments too."""
    lead = goods.get(form.un_number or "") if form.cargoes else None
    booking.plate, booking.plate_colour, booking.carrier = form.plate, form.plate_colour, form.carrier
    booking.driver_name, booking.driver_phone = form.driver_name, form.driver_phone
    booking.escort_name, booking.waybill_no = form.escort_name, form.waybill_no
    booking.un_number = form.un_number
    booking.hazard_class = lead.hazard_class if lead else None
    booking.subsidiary = list(lead.subsidiary) if lead else []
    booking.mass_kg, booking.load_state = form.total_kg, form.load_state
    booking.window_start, booking.window_end = form.window_start, form.window_end
    booking.language, booking.enterprise = form.language, form.enterprise
    booking.purpose = form.purpose
    booking.length_m, booking.width_m, booking.height_m = form.length_m, form.width_m, form.height_m
    booking.documents = {str(kind): until.isoformat() for kind, until in form.documents.items()}
    booking.state = state
    used = no(Refusal.WAYBILL_USED, "waybill_no", waybill_no=form.waybill_no, code="…")
    with holding.refusing(session, {"uq_booking_waybill_no_live": used}):
        session.add(booking)
    carrying.put(session, booking.id, Leg.IN, form.cargoes)


def _free_key(session: Session, key: str | None) -> str | None:
    """A key already spent on another form is not stored twice."""
    spent = key and session.scalar(select(Booking.id).where(Booking.idempotency_key == key))
    return None if spent else key


def _code(session: Session) -> str:
    """A fresh random booking code; with the plate it opens the driver's page."""
    while True:
        code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
        if session.scalar(select(Booking.id).where(Booking.code == code)) is None:
            return code
