"""May this vehicle be called to this dock?"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import Booking, LayerVersion, Lot
from parking.refused import Reason, no
from parking.vocabulary import FormField, LoadState, Refusal


def against(session: Session, booking: Booking, dock: str | None) -> tuple[Reason, ...]:
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
            LayerVersion.withdrawn_at.is_(None),
        )
        .limit(1)
    )
    if found is None:
        return (no(Refusal.DOCK_UNKNOWN, FormField.DOCK, dock=dock),)
    return _against_class(booking, dock, found.get("hazard_classes"))


def _against_class(booking: Booking, dock: str, listed: object) -> tuple[Reason, ...]:
    """A loaded vehicle unloads only where its class is handled. A dock that lists nothing is not judged."""
    parts = listed if isinstance(listed, list) else str(listed or "").split(",")
    classes = [str(part).strip() for part in parts if str(part).strip()]
    hazard = booking.hazard_class or "?"
    if booking.load_state != LoadState.LOADED or not classes:
        return ()
    if any(hazard == c or hazard.startswith(c + ".") for c in classes):
        return ()
    return (no(Refusal.DOCK_CLASS, FormField.DOCK, dock=dock, hazard_class=hazard),)
