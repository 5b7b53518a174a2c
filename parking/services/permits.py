"""What a booking names, changed: the routes its vehicle may take, the closed zones it may enter.

A change applies from the moment it is made. Nothing is overwritten: positions that come late are judged by
what was named when they were taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.shapes import LayerKind
from parking import outbox
from parking.events import PermitChanged
from parking.models import Bay, Booking, PermitRow, Visit
from parking.queries import park as parks
from parking.refused import Reason, Refused, no
from parking.rules import permit as rules
from parking.rules.permit import EVERYTHING, Permit
from parking.services import audit, bookings, holding
from parking.vocabulary import OPEN_VISIT, BookingState, Refusal, VisitState

__all__ = ["BEFORE", "Asked", "Permit", "change", "give", "named", "shut_out"]

#: Before its vehicle comes: the park has the booking before it, or has approved it.
BEFORE = (
    BookingState.ENTERPRISE_APPROVED,
    BookingState.WAITLISTED,
    BookingState.APPROVED,
    BookingState.SUSPENDED,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants named, having seen change number ``seen`` (0: none; None: not looked at)."""

    permit: Permit
    seen: int | None = None


def give(session: Session, booking_id: int, asked: Asked, now: datetime, actor: str, source: str) -> bool:
    """Name routes and closed zones for a booking from now on. Returns whether that is a change.

    Raises Refused with every reason: a code that cannot be named, a bay or dock it would be kept from,
    somebody who was faster.
    """
    booking = bookings.locked(session, booking_id)
    hold = holding.live(session, booking.id)
    return change(session, booking, asked, hold.bay_id if hold else None, now, actor, source)


def change(
    session: Session,
    booking: Booking,
    asked: Asked,
    bay_id: int | None,
    now: datetime,
    actor: str,
    source: str,
) -> bool:
    """``give`` for a locked booking that has, or is about to have, a bay."""
    visit = session.scalar(select(Visit).where(Visit.booking_id == booking.id))
    _changeable(booking, visit)
    last = _last(session, booking.id)
    if asked.seen is not None and asked.seen != (last.id if last else 0):
        by = last.given_by if last else "system"
        raise Refused(no(Refusal.PERMIT_MEANWHILE, plate=booking.plate, by=by))
    if asked.permit == _permit(last):
        return False
    reasons = _against(session, booking, visit, asked.permit, bay_id, now)
    if reasons:
        raise Refused(*reasons)
    routes, zones = list(asked.permit.routes), asked.permit.zones
    session.add(
        PermitRow(
            booking_id=booking.id, since=now, routes=routes,
            zones=None if zones is None else list(zones), given_by=actor,
        )
    )  # fmt: skip
    session.flush()
    outbox.post(session, PermitChanged(booking.id))
    audit.record(
        session, actor, "permit", "booking", booking.id, now, source, routes=routes,
        zones=None if zones is None else list(zones),
    )  # fmt: skip
    return True


def named(session: Session, booking_id: int) -> Permit:
    """What a booking names now."""
    return _permit(_last(session, booking_id))


def shut_out(
    session: Session, booking_id: int, kind: LayerKind, codes: Iterable[str], now: datetime
) -> Mapping[str, Reason]:
    """Of these bays or docks those in a closed zone the booking does not name, with why."""
    permit = named(session, booking_id)
    if permit.zones is None:
        return {}
    return rules.shut_out(permit, parks.current(session), kind, codes, now)


def _changeable(booking: Booking, visit: Visit | None) -> None:
    if visit is None and booking.state not in BEFORE:
        raise Refused(no(Refusal.BOOKING_STATE, state=BookingState(booking.state)))
    if visit is not None and visit.state not in OPEN_VISIT:
        raise Refused(no(Refusal.BOOKING_STATE, state=VisitState(visit.state)))


def _against(
    session: Session,
    booking: Booking,
    visit: Visit | None,
    permit: Permit,
    bay_id: int | None,
    now: datetime,
) -> tuple[Reason, ...]:
    park = parks.current(session)
    begins = max(booking.window_start, now)
    bay = session.get_one(Bay, bay_id).code if bay_id else None
    places = ((LayerKind.BAY, bay), (LayerKind.DOCK, visit.dock if visit else None))
    shut = [
        reason
        for kind, code in places
        if code
        for reason in rules.shut_out(permit, park, kind, (code,), begins).values()
    ]
    return (*rules.against(permit, park, begins, max(booking.window_end, begins)), *shut)


def _permit(row: PermitRow | None) -> Permit:
    return Permit.of(row.routes, row.zones) if row else EVERYTHING


def _last(session: Session, booking_id: int) -> PermitRow | None:
    return session.scalar(
        select(PermitRow).where(PermitRow.booking_id == booking_id).order_by(PermitRow.id.desc()).limit(1)
    )
