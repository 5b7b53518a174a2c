"""The park as memory holds it, rebuilt as shapes; read again only when it was loaded again."""

from __future__ import annotations

from datetime import datetime

from shapely import from_wkb
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.shapes import SINCE_EVER, Approval, Feature, LayerKind, Park, Source
from parking import clock
from parking.models import LayerVersion, ParkRow


class NoPark(LookupError):
    """No park has been loaded yet."""


_cache: dict[tuple[str, int, datetime], Park] = {}


def stamp(session: Session) -> tuple[str, int, datetime]:
    """What identifies the loaded park; changes whenever layers are loaded. Raises NoPark."""
    found = session.execute(
        select(ParkRow.id, ParkRow.loaded_at).order_by(ParkRow.loaded_at.desc()).limit(1)
    ).first()
    if found is None:
        raise NoPark("no park has been loaded")
    return (str(session.get_bind().engine.url), found.id, found.loaded_at)


def current(session: Session) -> Park:
    """The park loaded last, with every layer version that was not withdrawn. Raises NoPark."""
    key = stamp(session)
    found = _cache.get(key)
    if found is None:  # another thread may clear between two looks, so there is only one
        found = _read(session, key[1])
        _cache.clear()
        _cache[key] = found
    return found


def today(session: Session) -> Park:
    """The park as it binds now: what screens and choices of places show. Raises NoPark."""
    return current(session).at(clock.now())


def _read(session: Session, park_id: int) -> Park:
    row = session.get_one(ParkRow, park_id)
    versions = session.scalars(
        select(LayerVersion)
        .where(LayerVersion.park_id == park_id, LayerVersion.withdrawn_at.is_(None))
        .order_by(LayerVersion.kind, LayerVersion.code, LayerVersion.effective_from)
    )
    west, south, east, north = row.settings["watch_area"]
    return Park(
        code=row.code,
        name_zh=row.name_zh,
        name_en=row.name_en,
        official=row.official,
        notice_zh=row.settings["notice_zh"],
        notice_en=row.settings["notice_en"],
        metric_crs=row.settings["metric_crs"],
        watch_area=(west, south, east, north),
        policy=row.settings["policy"],
        rules=row.settings.get("rules", {}),
        timezone=row.settings["timezone"],
        features=tuple(feature(v) for v in versions),
        county=row.settings.get("county"),
    )


def feature(version: LayerVersion) -> Feature:
    """A stored version as a shape."""
    approval = None
    if version.document or version.effective_from or version.effective_to:
        approval = Approval(
            document=version.document or "",
            issuing_body=version.issuing_body or "",
            approved_on=version.approved_on or SINCE_EVER,
            effective_from=version.effective_from or SINCE_EVER,
            effective_to=version.effective_to,
        )
    return Feature(
        kind=LayerKind(version.kind),
        code=version.code,
        name_zh=version.name_zh,
        name_en=version.name_en,
        geometry=from_wkb(version.wkb),
        approval=approval,
        attributes=version.attributes,
        source=_source(version),
    )


def _source(version: LayerVersion) -> Source | None:
    if version.file_sha256 is None:
        return None
    return Source(version.file_name or "", version.file_sha256, version.source_crs or "")
