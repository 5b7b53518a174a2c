"""May this vehicle be called to this dock?"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.shapes import LayerKind
from parking.models import Booking, LayerVersion, Lot
from parking.queries import layers
from parking.queries import lot as lots
from parking.refused import Reason, no
from parking.rules.park_rules import matches
from parking.rules.substance import Load
from parking.services import permits
from parking.vocabulary import FormField, LoadState, Refusal


def against(session: Session, booking: Booking, dock: str | None, now: datetime) -> tuple[Reason, ...]:
    """Every reason against calling a booking's vehicle to ``dock``; empty means it may go."""
    if not dock:
        return (Reason(Refusal.FIELD_MISSING, {"field": FormField.DOCK}, FormField.DOCK),)
    found = session.scalar(
        select(LayerVersion.attributes)
        .join(Lot, Lot.park_id == LayerVersion.park_id)
        .where(
            Lot.id == booking.lot_id,
            LayerVersion.kind == "dock",
            LayerVersion.code == dock,
            LayerVersion.on(layers.today()),
        )
        .limit(1)
    )
    if found is None:
        return (no(Refusal.DOCK_UNKNOWN, FormField.DOCK, dock=dock),)
    load, _ = lots.carried_of(session, booking)
    shut = permits.shut_out(session, booking.id, LayerKind.DOCK, (dock,), now)
    return (*shut.values(), *_against_class(load, dock, found.get("hazard_classes")))


def _against_class(load: Load, dock: str, listed: object) -> tuple[Reason, ...]:
    """A loaded vehicle unloads only where every class it carries is handled; an unknown one nowhere.

    A dock that lists nothing is not judged.
    """
    parts = listed if isinstance(listed, list) else str(listed or "").split(",")
    handled = tuple(str(part).strip() for part in parts if str(part).strip())
    if load.load_state is not LoadState.LOADED or not handled:
        return ()
    strange = [c for c in dict.fromkeys(load.classes) if c is None or not matches(c, handled)]
    return tuple(no(Refusal.DOCK_CLASS, FormField.DOCK, dock=dock, hazard_class=c or "?") for c in strange)
