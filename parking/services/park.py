"""Load a checked park into memory: layers as versions, the lot, its bays, the goods it knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shapely import to_wkb
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.datum import LocalFrame
from geo.layers import feature_hash
from geo.shapes import Feature, LayerKind, Park
from parking.models import Bay, LayerVersion, Lot, ParkRow
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
    _versions(session, row.id, park.features, now)
    _bays(session, row.id, park)
    goods_service.take(session, goods)
    checklist.ensure(session, row.id)
    audit.record(session, actor, "park_loaded", "park", row.id, now, "local", features=len(park.features))
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
    }
    session.flush()
    return row


def _versions(session: Session, park_id: int, features: Sequence[Feature], now: datetime) -> None:
    kept = [_version(session, park_id, feature, now) for feature in features]
    session.execute(
        update(LayerVersion)
        .where(
            LayerVersion.park_id == park_id, LayerVersion.withdrawn_at.is_(None), LayerVersion.id.not_in(kept)
        )
        .values(withdrawn_at=now)
    )


def _version(session: Session, park_id: int, feature: Feature, now: datetime) -> int:
    approval = feature.approval
    values = {
        "park_id": park_id,
        "kind": feature.kind.value,
        "code": feature.code,
        "name_zh": feature.name_zh,
        "name_en": feature.name_en,
        "wkb": to_wkb(feature.geometry),
        "attributes": dict(feature.attributes),
        "document": approval and approval.document,
        "issuing_body": approval and approval.issuing_body,
        "approved_on": approval and approval.approved_on,
        "effective_from": approval and approval.effective_from,
        "effective_to": approval and approval.effective_to,
        "sha256": feature_hash(feature),
        "loaded_at": now,
    }
    return session.scalars(
        insert(LayerVersion)
        .values(values)
        .on_conflict_do_update(constraint="uq_layer_version_content", set_={"withdrawn_at": None})
        .returning(LayerVersion.id)
    ).one()


def _bays(session: Session, park_id: int, park: Park) -> None:
    frame = LocalFrame(park.metric_crs)
    lots = [z for z in park.of(LayerKind.ZONE) if z.attributes.get("zone_kind") == "lot"]
    for lot in lots:
        row = _lot(session, park_id, lot)
        inside = [b for b in park.of(LayerKind.BAY) if lot.geometry.covers(b.geometry.centroid)]
        for bay in inside:
            _bay(session, row.id, bay, frame)
        session.execute(
            update(Bay)
            .where(Bay.lot_id == row.id, Bay.code.not_in([b.code for b in inside]))
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
