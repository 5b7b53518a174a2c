"""The lot as the rules want to see it: its bays, and who holds them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shapely import Point, from_wkb
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from parking.models import Bay, Booking, Goods, Hold, LayerVersion, Lot, ParkRow, Visit
from parking.queries.park import NoPark
from parking.rules.assignment import BayFacts
from parking.rules.occupancy import Stay
from parking.rules.policy import Policy
from parking.rules.segregation import Load, substance
from parking.vocabulary import HoldState, LoadState, VisitState


def current(session: Session) -> int:
    """Id of the lot of the park loaded last. Raises NoPark."""
    found = session.scalar(
        select(Lot.id)
        .join(ParkRow, ParkRow.id == Lot.park_id)
        .order_by(ParkRow.loaded_at.desc(), Lot.id)
        .limit(1)
    )
    if found is None:
        raise NoPark("no lot has been loaded")
    return found


def policy(session: Session, lot_id: int) -> Policy:
    """The policy of the park a lot belongs to. Raises parking.rules.policy.PolicyWrong."""
    settings = session.scalar(
        select(ParkRow.settings).join(Lot, Lot.park_id == ParkRow.id).where(Lot.id == lot_id)
    )
    return Policy.from_mapping((settings or {}).get("policy", {}))


def current_policy(session: Session) -> Policy:
    """The policy of the park loaded last. Raises NoPark, PolicyWrong."""
    return policy(session, current(session))


def bays(session: Session, lot_id: int) -> list[BayFacts]:
    """Every bay of the lot, isolation bays and those out of service included."""
    rows = session.execute(
        select(
            Bay.id, Bay.code, Bay.zone, Bay.hazard_classes, Bay.load_states, Bay.isolation,
            Bay.length_m, Bay.width_m, Bay.out_of_service, Bay.wkb,
        ).where(Bay.lot_id == lot_id).order_by(Bay.code)
    )  # fmt: skip
    return [
        BayFacts(
            id=r.id,
            code=r.code,
            zone=r.zone,
            hazard_classes=tuple(r.hazard_classes),
            load_states=tuple(r.load_states),
            isolation=r.isolation,
            length_m=r.length_m,
            width_m=r.width_m,
            out_of_service=r.out_of_service,
            shape=from_wkb(r.wkb),
        )
        for r in rows
    ]


def stays(session: Session, lot_id: int, grace: timedelta) -> list[Stay]:
    """Every live hold of the lot, with what is known of its vehicle."""
    rows = session.execute(
        select(
            Hold.id, Hold.bay_id, Hold.booking_id, Hold.during, Booking.plate, Booking.hazard_class,
            Booking.subsidiary, Booking.load_state, Booking.un_number, Booking.window_end,
            Goods.name_en, Visit.state,
        )
        .join(Bay, Bay.id == Hold.bay_id)
        .join(Booking, Booking.id == Hold.booking_id)
        .outerjoin(Visit, Visit.booking_id == Booking.id)
        .outerjoin(Goods, Goods.un_number == Booking.un_number)
        .where(Bay.lot_id == lot_id, Hold.state != HoldState.RELEASED)
        .order_by(Hold.id)
    )  # fmt: skip
    return [_stay(row, grace) for row in rows]


def bay_at(session: Session, lot_id: int, lon: float, lat: float) -> str | None:
    """Code of the bay whose drawn outline holds a position (WGS-84 degrees), if any."""
    drawn = session.execute(
        select(LayerVersion.code, LayerVersion.wkb)
        .join(Lot, Lot.park_id == LayerVersion.park_id)
        .where(Lot.id == lot_id, LayerVersion.kind == "bay", LayerVersion.withdrawn_at.is_(None))
    )
    return next((code for code, wkb in drawn if from_wkb(wkb).covers(Point(lon, lat))), None)


def load_of(session: Session, booking: Booking) -> Load:
    """What a booking carries, as far as segregation cares."""
    goods = session.get(Goods, booking.un_number) if booking.un_number else None
    return _load(booking, goods.name_en if goods else None)


def _load(booking: Any, name_en: str | None) -> Load:
    return Load(
        booking.hazard_class,
        tuple(booking.subsidiary),
        LoadState(booking.load_state),
        substance(booking.un_number, name_en),
    )


def _stay(row: Row[Any], grace: timedelta) -> Stay:
    return Stay(
        hold_id=row.id,
        bay_id=row.bay_id,
        booking_id=row.booking_id,
        plate=row.plate,
        load=_load(row, row.name_en),
        begins=row.during.lower,
        ends=row.during.upper,
        window_end=row.window_end,
        visit_state=VisitState(row.state) if row.state else None,
        grace=grace,
    )
