"""Every version of every layer ever loaded: the legal lines with the acts that made them binding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.shapes import LayerKind
from parking import clock
from parking.models import LayerVersion, ParkRow

_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class LayerView:
    """One version of one shape. ``withdrawn_at`` is set once a later drawing no longer shows it."""

    kind: LayerKind
    code: str
    name_zh: str
    name_en: str
    document: str | None
    issuing_body: str | None
    approved_on: date | None
    effective_from: date | None
    effective_to: date | None
    sha256: str
    loaded_at: datetime
    withdrawn_at: datetime | None
    id: int = 0
    drawing_id: int | None = None
    source_crs: str | None = None
    file_name: str | None = None
    file_sha256: str | None = None
    geometry_sha256: str | None = None

    def over(self, day: date) -> bool:
        """Whether another version has followed by ``day``: it judges fixes of its own time only."""
        return self.effective_to is not None and self.effective_to <= day

    def begun(self, day: date) -> bool:
        """Whether it binds by ``day`` already, or is still to come."""
        return self.effective_from is None or self.effective_from <= day

    def name(self, lang: str) -> str:
        return self.name_en if lang == "en" else self.name_zh


def today() -> date:
    """The park's day now."""
    return day_of(clock.now())


def day_of(moment: datetime) -> date:
    """The park's day of an instant."""
    return moment.astimezone(_ZONE).date()


def versions(session: Session) -> Sequence[LayerView]:
    """Of the park loaded last, newest version of each shape first."""
    newest = select(ParkRow.id).order_by(ParkRow.loaded_at.desc()).limit(1).scalar_subquery()
    v = LayerVersion
    rows = session.execute(
        select(
            v.kind, v.code, v.name_zh, v.name_en, v.document, v.issuing_body, v.approved_on,
            v.effective_from, v.effective_to, v.sha256, v.loaded_at, v.withdrawn_at, v.id, v.drawing_id,
            v.source_crs, v.file_name, v.file_sha256, v.geometry_sha256,
        )
        .where(v.park_id == newest)
        .order_by(v.kind, v.code, v.loaded_at.desc(), v.effective_from.desc())
    )  # fmt: skip
    return [LayerView(LayerKind(kind), *rest) for kind, *rest in rows]
