"""The lot as the rules want to see it: its bays, and who holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shapely import Point, from_wkb
from sqlalchemy import (
    BigInteger,
    Select,
    any_,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, Range, aggregate_order_by
from sqlalchemy.orm import Session

from geo.shapes import LayerKind
from parking.models import Bay, Booking, Cargo, Goods, Hold, LayerVersion, Lot, ParkRow, Visit
from parking.queries import layers
from parking.queries import park as parks
from parking.queries.park import NoPark
from parking.rules import capacity, park_rules
from parking.rules.assignment import BayFacts
from parking.rules.capacity import Content
from parking.rules.occupancy import Stay
from parking.rules.park_rules import IndexLimit, ParkRules
from parking.rules.policy import Policy
from parking.rules.segregation import Rulebook
from parking.rules.substance import Load, Substance, specific, state_of
from parking.vocabulary import FireCategory, GoodsTrait, HoldState, Leg, LoadState, VisitState

#: What ``substance_of`` reads of the goods list.
_GOODS = (
    Goods.un_number, Goods.name_en, Goods.hazard_class, Goods.subsidiary, Goods.packing_group, Goods.traits,
    Goods.fire_category, Goods.critical_quantity_t,
)  # fmt: skip


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
    """Every bay of the lot, isolation bays and those out of service included.

    Read again only when a row of theirs is another one than before: every change makes a row anew.
    """
    key = (str(session.get_bind().engine.url), lot_id, *session.execute(_rows(lot_id)).one())
    if key not in _bays:
        if len(_bays) >= 4:
            _bays.clear()
        _bays[key] = _read_bays(session, lot_id)
    return list(_bays[key])


_bays: dict[tuple[object, ...], list[BayFacts]] = {}


def _rows(lot_id: int) -> Select[tuple[int, str]]:
    """What tells the lot's bay rows, as they are in this transaction, from all others."""
    row = func.concat(Bay.id, ":", literal_column("bay.xmin"), ":", literal_column("bay.ctid"))
    return select(
        literal_column("(SELECT oid FROM pg_database WHERE datname = current_database())", BigInteger),
        func.md5(func.string_agg(row, aggregate_order_by(literal(","), Bay.id))),
    ).where(Bay.lot_id == lot_id)


def _read_bays(session: Session, lot_id: int) -> list[BayFacts]:
    rows = session.execute(
        select(
            Bay.id, Bay.code, Bay.zone, func.array_to_string(Bay.hazard_classes, ",").label("classes"),
            func.array_to_string(Bay.load_states, ",").label("states"), Bay.isolation,
            Bay.length_m, Bay.width_m, Bay.height_m, Bay.out_of_service, Bay.wkb,
        ).where(Bay.lot_id == lot_id).order_by(Bay.code)
    ).all()  # fmt: skip
    shapes = from_wkb([r.wkb for r in rows])
    lists: dict[str, tuple[str, ...]] = {"": ()}
    for text in {t for r in rows for t in (r.classes, r.states)} - {""}:
        lists[text] = tuple(text.split(","))
    return [
        BayFacts(
            id=r.id,
            code=r.code,
            zone=r.zone,
            hazard_classes=lists[r.classes],
            load_states=lists[r.states],
            isolation=r.isolation,
            length_m=r.length_m,
            width_m=r.width_m,
            out_of_service=r.out_of_service,
            shape=shape,
            height_m=r.height_m,
        )
        for r, shape in zip(rows, shapes, strict=True)
    ]


def stays(
    session: Session, lot_id: int, policy: Policy, within: tuple[datetime, datetime] | None = None
) -> list[Stay]:
    """Every live hold of the lot, with what is known of its vehicle. Three statements.

    ``within``: leave out holds that touch no instant of it, unless their vehicle has come: it may be overdue.
    """
    statement = (
        select(
            Hold.id, Hold.bay_id, Hold.booking_id, func.lower(Hold.during).label("begins"),
            func.upper(Hold.during).label("ends"), Booking.plate, Booking.load_state,
            Booking.window_end, Visit.state, Visit.leg, Visit.load_state.label("now_state"),
        )
        .join(Bay, Bay.id == Hold.bay_id)
        .join(Booking, Booking.id == Hold.booking_id)
        .outerjoin(Visit, Visit.booking_id == Booking.id)
        .where(Bay.lot_id == lot_id, Hold.state != HoldState.RELEASED)
        .order_by(Hold.id)
    )  # fmt: skip
    if within is not None:
        statement = statement.where(or_(Visit.id.is_not(None), Hold.during.overlaps(Range(*within))))
    rows = session.execute(statement).all()
    carried = cargoes(session, [row.booking_id for row in rows])
    grace = timedelta(minutes=policy.overstay_grace_min)
    alike: dict[tuple[int, LoadState], Load] = {}
    return [_stay(row, carried, grace, policy.residue_kg, alike) for row in rows]


def bay_at(session: Session, lot_id: int, lon: float, lat: float) -> str | None:
    """Code of the bay whose drawn outline holds a position (WGS-84 degrees), if any."""
    drawn = session.execute(
        select(LayerVersion.code, LayerVersion.wkb)
        .join(Lot, Lot.park_id == LayerVersion.park_id)
        .where(Lot.id == lot_id, LayerVersion.kind == "bay", LayerVersion.on(layers.today()))
    )
    return next((code for code, wkb in drawn if from_wkb(wkb).covers(Point(lon, lat))), None)


