"""Where vehicles were, and where they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from parking.models import Booking, FixRow, Terminal, Vehicle, Visit, Watch
from parking.queries import fixes
from parking.vocabulary import OPEN_VISIT, Mark, VisitState

#: A map shows at most this many points; more are thinned evenly and the page says so.
POINTS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class TrackPoint:
    time: datetime
    lon: float
    lat: float
    speed_kmh: float | None
    heading: int | None
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Track:
    """Believed fixes in order of time; ``unbelieved`` counts those kept and marked."""

    points: tuple[TrackPoint, ...]
    total: int
    unbelieved: int


@dataclass(frozen=True, slots=True)
class VehicleView:
    """A vehicle with its newest position and how well its terminal reports."""

    vehicle_id: int
    plate: str
    plate_colour: int
    lon: float | None
    lat: float | None
    speed_kmh: float | None
    heading: int | None
    last_time: datetime | None
    terminal_phone: str | None
    terminal_seen_at: datetime | None
    visit_state: VisitState | None
    booking_code: str | None
    un_number: str | None
    hazard_class: str | None
    load_state: str | None


def track(session: Session, vehicle_id: int, since: datetime, until: datetime) -> Track:
    """The fixes of one vehicle in [since, until], late ones included, unbelieved ones counted."""
    rows = fixes.of_vehicle(session, vehicle_id, since, until)
    believed = [r for r in rows if r.mark in (None, Mark.LATE)]
    step = max(1, -(-len(believed) // POINTS_MAX))
    points = tuple(
        TrackPoint(r.time, r.lon, r.lat, r.speed_kmh, r.heading, Mark(r.mark) if r.mark else None)
        for r in believed[::step]
    )
    return Track(points, len(believed), len(rows) - len(believed))


def vehicles(session: Session) -> tuple[VehicleView, ...]:
    """Every vehicle ever seen, the ones in the park first, newest position first."""
    rows = session.execute(
        select(Vehicle, Watch, Terminal, Visit.state, Booking)
        .outerjoin(Watch, Watch.vehicle_id == Vehicle.id)
        .outerjoin(Terminal, Terminal.id == _terminal_shown)
        .outerjoin(Visit, (Visit.vehicle_id == Vehicle.id) & Visit.state.in_(OPEN_VISIT))
        .outerjoin(Booking, Booking.id == Visit.booking_id)
        .order_by(Visit.id.is_(None), Watch.last_time.desc().nulls_last(), Vehicle.plate)
    )
    return tuple(_vehicle(*row) for row in rows)


#: Of several doors of a vehicle the one shown: its JT/T 808 terminal, else what was heard of last.
_terminal_shown = (
    select(Terminal.id)
    .where(Terminal.vehicle_id == Vehicle.id)
    .order_by(Terminal.phone.contains(":"), Terminal.last_seen_at.desc().nulls_last(), Terminal.id)
    .limit(1)
    .correlate(Vehicle)
    .scalar_subquery()
)


def find(session: Session, plate: str) -> tuple[tuple[int, str], ...]:
    """(id, plate) of vehicles whose plate contains ``plate``; at most 20."""
    rows = session.execute(
        select(Vehicle.id, Vehicle.plate)
        .where(Vehicle.plate.contains(plate, autoescape=True))
        .order_by(Vehicle.plate)
        .limit(20)
    )
    return tuple((r.id, r.plate) for r in rows)


def marks(session: Session, vehicle_id: int, since: datetime) -> Mapping[Mark | None, int]:
    """How many fixes since then were believed (None) or carry each mark."""
    found = Counter(f.mark for f in fixes.of_vehicle(session, vehicle_id, since, fixes.FOR_EVER))
    return {Mark(m) if m else None: n for m, n in found.items()}


def unbelieved_share(session: Session, since: datetime) -> Mapping[int, tuple[int, int]]:
    """Vehicle → (fixes since then, those of them not believed)."""
    marked = FixRow.mark.is_not(None) & (FixRow.mark != Mark.LATE)
    rows = session.execute(
        select(FixRow.vehicle_id, func.count(), func.count().filter(marked))
        .where(FixRow.time >= since, FixRow.vehicle_id.is_not(None))
        .group_by(FixRow.vehicle_id)
    )
    share = {vehicle_id: (total, doubted) for vehicle_id, total, doubted in rows if vehicle_id is not None}
    for vehicle_id, (total, doubted) in fixes.packed_share(session, since).items():
        before = share.get(vehicle_id, (0, 0))
        share[vehicle_id] = before[0] + total, before[1] + doubted
    return share


def _vehicle(
    vehicle: Vehicle,
    watch: Watch | None,
    terminal: Terminal | None,
    state: str | None,
    booking: Booking | None,
) -> VehicleView:
    return VehicleView(
        vehicle_id=vehicle.id,
        plate=vehicle.plate,
        plate_colour=vehicle.plate_colour,
        lon=watch.lon if watch else None,
        lat=watch.lat if watch else None,
        speed_kmh=watch.speed_kmh if watch else None,
        heading=watch.heading if watch else None,
        last_time=watch.last_time if watch else None,
        terminal_phone=terminal.phone if terminal else None,
        terminal_seen_at=terminal.last_seen_at if terminal else None,
        visit_state=VisitState(state) if state else None,
        booking_code=booking.code if booking else None,
        un_number=booking.un_number if booking else None,
        hazard_class=booking.hazard_class if booking else None,
        load_state=booking.load_state if booking else None,
    )
