"""Vehicles that stay too long: their bay never looks free, who waits for it is told, people are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from parking.models import Booking, Hold, Visit
from parking.rules import assignment
from parking.rules.occupancy import AHEAD, Stay
from parking.services import bays, holding
from parking.services.bays import Lot
from parking.vocabulary import OPEN_VISIT


def sweep(session: Session, now: datetime) -> int:
    """Extend the holds of vehicles still here and take back what they run into; returns how many changed."""
    return sum(_extend_lot(session, lot_id, now) for lot_id in _lots_with_visits(session))


def _lots_with_visits(session: Session) -> Sequence[int]:
    return session.scalars(
        select(Booking.lot_id)
        .join(Visit, Visit.booking_id == Booking.id)
        .where(Visit.state.in_(OPEN_VISIT))
        .distinct()
        .order_by(Booking.lot_id)
    ).all()


def _extend_lot(session: Session, lot_id: int, now: datetime) -> int:
    holding.lock(session, lot_id)
    lot = bays.survey(session, lot_id)
    lost: set[int] = set()
    changed = 0
    for stay in sorted((s for s in lot.stays if s.here), key=_rank):
        if stay.hold_id in lost or stay.ends >= now + AHEAD:
            continue
        for other in _in_the_way(stay, lot, lost, now):
            lost.add(other.hold_id)
            hold = session.get_one(Hold, other.hold_id, populate_existing=True)
            holding.take_back(session, hold, now, f"overstay of {stay.plate}", "system", "sweep")
        hold = session.get_one(Hold, stay.hold_id, populate_existing=True)
        hold.during = Range(stay.begins, now + AHEAD)
        session.flush()
        changed += 1
    return changed + len(lost)


def _rank(stay: Stay) -> tuple[bool, datetime]:
    """Vehicles inside come before those at the gate, earlier holds before later ones."""
    return (not stay.inside, stay.begins)


def _in_the_way(stay: Stay, lot: Lot, lost: set[int], now: datetime) -> list[Stay]:
    """Holds of others, not yet inside, that cannot stand beside ``stay`` until its new end."""
    return [
        other
        for other in lot.stays
        if other.hold_id not in lost
        and other.hold_id != stay.hold_id
        and not other.inside
        and _rank(other) > _rank(stay)
        and other.overlaps(stay.begins, now + AHEAD, now)
        and _conflict(stay, other, lot)
    ]


def _conflict(stay: Stay, other: Stay, lot: Lot) -> bool:
    if stay.bay_id == other.bay_id:
        return True
    one, two = lot.by_id(stay.bay_id), lot.by_id(other.bay_id)
    verdict, apart = assignment.clash(stay.load, one, other.load, two, lot.distances)
    return not verdict.allows(apart)
