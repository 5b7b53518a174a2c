"""Bookings: asked for, cancelled, rejected, expired."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import BookingClosed, BookingSubmitted
from parking.models import Booking, Cargo, Goods, Visit
from parking.queries import lot as lots
from parking.refused import Refused, no
from parking.rules import admission
from parking.rules.admission import BookingForm, Facts, KnownGoods, OtherBooking
from parking.services import audit, holding
from parking.vocabulary import OPEN_VISIT, BookingState, Leg, LoadState, Refusal

__all__ = ["BookingForm", "cancel", "reject", "request", "sweep"]

#: No 0 O 1 I L U: a code is read aloud at a gate and typed with gloves on.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 8

_LIVE = (BookingState.SUBMITTED, BookingState.APPROVED, BookingState.USED)
_WAITING = (BookingState.SUBMITTED, BookingState.APPROVED)


def request(session: Session, form: BookingForm, now: datetime, actor: str, source: str) -> Booking:
    """Take a booking. The same form sent again gives the same booking. Raises Refused with every reason."""
    form = admission.tidy(form)
    lot_id = lots.current(session)
    holding.lock(session, lot_id)
    if (known := _sent_before(session, form)) is not None:
        return known
    goods = session.get(Goods, form.un_number) if form.un_number else None
    reasons = admission.judge(_as_seen(form, actor), _facts(session, form, goods, lot_id, now, actor), now)
    if reasons:
        raise Refused(*reasons)
    booking = _write(session, form, goods, lot_id, now)
    outbox.post(session, BookingSubmitted(booking.id))
    audit.record(session, actor, "request", "booking", booking.id, now, source, plate=booking.plate)
    return booking


def cancel(session: Session, booking_id: int, now: datetime, actor: str, source: str) -> Booking:
    """Give a booking back before arrival. Raises Refused."""
    return _close(session, booking_id, BookingState.CANCELLED, None, now, actor, source)


def reject(session: Session, booking_id: int, remark: str, now: datetime, actor: str, source: str) -> Booking:
    """Say no to a booking, with the reason the driver reads. Raises Refused."""
    if not remark.strip():
        raise Refused(no(Refusal.REMARK_MISSING, "remark"))
    return _close(session, booking_id, BookingState.REJECTED, remark.strip(), now, actor, source)


def sweep(session: Session, now: datetime) -> int:
    """Expire bookings whose window is over and whose vehicle never came; returns how many."""
    due = session.scalars(
        select(Booking.id)
        .where(Booking.state.in_(_WAITING), Booking.window_end < now)
        .order_by(Booking.lot_id, Booking.id)
    ).all()
    return sum(_expire(session, booking_id, now) for booking_id in due)


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


def _close(
    session: Session,
    booking_id: int,
    state: BookingState,
    remark: str | None,
    now: datetime,
    actor: str,
    source: str,
) -> Booking:
    booking = locked(session, booking_id)
    if booking.state not in _WAITING:
        raise Refused(no(Refusal.BOOKING_STATE, state=BookingState(booking.state)))
    hold = holding.live(session, booking.id)
    if hold is not None:
        holding.release(hold, now)
    booking.state = state
    booking.reasons = [*booking.reasons, {"remark": remark, "by": actor}] if remark else booking.reasons
    session.flush()
    outbox.post(session, BookingClosed(booking.id))
    audit.record(session, actor, state.value, "booking", booking.id, now, source, remark=remark)
    return booking


def _expire(session: Session, booking_id: int, now: datetime) -> int:
    booking = locked(session, booking_id)
    if booking.state not in _WAITING or booking.window_end >= now:
        return 0
    _close(session, booking_id, BookingState.EXPIRED, None, now, "system", "sweep")
    return 1


def _sent_before(session: Session, form: BookingForm) -> Booking | None:
    """The booking this very form became. The same key under another content is another form."""
    if form.idempotency_key is None:
        return None
    found = session.scalar(select(Booking).where(Booking.idempotency_key == form.idempotency_key))
    same = found is not None and (found.plate, found.waybill_no) == (form.plate, form.waybill_no)
    return found if same else None


def _as_seen(form: BookingForm, actor: str) -> BookingForm:
    """Only staff may confirm an unusual plate."""
    return replace(form, plate_confirmed=form.plate_confirmed and not by_driver(actor))


def _facts(
    session: Session, form: BookingForm, goods: Goods | None, lot_id: int, now: datetime, actor: str
) -> Facts:
    same_plate = session.execute(_live().where(Booking.plate == form.plate)).all()
    waybill = session.execute(_live().where(Booking.waybill_no == form.waybill_no).limit(1)).first()
    return Facts(
        goods=KnownGoods(goods.un_number, goods.hazard_class, tuple(goods.subsidiary)) if goods else None,
        same_plate=tuple(_other(b, v, now, actor) for b, v in same_plate if _counts(b, v)),
        same_waybill=_other(waybill[0], waybill[1], now, actor) if waybill else None,
        policy=lots.policy(session, lot_id),
    )


def _live() -> Select[Booking, str]:
    return (
        select(Booking, Visit.state)
        .outerjoin(Visit, Visit.booking_id == Booking.id)
        .where(Booking.state.in_(_LIVE))
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


def _write(session: Session, form: BookingForm, goods: Goods | None, lot_id: int, now: datetime) -> Booking:
    cargo = None if form.load_state == LoadState.EMPTY_CLEAN else goods
    booking = Booking(
        code=_code(session),
        idempotency_key=_free_key(session, form.idempotency_key),
        lot_id=lot_id,
        plate=form.plate,
        plate_colour=form.plate_colour,
        carrier=form.carrier,
        driver_name=form.driver_name,
        driver_phone=form.driver_phone,
        escort_name=form.escort_name,
        waybill_no=form.waybill_no,
        un_number=form.un_number,
        hazard_class=cargo.hazard_class if cargo else None,
        subsidiary=list(cargo.subsidiary) if cargo else [],
        mass_kg=form.mass_kg,
        load_state=form.load_state,
        window_start=form.window_start,
        window_end=form.window_end,
        state=BookingState.SUBMITTED,
        reasons=[],
        language=form.language,
        created_at=now,
    )
    used = no(Refusal.WAYBILL_USED, "waybill_no", waybill_no=form.waybill_no, code="…")
    with holding.refusing(session, {"uq_booking_waybill_no_live": used}):
        session.add(booking)
    if cargo is not None:
        residue = form.load_state == LoadState.EMPTY_UNCLEANED
        session.add(
            Cargo(
                booking_id=booking.id, leg=Leg.IN, compartment=1, un_number=cargo.un_number,
                mass_kg=form.mass_kg, residue=residue,
            )
        )  # fmt: skip
    session.flush()
    return booking


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
