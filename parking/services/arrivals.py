"""What keeps a vehicle outside for now: a warning that holds what it carries, hours closed to its class."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import Booking, Visit
from parking.queries import lot as lots
from parking.queries import warnings as queries
from parking.refused import Reason
from parking.rules import hours as hour_rules
from parking.rules import override
from parking.rules import weather as weather_rules
from parking.rules.substance import Load
from parking.vocabulary import AT_GATE, LIVE_BOOKING, OPEN_VISIT


def weather(session: Session, booking: Booking, at: datetime) -> tuple[Reason, ...]:
    """One reason for each warning that holds something of what the vehicle carries. Nobody sets it aside."""
    warnings = queries.holding(session, at)
    return weather_rules.against(lots.load_of(session, booking), warnings, at) if warnings else ()


def weather_on(session: Session, load: Load, at: datetime) -> tuple[Reason, ...]:
    """The same for a load that was read already."""
    return weather_rules.against(load, queries.holding(session, at), at)


def hours(
    session: Session, booking: Booking, at: datetime, granted: Iterable[str] = ()
) -> tuple[Reason, ...]:
    """Hours closed to what the vehicle carries now, unless two persons set them aside (``granted``)."""
    set_by = lots.rules_of(session, booking.lot_id)
    if not set_by.rules.forbidden_hours:
        return ()
    hazards = lots.load_of(session, booking).hazards
    reasons = hour_rules.against(hazards, set_by.rules.forbidden_hours, at, set_by.zone)
    return override.left(reasons, granted)


def hours_at_gate(session: Session, booking: Booking, at: datetime) -> tuple[Reason, ...]:
    """Closed hours that keep a vehicle waiting at the gate; nothing for one that is not there."""
    state = session.scalar(select(Visit.state).where(Visit.booking_id == booking.id))
    return hours(session, booking, at) if state in AT_GATE else ()


def of_booking(session: Session, booking_id: int, at: datetime) -> tuple[Reason, ...]:
    """What holds the vehicle of a booking now, wherever it is; nothing once it has left or will not come."""
    booking = session.get(Booking, booking_id)
    if booking is None or booking.state not in LIVE_BOOKING:
        return ()
    state = session.scalar(select(Visit.state).where(Visit.booking_id == booking_id))
    if state is not None and state not in OPEN_VISIT:
        return ()
    return (*weather(session, booking, at), *hours_at_gate(session, booking, at))
