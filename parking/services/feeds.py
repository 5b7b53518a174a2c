"""Doors beside the gateway: who may report positions over HTTP, and for which vehicles.

A token is random, shown once and kept as its SHA-256. Each pair of feed and vehicle has two
pseudo-terminals: ``c:feed:vehicle`` bound to the vehicle, and ``C:feed:vehicle``, bound to none, for what
was reported while a better door spoke. No JT/T 808 terminal can be called so: its phone has digits only.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parking.models import Feed, FeedVehicle, Terminal
from parking.refused import Reason, Refused, no
from parking.rules import plate as plates
from parking.services import audit
from parking.services.terminals import vehicle_of
from parking.services.tokens import hashed
from parking.vocabulary import FeedKind, FormField, Refusal

LETTER = {FeedKind.PLATFORM: "c", FeedKind.DEVICE: "p", FeedKind.IMPORT: "i"}
#: Vehicles one platform may speak for (assumption; a request holds at most 10,000 positions anyway).
PLATES_MAX = 5_000
_DEVICE_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,63}", re.ASCII)
_YELLOW = 2


def phone(kind: str, feed_id: int, vehicle_id: int, aside: bool = False) -> str:
    """The pseudo-terminal's phone."""
    letter = LETTER[FeedKind(kind)]
    return f"{letter.upper() if aside else letter}:{feed_id}:{vehicle_id}"


def add_device(
    session: Session, name: str, device_key: str, plate: str, now: datetime, actor: str, source: str
) -> tuple[Feed, str]:
    """A telephone that reports one vehicle. Returns it and its token."""
    if not _DEVICE_KEY.fullmatch(device_key):
        raise Refused(no(Refusal.DEVICE_KEY_MALFORMED, "device_key"))
    taken = select(Feed.id).where(Feed.device_key == device_key, Feed.revoked_at.is_(None))
    if session.scalar(taken):
        raise Refused(no(Refusal.DEVICE_KEY_TAKEN, "device_key", device_key=device_key))
    return _add(session, FeedKind.DEVICE, name, device_key, [plate], "plate", now, actor, source)


def add_platform(
    session: Session, name: str, plate_list: Sequence[str], now: datetime, actor: str, source: str
) -> tuple[Feed, str]:
    """A carrier's platform that reports the vehicles named. Returns it and its token."""
    if len(plate_list) > PLATES_MAX:
        raise Refused(no(Refusal.TOO_MANY_PLATES, "plates", limit=PLATES_MAX))
    return _add(session, FeedKind.PLATFORM, name, None, plate_list, "plates", now, actor, source)


def new_token(session: Session, feed_id: int, now: datetime, actor: str, source: str) -> tuple[Feed, str]:
    """Another token; the old one opens nothing from now on."""
    feed = _held(session, feed_id)
    token = _token()
    feed.token_hash = hashed(token)
    audit.record(session, actor, "token_renewed", "feed", feed.id, now, source)
    return feed, token


def revoke(session: Session, feed_id: int, now: datetime, actor: str, source: str) -> None:
    """Its token opens nothing from now on; what it reported stays."""
    feed = _held(session, feed_id)
    feed.revoked_at, feed.revoked_by, feed.token_hash = now, actor, None
    audit.record(session, actor, "feed_revoked", "feed", feed.id, now, source)


def import_feed(session: Session, vehicle_id: int, now: datetime) -> Feed:
    """The door through which files come, one for the park, opened for this vehicle."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('import_feed'))"))
    feed = session.scalar(select(Feed).where(Feed.kind == FeedKind.IMPORT).order_by(Feed.id).limit(1))
    if feed is None:
        feed = Feed(kind=FeedKind.IMPORT, name="import", created_at=now, created_by="system")
        session.add(feed)
        session.flush()
    _bind(session, feed, [vehicle_id], now)
    return feed


def _held(session: Session, feed_id: int) -> Feed:
    held = select(Feed).where(Feed.id == feed_id, Feed.revoked_at.is_(None), Feed.kind != FeedKind.IMPORT)
    return session.scalars(held.with_for_update()).one()


def _add(
    session: Session,
    kind: FeedKind,
    name: str,
    device_key: str | None,
    plate_list: Sequence[str],
    field: str,
    now: datetime,
    actor: str,
    source: str,
) -> tuple[Feed, str]:
    wanted = list(dict.fromkeys(plates.normalise(p) for p in plate_list if p.strip()))
    reasons = [no(Refusal.PLATE_MALFORMED, field, plate=p[:20]) for p in wanted if not plates.valid(p)]
    reasons += [] if wanted else [Reason(Refusal.FIELD_MISSING, {"field": FormField.PLATE}, field)]
    if reasons:
        raise Refused(*reasons)
    token = _token()
    feed = Feed(
        kind=kind, name=name[:120], device_key=device_key, token_hash=hashed(token), created_at=now,
        created_by=actor,
    )  # fmt: skip
    session.add(feed)
    session.flush()
    _bind(session, feed, [vehicle_of(session, p, _YELLOW, now) for p in wanted], now)
    audit.record(session, actor, "feed_added", "feed", feed.id, now, source, kind=kind, plates=wanted)
    return feed, token


def _token() -> str:
    """256 bits, with a beginning by which a leaked one can be found."""
    return f"hzp_{secrets.token_urlsafe(32)}"


def _bind(session: Session, feed: Feed, vehicle_ids: Iterable[int], now: datetime) -> None:
    ids = sorted(set(vehicle_ids))
    session.execute(
        insert(FeedVehicle)
        .values([{"feed_id": feed.id, "vehicle_id": v, "alarm": 0} for v in ids])
        .on_conflict_do_nothing()
    )
    rows = [
        {
            "phone": phone(feed.kind, feed.id, v, aside),
            "vehicle_id": None if aside else v,
            "auth_code": secrets.token_hex(8),
            "registered_at": now,
        }
        for v in ids
        for aside in (False, True)
    ]
    session.execute(insert(Terminal).values(rows).on_conflict_do_nothing(index_elements=["phone"]))
