"""Doors beside the gateway, for the pages that manage them and for whoever knocks with a token."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from parking.models import Feed, FeedVehicle, Terminal, TrackImport, Vehicle
from parking.vocabulary import FeedKind, ImportState


@dataclass(frozen=True, slots=True)
class FeedView:
    """A telephone or a platform, as staff sees it."""

    id: int
    kind: FeedKind
    name: str
    device_key: str | None
    plates: tuple[str, ...]
    created_at: datetime
    created_by: str
    revoked_at: datetime | None
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImportView:
    """A file of old tracks and how far it is."""

    id: int
    plate: str
    file_name: str
    state: ImportState
    asked_at: datetime
    asked_by: str
    total: int
    done: int
    report: Mapping[str, object]


def by_token(session: Session, token: str, kind: FeedKind) -> Feed | None:
    """The feed of this kind that this token opens."""
    hashed = hashlib.sha256(token.encode()).hexdigest()
    found = select(Feed).where(Feed.token_hash == hashed, Feed.kind == kind, Feed.revoked_at.is_(None))
    return session.scalar(found)


def vehicles(session: Session, feed_id: int) -> Mapping[str, int]:
    """Plate → vehicle of everything this feed may speak for."""
    rows = session.execute(
        select(Vehicle.plate, Vehicle.id)
        .join(FeedVehicle, FeedVehicle.vehicle_id == Vehicle.id)
        .where(FeedVehicle.feed_id == feed_id)
    )
    return dict(rows.all())


def listed(session: Session) -> tuple[FeedView, ...]:
    """Every telephone and platform, those in use first, the newest first."""
    feeds = session.scalars(
        select(Feed)
        .where(Feed.kind != FeedKind.IMPORT)
        .order_by(Feed.revoked_at.is_not(None), Feed.created_at.desc(), Feed.id.desc())
    ).all()
    rows = session.execute(
        select(FeedVehicle.feed_id, Vehicle.plate)
        .join(Vehicle, Vehicle.id == FeedVehicle.vehicle_id)
        .order_by(Vehicle.plate)
    )
    plates: dict[int, list[str]] = defaultdict(list)
    for feed_id, plate in rows:
        plates[feed_id].append(plate)
    seen = _seen(session)
    return tuple(
        FeedView(
            f.id, FeedKind(f.kind), f.name, f.device_key, tuple(plates[f.id]), f.created_at, f.created_by,
            f.revoked_at, seen.get(f.id),
        )
        for f in feeds
    )  # fmt: skip


def _seen(session: Session) -> Mapping[int, datetime]:
    """When each feed was last heard."""
    number = func.split_part(Terminal.phone, ":", 2)
    rows = session.execute(
        select(number, func.max(Terminal.last_seen_at))
        .where(Terminal.phone.contains(":"), Terminal.last_seen_at.is_not(None))
        .group_by(number)
    )
    return {int(feed_id): at for feed_id, at in rows}


def imports(session: Session, limit: int = 20) -> tuple[ImportView, ...]:
    """The newest imports."""
    rows = session.execute(
        select(TrackImport, Vehicle.plate)
        .join(Vehicle, Vehicle.id == TrackImport.vehicle_id)
        .order_by(TrackImport.id.desc())
        .limit(limit)
    )
    return tuple(_import(one, plate) for one, plate in rows)


def import_one(session: Session, import_id: int) -> ImportView | None:
    row = session.execute(
        select(TrackImport, Vehicle.plate)
        .join(Vehicle, Vehicle.id == TrackImport.vehicle_id)
        .where(TrackImport.id == import_id)
    ).first()
    return _import(*row) if row else None


def _import(one: TrackImport, plate: str) -> ImportView:
    return ImportView(
        one.id, plate, one.file_name, ImportState(one.state), one.asked_at, one.asked_by, one.total, one.done,
        one.report,
    )  # fmt: skip
