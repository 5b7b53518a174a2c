"""What the park wants terminals to hold, and what each holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from shapely import from_wkb
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from geo.shapes import LayerKind, Park
from parking.models import LayerVersion, ParkRow, TerminalFence
from parking.rules.fences import Source
from parking.vocabulary import FenceState

#: Layers terminals are told of.
TOLD = (LayerKind.BOUNDARY, LayerKind.CONTROL_LINE, LayerKind.ZONE, LayerKind.ROUTE)


@dataclass(frozen=True, slots=True)
class FenceView:
    """An area or route of ours in one terminal; ``loss`` as parking.rules.fences.Loss."""

    kind: str
    number: int
    layer: LayerKind
    code: str
    state: FenceState
    loss: Mapping[str, Any]
    changed_at: datetime


def sources(session: Session, park: Park, at: datetime, routes: Collection[str] = ()) -> Sequence[Source]:
    """The layer versions in force on the day of ``at``; of the routes those named, or all of them."""
    day = at.astimezone(ZoneInfo(park.timezone)).date()
    v = LayerVersion
    rows = session.scalars(
        select(v)
        .join(ParkRow, ParkRow.id == v.park_id)
        .where(
            ParkRow.code == park.code,
            v.kind.in_(TOLD),
            v.withdrawn_at.is_(None),
            or_(v.effective_from.is_(None), v.effective_from <= day),
            or_(v.effective_to.is_(None), v.effective_to > day),
        )
        .order_by(v.kind, v.code, v.id)
    )
    return [
        Source(row.id, LayerKind(row.kind), row.code, row.name_zh, from_wkb(row.wkb), row.attributes)
        for row in rows
        if row.kind != LayerKind.ROUTE or not routes or row.code in routes
    ]


def held(session: Session, terminal_id: int) -> tuple[FenceView, ...]:
    """What this terminal holds of ours, or should."""
    rows = session.scalars(
        select(TerminalFence)
        .where(TerminalFence.terminal_id == terminal_id)
        .order_by(TerminalFence.kind, TerminalFence.layer, TerminalFence.code, TerminalFence.number)
    )
    return tuple(
        FenceView(r.kind, r.number, LayerKind(r.layer), r.code, FenceState(r.state), r.loss, r.changed_at)
        for r in rows
    )