def load_of(session: Session, booking: Booking) -> Load:
    """What a booking's vehicle carries now, as far as segregation cares."""
    return carried_of(session, booking)[0]


def carried_of(session: Session, booking: Booking) -> tuple[Load, tuple[Content, ...]]:
    """What a vehicle carries now: for neighbours, and compartment by compartment. Three statements."""
    visit = session.execute(select(Visit.leg, Visit.load_state).where(Visit.booking_id == booking.id)).first()
    leg = visit.leg if visit else Leg.IN.value
    state = load_state(leg, visit.load_state if visit else None, booking.load_state)
    carried = cargoes(session, [booking.id]).get((booking.id, leg), NOTHING)
    return Load(carried.substances, state), carried.contents


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
        made[booking.id] = Load(carried.get((booking.id, leg), NOTHING).substances, state)
    return made


def shares(session: Session, bookings: Sequence[Booking], residue_kg: float) -> dict[int, float]:
    """The q/Q share of what each booking's vehicle carries now. Two statements."""
    ids = [b.id for b in bookings]
    seen = select(Visit.booking_id, Visit.leg, Visit.load_state).where(Visit.booking_id.in_(ids))
    visits = {v.booking_id: v for v in session.execute(seen)}
    carried = cargoes(session, ids)
    made = {}
    for booking in bookings:
        visit = visits.get(booking.id)
        leg = visit.leg if visit else Leg.IN.value
        state = load_state(leg, visit.load_state if visit else None, booking.load_state)
        contents = carried.get((booking.id, leg), NOTHING).contents
        made[booking.id] = capacity.share(contents, state, residue_kg)
    return made


def load_state(leg: str, now_state: str | None, booked: str) -> LoadState:
    """What a vehicle is now. Filled at the dock and not declared, it counts as loaded with the unknown."""
    if now_state is None and leg == Leg.OUT:
        return LoadState.LOADED
    return LoadState(now_state or booked)


@dataclass(frozen=True, slots=True)
class Carried:
    """What the compartments of one leg hold: for neighbours, and for the q/Q indicator."""

    substances: tuple[Substance, ...] = ()
    contents: tuple[Content, ...] = ()


NOTHING = Carried()


def cargoes(session: Session, booking_ids: Sequence[int]) -> dict[tuple[int, str], Carried]:
    """(booking, leg) → what its compartments hold, by the goods list of today. Two statements."""
    ids = cast(list(booking_ids), ARRAY(BigInteger))
    rows = session.execute(
        select(Cargo.booking_id, Cargo.leg, Cargo.un_number, Cargo.mass_kg, Cargo.residue)
        .where(Cargo.booking_id == any_(ids))
        .order_by(Cargo.booking_id, Cargo.compartment)
    ).all()
    listed = select(*_GOODS).where(Goods.un_number.in_({r.un_number for r in rows}))
    goods = {g.un_number: g for g in session.execute(listed)}
    known = {un: substance_of(g) for un, g in goods.items()}
    found: dict[tuple[int, str], list[Content]] = {}
    for row in rows:
        critical = goods[row.un_number].critical_quantity_t
        content = Content(row.un_number, row.mass_kg, critical, row.residue)
        found.setdefault((row.booking_id, row.leg), []).append(content)
    alike: dict[tuple[str, ...], tuple[Substance, ...]] = {}  # one value for all that carry the same
    for each in found.values():
        names = tuple(c.un_number for c in each)
        if names not in alike:
            alike[names] = tuple(known[n] for n in dict.fromkeys(names))
    return {key: Carried(alike[tuple(c.un_number for c in each)], tuple(each)) for key, each in found.items()}


def enterprises(session: Session) -> frozenset[str]:
    """Who has a dock in the park; a booking names one of them."""
    docks = parks.today(session).of(LayerKind.DOCK)
    return frozenset(str(d.attributes["enterprise"]) for d in docks if d.attributes.get("enterprise"))


def goods(session: Session) -> Sequence[Goods]:
    """The whole goods list, by UN number."""
    return session.scalars(select(Goods).order_by(Goods.un_number)).all()


def substance_of(goods: Any) -> Substance:
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


def _stay(
    row: Any,
    carried: Mapping[tuple[int, str], Carried],
    grace: timedelta,
    residue_kg: float,
    alike: dict[tuple[int, LoadState], Load],
) -> Stay:
    leg = row.leg or Leg.IN.value
    state = load_state(leg, row.now_state, row.load_state)
    mine = carried.get((row.booking_id, leg), NOTHING)
    load = alike.get((id(mine.substances), state))
    if load is None:
        load = alike[id(mine.substances), state] = Load(mine.substances, state)
    return Stay(
        hold_id=row.id,
        bay_id=row.bay_id,
        booking_id=row.booking_id,
        plate=row.plate,
        load=load,
        share=capacity.share(mine.contents, state, residue_kg),
        begins=row.begins,
        ends=row.ends,
        window_end=row.window_end,
        visit_state=VisitState(row.state) if row.state else None,
        grace=grace,
    )
