"""The lot as the rules want to see it: its bays, and who holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shapely import Point, from_wkb
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.shapes import LayerKind
from parking.models import Bay, Booking, Cargo, Goods, Hold, LayerVersion, Lot, ParkRow, Visit
from parking.queries import park as parks
from parking.queries.park import NoPark
from parking.rules import park_rules
from parking.rules.assignment import BayFacts
from parking.rules.occupancy import Stay
from parking.rules.park_rules import IndexLimit, ParkRules
from parking.rules.policy import Policy
from parking.rules.segregation import Rulebook
from parking.rules.substance import Load, Substance, specific, state_of
from parking.vocabulary import FireCategory, GoodsTrait, HoldState, Leg, LoadState, VisitState


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


@dataclass(frozen=True, slots=True)
class LotRules:
    """Everything a park has set for its lot: numbers, lists and the rulebook of neighbours."""

    policy: Policy
    rules: ParkRules
    book: Rulebook
    zone: ZoneInfo

    def limit(self, zone: str | None) -> IndexLimit:
        """The limit of the q/Q indicator in a zone, or in the lot (None)."""
        return self.rules.limit(zone, self.policy)


def rules_of(session: Session, lot_id: int) -> LotRules:
    """What the park of a lot has set. Raises PolicyWrong, RuleWrong."""
    settings: Mapping[str, Any] = (
        session.scalar(select(ParkRow.settings).join(Lot, Lot.park_id == ParkRow.id).where(Lot.id == lot_id))
        or {}
    )
    numbers = Policy.from_mapping(settings.get("policy", {}))
    lists = park_rules.read(settings.get("rules", {}), date.max)
    book = Rulebook.from_policy(numbers, lists.segregation)
    return LotRules(numbers, lists, book, ZoneInfo(settings.get("timezone", "Asia/Shanghai")))


def policy(session: Session, lot_id: int) -> Policy:
    """The policy of the park a lot belongs to. Raises parking.rules.policy.PolicyWrong."""
    return rules_of(session, lot_id).policy


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
    """Every live hold of the lot, with what is known of its vehicle. Two statements."""
    rows = session.execute(
        select(
            Hold.id, Hold.bay_id, Hold.booking_id, Hold.during, Booking.plate, Booking.load_state,
            Booking.window_end, Visit.state, Visit.leg, Visit.load_state.label("now_state"),
        )
        .join(Bay, Bay.id == Hold.bay_id)
        .join(Booking, Booking.id == Hold.booking_id)
        .outerjoin(Visit, Visit.booking_id == Booking.id)
        .where(Bay.lot_id == lot_id, Hold.state != HoldState.RELEASED)
        .order_by(Hold.id)
    ).all()  # fmt: skip
    carried = cargoes(session, [row.booking_id for row in rows])
    return [_stay(row, carried, grace) for row in rows]


def bay_at(session: Session, lot_id: int, lon: float, lat: float) -> str | None:
    """Code of the bay whose drawn outline holds a position (WGS-84 degrees), if any."""
    drawn = session.execute(
        select(LayerVersion.code, LayerVersion.wkb)
        .join(Lot, Lot.park_id == LayerVersion.park_id)
        .where(Lot.id == lot_id, LayerVersion.kind == "bay", LayerVersion.withdrawn_at.is_(None))
    )
    return next((code for code, wkb in drawn if from_wkb(wkb).covers(Point(lon, lat))), None)


def load_of(session: Session, booking: Booking) -> Load:
    """What a booking's vehicle carries now, as far as segregation cares."""
    visit = session.execute(select(Visit.leg, Visit.load_state).where(Visit.booking_id == booking.id)).first()
    leg = visit.leg if visit else Leg.IN.value
    state = load_state(leg, visit.load_state if visit else None, booking.load_state)
    return Load(cargoes(session, [booking.id]).get((booking.id, leg), ()), state)


def loads(session: Session, bookings: Sequence[Booking]) -> dict[int, Load]:
    """What each booking's vehicle carries now. Two statements."""
    ids = [b.id for b in bookings]
    seen = select(Visit.booking_id, Visit.leg, Visit.load_state).where(Visit.booking_id.in_(ids))
    visits = {v.booking_id: v for v in session.execute(seen)}
    carried = cargoes(session, ids)
    made = {}
    for booking in bookings:
        visit = visits.get(booking.id)
        leg = visit.leg if visit else Leg.IN.value
        state = load_state(leg, visit.load_state if visit else None, booking.load_state)
        made[booking.id] = Load(carried.get((booking.id, leg), ()), state)
    return made


def load_state(leg: str, now_state: str | None, booked: str) -> LoadState:
    """What a vehicle is now. Filled at the dock and not declared, it counts as loaded with the unknown."""
    if now_state is None and leg == Leg.OUT:
        return LoadState.LOADED
    return LoadState(now_state or booked)


def cargoes(session: Session, booking_ids: Sequence[int]) -> dict[tuple[int, str], tuple[Substance, ...]]:
    """(booking, leg) → what its compartments hold, by the goods list of today. One statement."""
    rows = session.execute(
        select(Cargo.booking_id, Cargo.leg, Goods)
        .join(Goods, Goods.un_number == Cargo.un_number)
        .where(Cargo.booking_id.in_(booking_ids))
        .order_by(Cargo.booking_id, Cargo.compartment)
    )
    found: dict[tuple[int, str], list[Substance]] = {}
    for booking_id, leg, goods in rows:
        found.setdefault((booking_id, leg), []).append(substance_of(goods))
    return {key: tuple(dict.fromkeys(each)) for key, each in found.items()}


def enterprises(session: Session) -> frozenset[str]:
    """Who has a dock in the park; a booking names one of them."""
    docks = parks.current(session).of(LayerKind.DOCK)
    return frozenset(str(d.attributes["enterprise"]) for d in docks if d.attributes.get("enterprise"))


def goods(session: Session) -> Sequence[Goods]:
    """The whole goods list, by UN number."""
    return session.scalars(select(Goods).order_by(Goods.un_number)).all()


def substance_of(goods: Goods) -> Substance:
    """An entry of the goods list as the rules see it."""
    return Substance(
        hazard_class=goods.hazard_class,
        subsidiary=tuple(goods.subsidiary),
        un_number=goods.un_number,
        specific=specific(goods.name_en),
        packing_group=goods.packing_group,
        traits=frozenset(GoodsTrait(t) for t in goods.traits or ()) | state_of(goods.name_en),
        fire_category=FireCategory(goods.fire_category) if goods.fire_category else None,
    )


def _stay(row: Any, carried: Mapping[tuple[int, str], tuple[Substance, ...]], grace: timedelta) -> Stay:
    leg = row.leg or Leg.IN.value
    state = load_state(leg, row.now_state, row.load_state)
    return Stay(
        hold_id=row.id,
        bay_id=row.bay_id,
        booking_id=row.booking_id,
        plate=row.plate,
        load=Load(carried.get((row.booking_id, leg), ()), state),
        begins=row.during.lower,
        ends=row.during.upper,
        window_end=row.window_end,
        visit_state=VisitState(row.state) if row.state else None,
        grace=grace,
    )
