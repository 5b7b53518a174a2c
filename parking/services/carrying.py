"""What a vehicle carries: its compartments on record, before the dock and after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from parking.models import Booking, Cargo, Goods, Visit
from parking.queries import lot as lots
from parking.queries.bookings import declared
from parking.refused import Reason, no
from parking.rules.admission import CLASSES_REFUSED, COMPARTMENTS, CargoLine
from parking.rules.segregation import Load, Rulebook, Ruling, within
from parking.vocabulary import FormField, Leg, LoadState, Refusal


def against(
    session: Session, booking: Booking, carries: LoadState | None, cargo: Sequence[CargoLine]
) -> tuple[Reason, ...]:
    """Reasons against what is said to be carried now; saying nothing is allowed and counts as unknown."""
    known = _known(session, cargo)
    return (
        *_amounts(session, booking, carries, cargo),
        *(reason for line in cargo for reason in _line(line, known.get(line.un_number))),
        *together([known[c.un_number] for c in cargo if c.un_number in known], _book(session, booking)),
    )


def against_after_work(
    session: Session,
    visit: Visit,
    booking: Booking,
    carries: LoadState | None,
    cargo: Sequence[CargoLine],
) -> tuple[Reason, ...]:
    """The same after the work at a dock: only a certificate proves a tank clean, and a residue is of what
    was in it."""
    return (
        *against(session, booking, carries, cargo),
        *_residue(session, visit, booking, carries, cargo),
    )


def together(goods: Sequence[Goods], book: Rulebook) -> tuple[Reason, ...]:
    """Why two compartments may not travel in one vehicle."""
    verdict = within(Load(tuple(lots.substance_of(g) for g in goods)), book) if goods else None
    if verdict is None or verdict.ruling is Ruling.ALLOWED or verdict.reason is None:
        return ()
    one, other = verdict.reason
    clash = no(Refusal.COMPARTMENTS_CLASH, FormField.CARGOES, one=one, other=other, source=verdict.source)
    return (clash,)


def _known(session: Session, cargo: Sequence[CargoLine]) -> dict[str, Goods]:
    asked = select(Goods).where(Goods.un_number.in_([c.un_number for c in cargo]))
    return {g.un_number: g for g in session.scalars(asked)}


def _book(session: Session, booking: Booking) -> Rulebook:
    return lots.rules_of(session, booking.lot_id).book


def _amounts(
    session: Session, booking: Booking, carries: LoadState | None, cargo: Sequence[CargoLine]
) -> Iterator[Reason]:
    total = sum(c.mass_kg for c in cargo)
    limit = int(lots.policy(session, booking.lot_id).booking_mass_kg)
    if carries is LoadState.LOADED and not cargo:
        yield no(Refusal.CARGO_UNDECLARED, FormField.UN_NUMBER)
    if carries is LoadState.EMPTY_CLEAN and cargo:
        yield no(Refusal.EMPTY_WITH_MASS, FormField.MASS_KG, mass_kg=total)
    if len(cargo) > COMPARTMENTS:
        facts = {"field": FormField.CARGOES, "limit": COMPARTMENTS}
        yield Reason(Refusal.FIELD_TOO_LONG, facts, FormField.CARGOES)
    if total > limit:
        yield no(Refusal.MASS_TOO_LARGE, FormField.MASS_KG, mass_kg=total, limit_kg=limit)


def _line(line: CargoLine, goods: Goods | None) -> Iterator[Reason]:
    if goods is None:
        yield no(Refusal.UN_NUMBER_UNKNOWN, FormField.UN_NUMBER, un_number=line.un_number)
    else:
        for hazard in (goods.hazard_class, *goods.subsidiary):
            if hazard.split(".")[0] in CLASSES_REFUSED:
                yield no(Refusal.CLASS_NOT_ACCEPTED, FormField.UN_NUMBER, hazard_class=hazard)
    if line.mass_kg < 0 or (line.mass_kg == 0 and not line.residue):
        yield no(Refusal.MASS_NOT_POSITIVE, FormField.MASS_KG)


def _residue(
    session: Session,
    visit: Visit,
    booking: Booking,
    carries: LoadState | None,
    cargo: Sequence[CargoLine],
) -> Iterator[Reason]:
    """Nobody's word makes a tank empty of what was in it."""
    came = set() if visit.load_state == LoadState.EMPTY_CLEAN else _on_record(session, booking, Leg.IN)
    filled = _on_record(session, booking, Leg.OUT) if visit.leg == Leg.OUT else set()
    held = came | filled
    never_filled = booking.load_state == LoadState.EMPTY_CLEAN and visit.load_state is None
    if carries is LoadState.EMPTY_CLEAN and visit.load_state != LoadState.EMPTY_CLEAN and not never_filled:
        yield no(Refusal.CLEAN_UNPROVEN, FormField.LOAD_STATE)
    told = {c.un_number for c in cargo} if cargo else came
    if carries is LoadState.EMPTY_UNCLEANED and (missing := sorted(held - told)):
        yield no(Refusal.RESIDUE_MISSING, FormField.CARGOES, un_numbers=", ".join(missing))


def _on_record(session: Session, booking: Booking, leg: Leg) -> set[str]:
    """UN numbers of what the compartments of a leg hold on record."""
    mine = select(Cargo.un_number).where(Cargo.booking_id == booking.id, Cargo.leg == leg)
    return set(session.scalars(mine))


def write(
    session: Session,
    visit: Visit,
    booking: Booking,
    carries: LoadState | None,
    cargo: Sequence[CargoLine],
    waybill_out: str | None,
) -> None:
    """Put what is carried after the work on record.

    Nothing said: a vehicle that came loaded counts as empty, uncleaned with its last cargo; one that came
    empty was filled with something nobody has declared, and may not stand in the lot until somebody does.
    """
    if carries is None:
        came_loaded = booking.load_state == LoadState.LOADED
        visit.leg = Leg.IN if came_loaded else Leg.OUT
        visit.load_state = LoadState.EMPTY_UNCLEANED if came_loaded else None
        return
    visit.load_state = carries
    visit.waybill_out = (waybill_out or "").strip()[:40] or None
    visit.leg = Leg.OUT if cargo else Leg.IN
    put(session, booking.id, Leg.OUT, cargo)


def put(session: Session, booking_id: int, leg: Leg, cargo: Sequence[CargoLine]) -> None:
    """Replace the compartments of one leg."""
    session.execute(delete(Cargo).where(Cargo.booking_id == booking_id, Cargo.leg == leg))
    session.add_all(
        Cargo(
            booking_id=booking_id, leg=leg, compartment=i, un_number=line.un_number,
            mass_kg=line.mass_kg, residue=line.residue,
        )
        for i, line in enumerate(cargo, 1)
    )  # fmt: skip
    session.flush()


def against_leaving_dock(visit: Visit) -> tuple[Reason, ...]:
    """Nothing unknown leaves the dock, and nothing loaded there without its waybill."""
    if not declared(visit.leg, visit.load_state):
        return (no(Refusal.CARGO_UNDECLARED, FormField.UN_NUMBER),)
    if visit.leg == Leg.OUT and visit.load_state == LoadState.LOADED and not visit.waybill_out:
        return (no(Refusal.WAYBILL_OUT_MISSING, FormField.WAYBILL_NO),)
    return ()
