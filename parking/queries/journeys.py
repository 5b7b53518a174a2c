"""What the park knew of a vehicle at a given moment: booked or not, loaded or not, which visit."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Select, any_, bindparam, or_, select
from sqlalchemy.orm import Session

from parking.models import Bay, Booking, Hold, Vehicle, Visit
from parking.rules.sight import NOTHING_KNOWN, Journey, Timeline
from parking.vocabulary import BookingState, HoldState, LoadState

#: A booking covers its window and this much before and after it: trucks wait and queue.
GRACE = timedelta(hours=1)


_NEVER_BOOKED = Timeline((-math.inf,), (NOTHING_KNOWN,))


@dataclass(frozen=True, slots=True)
class _Stay:
    begins: datetime
    ends: datetime | None
    journey: Journey

    def covers(self, at: float) -> bool:
        return self.begins.timestamp() <= at and (self.ends is None or at <= self.ends.timestamp())


def of_vehicles(
    session: Session, vehicle_ids: Sequence[int], first: datetime, last: datetime
) -> dict[int, Timeline]:
    """For each vehicle its journeys over time, right for every instant in [first, last]."""
    stays: dict[int, list[_Stay]] = defaultdict(list)
    for vehicle_id, booking, visit, bay in session.execute(_statement(vehicle_ids, first, last)):
        stays[vehicle_id].append(_stay(booking, visit, bay))
    return {v: _timeline(stays[v]) if v in stays else _NEVER_BOOKED for v in vehicle_ids}


def _statement(vehicle_ids: Sequence[int], first: datetime, last: datetime) -> Select[*tuple[Any, ...]]:
    live = (BookingState.APPROVED, BookingState.USED)
    return (
        select(Vehicle.id, Booking, Visit, Bay.code)
        .join(Booking, Booking.plate == Vehicle.plate)
        .outerjoin(Visit, Visit.booking_id == Booking.id)
        .outerjoin(Hold, (Hold.booking_id == Booking.id) & (Hold.state != HoldState.RELEASED))
        .outerjoin(Bay, Bay.id == Hold.bay_id)
        .where(
            Vehicle.id == any_(bindparam(None, list(vehicle_ids), ARRAY(BigInteger))),
            Booking.state.in_(live),
            Booking.window_start - GRACE <= last,
            or_(Visit.exited_at.is_(None), Visit.exited_at + GRACE >= first),
            or_(Visit.id.is_not(None), Booking.window_end + GRACE >= first),
        )
        .order_by(Booking.window_start)
    )


def _stay(booking: Booking, visit: Visit | None, bay: str | None) -> _Stay:
    journey = Journey(
        booked=True,
        loaded=booking.load_state != LoadState.EMPTY_CLEAN,
        routes=(),
        booking_id=booking.id,
        visit_id=visit.id if visit else None,
        bay=bay,
    )
    begins = booking.window_start - GRACE
    if visit is None:
        return _Stay(begins, booking.window_end + GRACE, journey)
    return _Stay(min(begins, visit.arrived_at), visit.exited_at and visit.exited_at + GRACE, journey)


def _timeline(stays: list[_Stay]) -> Timeline:
    """What was known, from each instant at which it changed to the next."""
    turns = {s.begins.timestamp() for s in stays}
    turns |= {math.nextafter(s.ends.timestamp(), math.inf) for s in stays if s.ends is not None}
    since = (-math.inf, *sorted(turns))
    return Timeline(since, tuple(_journey(stays, at) for at in since))


def _journey(stays: list[_Stay], at: float) -> Journey:
    covering = [s for s in stays if s.covers(at)]
    with_visit = [s for s in covering if s.journey.visit_id is not None and s.ends is None]
    return (with_visit or covering)[-1].journey if covering else NOTHING_KNOWN
