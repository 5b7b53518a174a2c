"""What a vehicle carries: its compartments on record, before the dock and after it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from parking.models import Booking, Cargo, Goods, Visit
from parking.queries.bookings import declared
from parking.refused import Reason, no
from parking.rules.admission import CLASSES_REFUSED, CargoLine
from parking.vocabulary import FormField, Leg, LoadState, Refusal


def against(
    session: Session, booking: Booking, carries: LoadState | None, cargo: Sequence[CargoLine]
) -> tuple[Reason, ...]:
    """Reasons against what is said to be carried now; saying nothing is allowed and counts as unknown."""
    reasons = []
    if carries is LoadState.LOADED and not cargo:
        reasons.append(no(Refusal.CARGO_UNDECLARED, FormField.UN_NUMBER))
    known = {
        g.un_number: g
        for g in session.scalars(select(Goods).where(Goods.un_number.in_([c.un_number for c in cargo])))
    }
    for line in cargo:
        found = known.get(line.un_number)
        if found is None:
            reasons.append(no(Refusal.UN_NUMBER_UNKNOWN, FormField.UN_NUMBER, un_number=line.un_number))
        elif found.hazard_class.split(".")[0] in CLASSES_REFUSED:
            reasons.append(
                no(Refusal.CLASS_NOT_ACCEPTED, FormField.UN_NUMBER, hazard_class=found.hazard_class)
            )
        if line.mass_kg < 0 or (line.mass_kg == 0 and not line.residue):
            reasons.append(no(Refusal.MASS_NOT_POSITIVE, FormField.MASS_KG))
    return tuple(reasons)


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
