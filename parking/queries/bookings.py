"""Bookings as screens show them: who, what, when, which bay, how far the visit has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from parking.models import Bay, Booking, Cargo, Goods, Hold, PermitRow, Visit
from parking.queries import lot as lots
from parking.rules import visit as life
from parking.rules.permit import EVERYTHING, Permit
from parking.vocabulary import (
    AT_GATE,
    INSIDE,
    LIVE_BOOKING,
    OPEN_VISIT,
    BookingState,
    HoldState,
    Leg,
    LoadState,
    Purpose,
    VisitState,
    VisitStep,
)


@dataclass(frozen=True, slots=True)
class VisitView:
    """How far a visit has come. ``steps``: what staff may do next; ``driver_steps``: what the driver may."""

    id: int
    state: VisitState
    dock: str | None
    arrived_at: datetime
    admitted_at: datetime | None
    parked_at: datetime | None
    exited_at: datetime | None
    remark: str | None
    steps: tuple[VisitStep, ...]
    driver_steps: tuple[VisitStep, ...]
    load_state: LoadState

    @property
    def open(self) -> bool:
        return self.state in OPEN_VISIT

    @property
    def inside(self) -> bool:
        return self.state in INSIDE


@dataclass(frozen=True, slots=True)
class BookingView:
    """One booking with its bay and visit. Masses in kilograms, times aware UTC.

    ``permit``: the routes and closed zones it names now; ``permit_id``: by which change, 0 for none.
    """

    id: int
    code: str
    state: BookingState
    plate: str
    plate_colour: int
    carrier: str
    driver_name: str
    driver_phone: str
    escort_name: str
    waybill_no: str
    un_number: str | None
    goods_zh: str | None
    goods_en: str | None
    packing_group: str | None
    hazard_class: str | None
    subsidiary: tuple[str, ...]
    mass_kg: int
    load_state: LoadState
    window_start: datetime
    window_end: datetime
    language: str
    remarks: tuple[str, ...]
    created_at: datetime
    bay_id: int | None
    bay_code: str | None
    zone: str | None
    hold_state: HoldState | None
    held_from: datetime | None
    held_until: datetime | None
    visit: VisitView | None
    enterprise: str | None = None
    walk_in: bool = False
    waybill_out: str | None = None
    documents: Mapping[str, str] = field(default_factory=dict)
    length_m: float | None = None
    width_m: float | None = None
    height_m: float | None = None
    purpose: Purpose | None = None
    permit_id: int = 0
    permit: Permit = EVERYTHING

    def goods(self, lang: str) -> str | None:
        """The proper name of the goods in ``lang``."""
        return self.goods_en if lang == "en" else self.goods_zh

    @property
    def waiting(self) -> bool:
        """Wants a bay: not yet approved, or at the gate after losing it."""
        lost = self.bay_id is None and self.visit is not None and self.visit.state in WANTS_BAY
        return self.state in ASKS or lost


#: Bookings the park has to answer with a bay.
ASKS = (BookingState.ENTERPRISE_APPROVED, BookingState.WAITLISTED)
#: Visits that want a bay when they hold none.
WANTS_BAY = (*AT_GATE, VisitState.EN_ROUTE_OUT, VisitState.WASHING)
_LIVE_VISIT = Visit.state.in_(OPEN_VISIT)


@dataclass(frozen=True, slots=True)
class CargoView:
    """One compartment as screens show it. Kilograms."""

    leg: Leg
    compartment: int
    un_number: str
    name_zh: str
    name_en: str
    hazard_class: str
    subsidiary: tuple[str, ...]
    mass_kg: int
    residue: bool

    def name(self, lang: str) -> str:
        return self.name_en if lang == "en" else self.name_zh


def cargoes(session: Session, booking_id: int) -> list[CargoView]:
    """Every compartment of a booking, what was brought before what was taken on."""
    rows = session.execute(
        select(Cargo, Goods)
        .join(Goods, Goods.un_number == Cargo.un_number)
        .where(Cargo.booking_id == booking_id)
        .order_by(Cargo.leg, Cargo.compartment)
    )
    return [
        CargoView(
            Leg(c.leg), c.compartment, c.un_number, g.name_zh, g.name_en, g.hazard_class,
            tuple(g.subsidiary), c.mass_kg, c.residue,
        )
        for c, g in rows
    ]  # fmt: skip


def of_enterprise(session: Session, enterprise: str, limit: int = 200) -> list[BookingView]:
    """Bookings to one enterprise: what waits for its word first, then the newest."""
    first = case((Booking.state == BookingState.SUBMITTED, 0), else_=1)
    statement = _statement().where(Booking.enterprise == enterprise)
    return _many(session, statement.order_by(first, Booking.id.desc()).limit(limit))


def by_code(session: Session, code: str) -> BookingView | None:
    """The booking with this code, however it was typed."""
    return _one(session, Booking.code == code.strip().replace(" ", "").upper())


def by_id(session: Session, booking_id: int) -> BookingView | None:
    return _one(session, Booking.id == booking_id)


def by_visit(session: Session, visit_id: int) -> BookingView | None:
    return _one(session, Visit.id == visit_id)


def waiting(session: Session) -> list[BookingView]:
    """Bookings that want a bay, the earliest window first."""
    wants = or_(Booking.state.in_(ASKS), Visit.state.in_(WANTS_BAY) & Hold.id.is_(None))
    return _many(session, _statement().where(wants).order_by(Booking.window_start, Booking.id))


def expected(session: Session, now: datetime, within: timedelta = timedelta(hours=2)) -> list[BookingView]:
    """Approved bookings whose window begins soon or is running: what the guard looks out for."""
    soon = (Booking.window_start <= now + within) & (Booking.window_end >= now)
    statement = _statement().where(Booking.state == BookingState.APPROVED, soon)
    return _many(session, statement.order_by(Booking.window_start, Booking.id))


def here(session: Session) -> list[BookingView]:
    """Everyone at the gate or inside, the longest first: load, driver and phone of each."""
    return _many(session, _statement().where(_LIVE_VISIT).order_by(Visit.arrived_at, Visit.id))


def live(session: Session) -> list[BookingView]:
    """Everything the board shows: waiting, approved, at the gate, inside."""
    wanted = or_(Booking.state.in_((*ASKS, BookingState.APPROVED)), _LIVE_VISIT)
    return _many(session, _statement().where(wanted).order_by(Booking.window_start, Booking.id))


def recent(session: Session, limit: int = 100, state: BookingState | None = None) -> list[BookingView]:
    """The newest bookings, at most ``limit``."""
    statement = _statement().order_by(Booking.id.desc()).limit(limit)
    return _many(session, statement if state is None else statement.where(Booking.state == state))


def find(session: Session, text: str, limit: int = 50) -> list[BookingView]:
    """Bookings whose plate contains the text, or whose code or waybill it is; live ones first."""
    asked = text.strip().upper()
    hit = or_(
        Booking.plate.contains(asked, autoescape=True), Booking.code == asked, Booking.waybill_no == asked
    )
    alive = case((or_(Booking.state.in_(LIVE_BOOKING - {BookingState.USED}), _LIVE_VISIT), 0), else_=1)
    return _many(session, _statement().where(hit).order_by(alive, Booking.id.desc()).limit(limit))


def count_by_state(session: Session) -> Mapping[BookingState, int]:
    """How many bookings there are in each state."""
    found = session.execute(select(Booking.state, func.count()).group_by(Booking.state)).all()
    counts = {BookingState(state): number for state, number in found}
    return {state: counts.get(state, 0) for state in BookingState}


def _one(session: Session, which: ColumnElement[bool]) -> BookingView | None:
    row = session.execute(_statement().where(which)).first()
    return _view(row) if row else None


def _many(session: Session, statement: Select[*tuple[Any, ...]]) -> list[BookingView]:
    return [_view(row) for row in session.execute(statement)]


def _statement() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Booking,
            Goods.name_zh,
            Goods.name_en,
            Goods.packing_group,
            Hold,
            Bay.code.label("bay_code"),
            Bay.zone,
            Visit,
            PermitRow,
        )
        .outerjoin(Goods, Goods.un_number == Booking.un_number)
        .outerjoin(Hold, (Hold.booking_id == Booking.id) & (Hold.state != HoldState.RELEASED))
        .outerjoin(Bay, Bay.id == Hold.bay_id)
        .outerjoin(Visit, Visit.booking_id == Booking.id)
        .outerjoin(PermitRow, PermitRow.id == _newest_permit())
        .execution_options(populate_existing=True)
    )


def _newest_permit() -> ScalarSelect[Any]:
    newer = aliased(PermitRow)
    newest = select(func.max(newer.id)).where(newer.booking_id == Booking.id)
    return newest.correlate(Booking).scalar_subquery()


def _view(row: Any) -> BookingView:
    booking: Booking = row.Booking
    hold: Hold | None = row.Hold
    load_state = LoadState(booking.load_state)
    return BookingView(
        id=booking.id,
        code=booking.code,
        state=BookingState(booking.state),
        plate=booking.plate,
        plate_colour=booking.plate_colour,
        carrier=booking.carrier,
        driver_name=booking.driver_name,
        driver_phone=booking.driver_phone,
        escort_name=booking.escort_name,
        waybill_no=booking.waybill_no,
        un_number=booking.un_number,
        goods_zh=row.name_zh,
        goods_en=row.name_en,
        packing_group=row.packing_group,
        hazard_class=booking.hazard_class,
        subsidiary=tuple(booking.subsidiary),
        mass_kg=booking.mass_kg,
        load_state=load_state,
        window_start=booking.window_start,
        window_end=booking.window_end,
        language=booking.language,
        remarks=_remarks(booking.reasons),
        created_at=booking.created_at,
        bay_id=hold.bay_id if hold else None,
        bay_code=row.bay_code,
        zone=row.zone,
        hold_state=HoldState(hold.state) if hold else None,
        held_from=hold.during.lower if hold else None,
        held_until=hold.during.upper if hold else None,
        visit=_visit(row.Visit, load_state) if row.Visit else None,
        enterprise=booking.enterprise,
        walk_in=booking.walk_in,
        documents=booking.documents,
        length_m=booking.length_m,
        width_m=booking.width_m,
        height_m=booking.height_m,
        purpose=Purpose(booking.purpose) if booking.purpose else None,
        waybill_out=row.Visit.waybill_out if row.Visit else None,
        permit_id=row.PermitRow.id if row.PermitRow else 0,
        permit=Permit.of(row.PermitRow.routes, row.PermitRow.zones) if row.PermitRow else EVERYTHING,
    )


def declared(leg: str, load_state: str | None) -> bool:
    """Whether what the vehicle carries now is on record: after the dock it counts only once it is said."""
    return leg == Leg.IN or load_state is not None


def _remarks(reasons: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(str(r["remark"]) for r in reasons if r.get("remark"))


def _visit(visit: Visit, load_state: LoadState) -> VisitView:
    state = VisitState(visit.state)
    return VisitView(
        id=visit.id,
        state=state,
        dock=visit.dock,
        arrived_at=visit.arrived_at,
        admitted_at=visit.admitted_at,
        parked_at=visit.parked_at,
        exited_at=visit.exited_at,
        remark=visit.remark,
        steps=life.steps(state, declared(visit.leg, visit.load_state), by_driver=False),
        driver_steps=life.steps(state, declared(visit.leg, visit.load_state), by_driver=True),
        load_state=lots.load_state(visit.leg, visit.load_state, load_state),
    )
