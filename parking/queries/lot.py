"""The lot as the rules want to see it: its bays, and who holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shapely import Point, from_wkb
from sqlalchemy import (
    BigInteger,
    ColumnElement,
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
from sqlalchemy.orm import InstrumentedAttribute, Session

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


#: The compartments of one leg as one text, such as ``1203:9000:f,1202:9000:t``: number, kilograms, residue.
_PACKED = func.string_agg(
    func.concat_ws(":", Cargo.un_number, Cargo.mass_kg, Cargo.residue),
    aggregate_order_by(literal(","), Cargo.compartment),
)


def packed(booking_id: InstrumentedAttribute[int], leg: ColumnElement[str]) -> ColumnElement[str]:
    """The compartments of a booking's leg as text, "" for none; part of a statement over many bookings."""
    mine = select(_PACKED).where(Cargo.booking_id == booking_id, Cargo.leg == leg)
    return func.coalesce(mine.scalar_subquery(), "")


_LEG = func.coalesce(Visit.leg, Leg.IN.value)
#: Every live hold: of the columns the first eight are a Stay's own, the rest say what its vehicle carries.
_WHAT = 8
_STAYS = (
    select(
        Hold.id, Hold.bay_id, Hold.booking_id, Booking.plate, func.lower(Hold.during),
        func.upper(Hold.during), Booking.window_end, Visit.state,
        _LEG, Visit.load_state, Booking.load_state, packed(Hold.booking_id, _LEG),
    )
    .join(Bay, Bay.id == Hold.bay_id)
    .join(Booking, Booking.id == Hold.booking_id)
    .outerjoin(Visit, Visit.booking_id == Booking.id)
    .where(Hold.state != HoldState.RELEASED)
    .order_by(Hold.id)
)  # fmt: skip
_VISITS: Mapping[str | None, VisitState | None] = {None: None, **{str(s): s for s in VisitState}}


def stays(
    session: Session, lot_id: int, policy: Policy, within: tuple[datetime, datetime] | None = None
) -> list[Stay]:
    """Every live hold of the lot, with what is known of its vehicle. Two statements.

    ``within``: leave out holds that touch no instant of it, unless their vehicle has come: it may be overdue.
    """
    statement = _STAYS.where(Bay.lot_id == lot_id)
    if within is not None:
        statement = statement.where(or_(Visit.id.is_not(None), Hold.during.overlaps(Range(*within))))
    rows = [(row[:_WHAT], row[_WHAT:]) for row in session.execute(statement)]
    aboard = _aboard(session, {what for _, what in rows}, policy.residue_kg)
    grace = timedelta(minutes=policy.overstay_grace_min)
    return [
        Stay(hold, bay, booking, plate, *aboard[what], begins, ends, window_end, _VISITS[state], grace)
        for (hold, bay, booking, plate, begins, ends, window_end, state), what in rows
    ]


def _aboard(
    session: Session, seen: Set[tuple[str, str | None, str, str]], residue_kg: float
) -> dict[tuple[str, str | None, str, str], tuple[Load, float]]:
    """(leg, state now, state booked, compartments) → load and part in the q/Q indicator: one value for all
    that carry the same. One statement.
    """
    carried = unpacked(session, {text for *_, text in seen})
    found = {}
    for what in seen:
        state, mine = load_state(*what[:3]), carried[what[3]]
        found[what] = Load(mine.substances, state), capacity.share(mine.contents, state, residue_kg)
    return found


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
    """What a vehicle carries now: for neighbours, and compartment by compartment. Two statements."""
    leg, now_state, text = session.execute(
        select(_LEG, Visit.load_state, packed(Booking.id, _LEG))
        .select_from(Booking)
        .outerjoin(Visit, Visit.booking_id == Booking.id)
        .where(Booking.id == booking.id)
    ).one()
    carried = unpacked(session, {text})[text]
    return Load(carried.substances, load_state(leg, now_state, booking.load_state)), carried.contents


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
        select(Cargo.booking_id, Cargo.leg, _PACKED.label("packed"))
        .where(Cargo.booking_id == any_(ids))
        .group_by(Cargo.booking_id, Cargo.leg)
    ).all()
    opened = unpacked(session, {r.packed for r in rows})
    return {(r.booking_id, r.leg): opened[r.packed] for r in rows}


def unpacked(session: Session, texts: Set[str]) -> dict[str, Carried]:
    """Each text of ``packed`` as what it says, one value for all that carry the same. One statement."""
    split = {text: [line.split(":") for line in text.split(",") if line] for text in texts}
    numbers = {un for lines in split.values() for un, _, _ in lines}
    goods = {g.un_number: g for g in session.execute(select(*_GOODS).where(Goods.un_number.in_(numbers)))}
    known = {un: (substance_of(g), g.critical_quantity_t) for un, g in goods.items()}
    return {
        text: Carried(
            tuple(known[un][0] for un in dict.fromkeys(un for un, _, _ in lines)),
            tuple(Content(un, int(kg), known[un][1], residue == "t") for un, kg, residue in lines),
        )
        for text, lines in split.items()
    }


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
