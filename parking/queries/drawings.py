"""Drawings handed in, for the pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from geo.shapes import LayerKind
from parking.models import Drawing, LayerVersion
from parking.queries import park as parks
from parking.vocabulary import DrawingState

#: Drawings listed, the newest first.
LISTED = 100


@dataclass(frozen=True, slots=True)
class DrawingView:
    """A drawing without its content. Dates are the park's days."""

    id: int
    kind: LayerKind
    file_name: str
    file_sha256: str
    crs: str
    document: str
    issuing_body: str
    approved_on: date | None
    effective_from: date | None
    effective_to: date | None
    whole: bool
    state: DrawingState
    repaired: bool
    handed_in_at: datetime
    handed_in_by: str
    decided_at: datetime | None
    decided_by: str | None

    @property
    def open(self) -> bool:
        return self.state is DrawingState.OPEN


@dataclass(frozen=True, slots=True)
class Choice:
    """Something a past period can be replayed under; ``value`` is ``version:7`` or ``drawing:3``."""

    value: str
    kind: LayerKind
    code: str
    document: str
    begins: date | None
    ends: date | None
    note: str  # "drawing", "withdrawn" or ""


def one(session: Session, drawing_id: int) -> DrawingView | None:
    row = session.execute(_views().where(Drawing.id == drawing_id)).one_or_none()
    return _view(row) if row else None


def listed(session: Session) -> Sequence[DrawingView]:
    """The newest first."""
    return [_view(row) for row in session.execute(_views().order_by(Drawing.id.desc()).limit(LISTED))]


def content(session: Session, drawing_id: int) -> tuple[str, bytes] | None:
    """(file name, the file as it was handed in)."""
    row = session.execute(
        select(Drawing.file_name, Drawing.content).where(Drawing.id == drawing_id)
    ).one_or_none()
    return (row.file_name, row.content) if row else None


def choices(session: Session) -> Sequence[Choice]:
    """Drawings not decided on yet, then every version of the dated layers, the newest first."""
    try:
        park_id = parks.stamp(session)[1]
    except parks.NoPark:
        return []
    waiting = [
        Choice(
            f"drawing:{d.id}", d.kind, d.file_name, d.document, d.effective_from, d.effective_to, "drawing"
        )
        for d in listed(session)
        if d.open
    ]
    v = LayerVersion
    rows = session.execute(
        select(v.id, v.kind, v.code, v.document, v.effective_from, v.effective_to, v.withdrawn_at)
        .where(v.park_id == park_id, v.effective_from.is_not(None))
        .order_by(v.kind, v.code, v.effective_from.desc(), v.id.desc())
        .limit(500)
    )
    versions = [
        Choice(
            f"version:{r.id}", LayerKind(r.kind), r.code, r.document or "", r.effective_from, r.effective_to,
            "withdrawn" if r.withdrawn_at else "",
        )
        for r in rows
    ]  # fmt: skip
    return [*waiting, *versions]


def _views() -> Select[tuple[object, ...]]:
    return select(  # type: ignore[return-value]
        Drawing.id, Drawing.kind, Drawing.file_name, Drawing.file_sha256, Drawing.declared, Drawing.act,
        Drawing.whole, Drawing.state, Drawing.repaired, Drawing.handed_in_at, Drawing.handed_in_by,
        Drawing.decided_at, Drawing.decided_by,
    )  # fmt: skip


def _view(row: Row[tuple[object, ...]]) -> DrawingView:
    act = row.act
    return DrawingView(
        id=row.id,
        kind=LayerKind(row.kind),
        file_name=row.file_name,
        file_sha256=row.file_sha256,
        crs=row.declared.get("crs", ""),
        document=act["document"],
        issuing_body=act["issuing_body"],
        approved_on=_day(act["approved_on"]),
        effective_from=_day(act["effective_from"]),
        effective_to=_day(act["effective_to"]),
        whole=row.whole,
        state=DrawingState(row.state),
        repaired=row.repaired,
        handed_in_at=row.handed_in_at,
        handed_in_by=row.handed_in_by,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
