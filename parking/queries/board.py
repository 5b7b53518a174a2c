"""The dispatcher's board: every bay, its state and place, who stands there, who waits. Three statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shapely import from_wkb, get_coordinates, get_exterior_ring
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import Bay, LayerVersion, Lot, ParkRow
from parking.queries import bookings, layers
from parking.queries.bookings import BookingView
from parking.queries.park import NoPark
from parking.rules.policy import Policy
from parking.vocabulary import BayState, BookingState, LoadState

Ring = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class BayView:
    """A bay on the board.

    ``outline``: WGS-84 longitude, latitude degrees (empty when the bay is no longer drawn).
    ``metres``: x east, y north of the lot's south-west corner.
    ``current``: whose bay it is now; ``upcoming``: who comes next, in order of time.
    """

    id: int
    code: str
    zone: str
    state: BayState
    hazard_classes: tuple[str, ...]
    load_states: tuple[LoadState, ...]
    isolation: bool
    out_of_service: str | None
    length_m: float
    width_m: float
    outline: Ring
    metres: Ring
    current: BookingView | None
    upcoming: tuple[BookingView, ...]

    @property
    def standing(self) -> bool:
        """A vehicle is inside the park on this bay, not merely expected."""
        return self.current is not None and self.current.visit is not None and self.current.visit.inside


@dataclass(frozen=True, slots=True)
class Board:
    """The whole lot at one instant. ``extent``: width and height of the lot's bays, metres."""

    lot_id: int
    lot_code: str
    lot_zh: str
    lot_en: str
    at: datetime
    extent: tuple[float, float]
    grace: timedelta
    bays: tuple[BayView, ...]
    waiting: tuple[BookingView, ...]
    approved: tuple[BookingView, ...]
    here: tuple[BookingView, ...]

    def counts(self) -> Mapping[BayState, int]:
        """How many bays are in each state."""
        return {state: sum(b.state is state for b in self.bays) for state in BayState}

    def overdue(self) -> tuple[BookingView, ...]:
        """Vehicles still here after their booked end and grace."""
        return tuple(b for b in self.here if self.at > b.window_end + self.grace)


def board(session: Session, now: datetime) -> Board:
    """Everything the board shows, in three SQL statements however full the lot is. Raises NoPark."""
    lot = session.execute(
        select(Lot.id, Lot.park_id, Lot.code, Lot.name_zh, Lot.name_en, ParkRow.settings)
        .join(ParkRow, ParkRow.id == Lot.park_id)
        .order_by(ParkRow.loaded_at.desc(), Lot.id)
        .limit(1)
    ).first()
    if lot is None:
        raise NoPark("no lot has been loaded")
    live = bookings.live(session)
    drawn = _bays(session, lot.id, lot.park_id)
    shapes = {bay.id: from_wkb(bay.wkb) for bay, _ in drawn}
    west, south, east, north = _extent(shapes.values())
    held = _by_bay(live)
    return Board(
        lot_id=lot.id,
        lot_code=lot.code,
        lot_zh=lot.name_zh,
        lot_en=lot.name_en,
        at=now,
        extent=(east - west, north - south),
        grace=timedelta(minutes=Policy.from_mapping(lot.settings["policy"]).overstay_grace_min),
        bays=tuple(_bay(b, outline, shapes[b.id], (west, south), held[b.id], now) for b, outline in drawn),
        waiting=tuple(b for b in live if b.waiting),
        approved=tuple(b for b in live if b.state is BookingState.APPROVED),
        here=tuple(b for b in live if b.visit is not None and b.visit.open),
    )


def _bays(session: Session, lot_id: int, park_id: int) -> list[tuple[Bay, bytes | None]]:
    """Bays of the lot with their drawn outline; the newest version where several are in force."""
    drawing = (
        (LayerVersion.park_id == park_id)
        & (LayerVersion.kind == "bay")
        & (LayerVersion.code == Bay.code)
        & LayerVersion.on(layers.today())
    )
    rows = session.execute(
        select(Bay, LayerVersion.wkb)
        .outerjoin(LayerVersion, drawing)
        .where(Bay.lot_id == lot_id)
        .order_by(Bay.zone, Bay.code, LayerVersion.id)
    )
    return list({bay.id: (bay, wkb) for bay, wkb in rows}.values())


def _by_bay(live: Iterable[BookingView]) -> Mapping[int, list[BookingView]]:
    held: dict[int, list[BookingView]] = defaultdict(list)
    for booking in live:
        if booking.bay_id is not None:
            held[booking.bay_id].append(booking)
    return held


def _bay(
    bay: Bay,
    outline: bytes | None,
    shape: BaseGeometry,
    corner: tuple[float, float],
    held: Sequence[BookingView],
    now: datetime,
) -> BayView:
    current = _current(held, now)
    return BayView(
        id=bay.id,
        code=bay.code,
        zone=bay.zone,
        state=_state(bay, current),
        hazard_classes=tuple(bay.hazard_classes),
        load_states=tuple(LoadState(s) for s in bay.load_states),
        isolation=bay.isolation,
        out_of_service=bay.out_of_service,
        length_m=bay.length_m,
        width_m=bay.width_m,
        outline=_ring(from_wkb(outline)) if outline else (),
        metres=tuple((x - corner[0], y - corner[1]) for x, y in _ring(shape)),
        current=current,
        upcoming=tuple(b for b in sorted(held, key=_from) if b is not current),
    )


def _state(bay: Bay, current: BookingView | None) -> BayState:
    """A vehicle that is there is shown before anything else that may be true of the bay."""
    if current is not None and current.visit is not None and current.visit.inside:
        return BayState.OCCUPIED
    if bay.out_of_service is not None:
        return BayState.OUT_OF_SERVICE
    if bay.isolation:
        return BayState.ISOLATION
    return BayState.FREE if current is None else BayState.HELD


def _current(held: Sequence[BookingView], now: datetime) -> BookingView | None:
    """Whose bay it is now: the vehicle inside, else at the gate, else the hold that has begun."""
    inside = [b for b in held if b.visit is not None and b.visit.inside]
    at_gate = [b for b in held if b.visit is not None]
    begun = [b for b in held if b.held_from is not None and b.held_from <= now]
    return next(iter([*inside, *at_gate, *begun]), None)


def _from(booking: BookingView) -> datetime:
    return booking.held_from or booking.window_start


def _ring(shape: BaseGeometry) -> Ring:
    outer = shape if isinstance(shape, Polygon) else shape.convex_hull
    return tuple((float(x), float(y)) for x, y in get_coordinates(get_exterior_ring(outer)))


def _extent(shapes: Iterable[BaseGeometry]) -> tuple[float, float, float, float]:
    boxes = [s.bounds for s in shapes]
    if not boxes:
        return 0.0, 0.0, 0.0, 0.0
    wests, souths, easts, norths = zip(*boxes, strict=True)
    return min(wests), min(souths), max(easts), max(norths)
