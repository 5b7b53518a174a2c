"""What the park knew of a vehicle at a given moment: booked or not, loaded or not, which visit, which routes
and closed zones."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ScalarSelect, Select, any_, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from parking.models import Bay, Booking, Hold, PermitRow, Vehicle, Visit
from parking.rules.permit import Permit
from parking.rules.sight import NOTHING_KNOWN, Journey, Timeline
from parking.vocabulary import BookingState, HoldState, LoadState

#: A booking covers its window and this much before and after it: trucks wait and queue.
GRACE = timedelta(hours=1)


_NEVER_BOOKED = Timeline((-math.inf,), (NOTHING_KNOWN,))


@dataclass(frozen=True, slots=True)
class _Stay:
    """``permits``: what was named from when on (seconds since 1970), in order; before that everything."""

    begins: datetime
    ends: datetime | None
    journey: Journey
    permits: tuple[tuple[float, Permit], ...] = ()

    def covers(self, at: float) -> bool:
        return self.begins.timestamp() <= at and (self.ends is None or at <= self.ends.timestamp())

    def known(self, at: float) -> Journey:
        """The journey with the routes and zones named at ``at``."""
        given = [permit for since, permit in self.permits if since <= at]
        if not given:
            return self.journey
        return replace(self.journey, routes=given[-1].routes, zones=given[-1].zones)


def of_vehicles(
    session: Session, vehicle_ids: Sequence[int], first: datetime, last: datetime
) -> dict[int, Timeline]:
    """For each vehicle its journeys over time, right for every instant in [first, last]."""
    stays: dict[int, list[_Stay]] = defaultdict(list)
    for vehicle_id, booking, visit, bay, permits in session.execute(_statement(vehicle_ids, first, last)):
        stays[vehicle_id].append(_stay(booking, visit, bay, permits or ()))
    return {v: _timeline(stays[v]) if v in stays else _NEVER_BOOKED for v in vehicle_ids}


def _statement(vehicle_ids: Sequence[int], first: datetime, last: datetime) -> Select[*tuple[Any, ...]]:
    live = (BookingState.APPROVED, BookingState.USED)
    return (
        select(Vehicle.id, Booking, Visit, Bay.code, _permits())
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


def _permits() -> ScalarSelect[Any]:
    """[[since, routes, zones], …] of a booking in the order given; NULL when nothing was ever named."""
    one = func.jsonb_build_array(func.extract("epoch", PermitRow.since), PermitRow.routes, PermitRow.zones)
    every = select(func.jsonb_agg(aggregate_order_by(one, PermitRow.id)))
    return every.where(PermitRow.booking_id == Booking.id).correlate(Booking).scalar_subquery()


def _stay(booking: Booking, visit: Visit | None, bay: str | None, permits: Sequence[Sequence[Any]]) -> _Stay:
    journey = Journey(
        booked=True,
        loaded=booking.load_state != LoadState.EMPTY_CLEAN,
        booking_id=booking.id,
        visit_id=visit.id if visit else None,
        bay=bay,
    )
    given = tuple((float(since), Permit.of(routes, zones)) for since, routes, zones in permits)
    begins = booking.window_start - GRACE
    if visit is None:
        return _Stay(begins, booking.window_end + GRACE, journey, given)
    ends = visit.exited_at and visit.exited_at + GRACE
    return _Stay(min(begins, visit.arrived_at), ends, journey, given)


def _timeline(stays: list[_Stay]) -> Timeline:
    """What was known, from each instant at which it changed to the next."""
    turns = {s.begins.timestamp() for s in stays}
    turns |= {math.nextafter(s.ends.timestamp(), math.inf) for s in stays if s.ends is not None}
    turns |= {since for s in stays for since, _ in s.permits}
    since = (-math.inf, *sorted(turns))
    return Timeline(since, tuple(_journey(stays, at) for at in since))


def _journey(stays: list[_Stay], at: float) -> Journey:
    covering = [s for s in stays if s.covers(at)]
    with_visit = [s for s in covering if s.journey.visit_id is not None and s.ends is None]
    return (with_visit or covering)[-1].known(at) if covering else NOTHING_KNOWN
