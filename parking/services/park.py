"""Load a checked park into memory: layers as versions, the lot, its bays, the goods it knows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from shapely import to_wkb
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.datum import LocalFrame
from geo.layers import feature_hash, geometry_hash
from geo.shapes import SINCE_EVER, Feature, LayerKind, Park
from parking.models import Bay, LayerVersion, Lot, ParkRow
from parking.queries import park as parks
from parking.rules.policy import Policy
from parking.services import audit, checklist
from parking.services import goods as goods_service

#: What is written on a bay that the newest drawing no longer shows.
WITHDRAWN = "withdrawn from the drawing"


def load(
    session: Session, park: Park, goods: Iterable[Mapping[str, Any]], now: datetime, actor: str
) -> ParkRow:
    """Bring memory in line with ``park``. Old versions stay; what is no longer drawn is withdrawn.

    Raises PolicyWrong, before anything is written, for numbers the monitor could not judge by.
    """
    Policy.of_park(park)
    session.execute(text("SELECT pg_advisory_xact_lock(80802)"))
    row = _park_row(session, park, now)
    withdrawn = _versions(session, row.id, park.features, now)
    _bays(session, row.id, park, now)
    goods_service.take(session, goods)
    checklist.ensure(session, row.id)
    facts = {"features": len(park.features), "withdrawn": withdrawn}
    audit.record(session, actor, "park_loaded", "park", row.id, now, "local", **facts)
    return row


def _park_row(session: Session, park: Park, now: datetime) -> ParkRow:
    row = session.scalar(select(ParkRow).where(ParkRow.code == park.code))
    if row is None:
        row = ParkRow(code=park.code)
        session.add(row)
    row.name_zh, row.name_en, row.official, row.loaded_at = park.name_zh, park.name_en, park.official, now
    row.settings = {
        "metric_crs": park.metric_crs,
        "watch_area": list(park.watch_area),
        "policy": dict(park.policy),
        "rules": dict(park.rules),
        "notice_zh": park.notice_zh,
        "notice_en": park.notice_en,
        "timezone": park.timezone,
        "county": park.county,
    }
    session.flush()
    return row


def _versions(
    session: Session, park_id: int, features: Sequence[Feature], now: datetime
) -> list[dict[str, Any]]:
    """What is no longer drawn is withdrawn first: two versions of one shape never bind on one day.

    Returns what was withdrawn. A folder is the whole truth: versions taken over on the pages that it does not
    show are withdrawn too, and the record says so.
    """
    drawn = [feature_hash(feature) for feature in features]
    gone = session.execute(
        update(LayerVersion)
        .where(
            LayerVersion.park_id == park_id,
            LayerVersion.withdrawn_at.is_(None),
            LayerVersion.sha256.not_in(drawn),
        )
        .values(withdrawn_at=now)
        .returning(LayerVersion.id, LayerVersion.kind, LayerVersion.code, LayerVersion.document)
    ).all()
    for feature in features:
        add_version(session, park_id, feature, now)
    return [{"version": r.id, "kind": r.kind, "code": r.code, "document": r.document} for r in gone]


def add_version(
    session: Session, park_id: int, feature: Feature, now: datetime, drawing_id: int | None = None
) -> int:
    """Believe in a version from now on; one that was believed in before is taken up again."""
    approval, source = feature.approval, feature.source
    values = {
        "park_id": park_id,
        "kind": feature.kind.value,
        "code": feature.code,
        "name_zh": feature.name_zh,
        "name_en": feature.name_en,
        "wkb": to_wkb(feature.geometry),
        "attributes": dict(feature.attributes),
        "document": (approval and approval.document) or None,
        "issuing_body": (approval and approval.issuing_body) or None,
        "approved_on": approval and _day(approval.approved_on),
        "effective_from": approval and _day(approval.effective_from),
        "effective_to": approval and approval.effective_to,
        "sha256": feature_hash(feature),
        "loaded_at": now,
        "drawing_id": drawing_id,
        "source_crs": source and source.crs[:200],
        "file_name": source and source.file[:120],
        "file_sha256": source and source.sha256,
        "geometry_sha256": geometry_hash([feature]),
    }
    return session.scalars(
        insert(LayerVersion)
        .values(values)
        .on_conflict_do_update(constraint="uq_layer_version_content", set_={"withdrawn_at": None})
        .returning(LayerVersion.id)
    ).one()


def _day(day: date) -> date | None:
    return None if day == SINCE_EVER else day


def settle(session: Session, now: datetime) -> None:
    """Bring lots and bays in line with the drawing in force today. Safe to repeat; a sweep rings it.

    A park whose zones and bays have no dates changes only when it is loaded: then there is nothing to do.
    """
    park = parks.current(session)
    if any(f.approval for kind in (LayerKind.ZONE, LayerKind.BAY) for f in park.of(kind)):
        session.execute(text("SELECT pg_advisory_xact_lock(80802)"))
        _bays(session, parks.stamp(session)[1], park, now)


def sweep(session: Session, now: datetime) -> None:
    """Settle, when there is a park."""
    with contextlib.suppress(parks.NoPark):
        settle(session, now)


def _bays(session: Session, park_id: int, park: Park, now: datetime) -> None:
    frame = LocalFrame(park.metric_crs)
    lots = [z for z in park.in_force(LayerKind.ZONE, now) if z.attributes.get("zone_kind") == "lot"]
    for lot in lots:
        row = _lot(session, park_id, lot)
        inside = [b for b in park.in_force(LayerKind.BAY, now) if lot.geometry.covers(b.geometry.centroid)]
        for bay in inside:
            _bay(session, row.id, bay, frame)
        session.execute(
            update(Bay)
            .where(
                Bay.lot_id == row.id,
                Bay.code.not_in([b.code for b in inside]),
                Bay.out_of_service.is_distinct_from(WITHDRAWN),
            )
            .values(out_of_service=WITHDRAWN)
        )


def _lot(session: Session, park_id: int, zone: Feature) -> Lot:
    lot = session.scalar(select(Lot).where(Lot.park_id == park_id, Lot.code == zone.code))
    if lot is None:
        lot = Lot(park_id=park_id, code=zone.code)
        session.add(lot)
    lot.name_zh, lot.name_en = zone.name_zh, zone.name_en
    session.flush()
    return lot


def _bay(session: Session, lot_id: int, feature: Feature, frame: LocalFrame) -> None:
    bay = session.scalar(select(Bay).where(Bay.lot_id == lot_id, Bay.code == feature.code))
    if bay is None:
        bay = Bay(lot_id=lot_id, code=feature.code)
        session.add(bay)
    elif bay.out_of_service == WITHDRAWN:
        bay.out_of_service = None
    seen = feature.attributes
    bay.zone = str(seen["zone"])
    bay.hazard_classes = listed(seen.get("hazard_classes"))
    bay.load_states = listed(seen.get("load_states"))
    bay.isolation = bool(seen.get("isolation", False))
    bay.length_m, bay.width_m = float(seen["length_m"]), float(seen["width_m"])
    bay.wkb = to_wkb(frame.to_metres(feature.geometry))
    session.flush()


def listed(value: object) -> list[str]:
    """A comma-separated attribute as a list."""
    if isinstance(value, (list, tuple)):
        return [str(v) for v in value]
    return [part.strip() for part in str(value or "").split(",") if part.strip()]
