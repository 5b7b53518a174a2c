"""A carrier's batch: item by item checked, stored in one transaction, answered the same when sent again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.datum import Datum
from parking import fixvalues as values
from parking.models import Feed, FeedAnswer
from parking.queries import feeds as feed_query
from parking.refused import Refused
from parking.rules import plate as plates
from parking.services import reports
from parking.services.reports import Received, Report
from parking.vocabulary import FixFault

#: Answers are kept this long (assumption); after that a batch sent again finds its positions "repeated".
KEPT = timedelta(days=7)
FIELDS = (
    "plate", "time", "lon", "lat", "speed_kmh", "heading", "altitude_m", "located", "alarms", "backfill",
    "extras",
)  # fmt: skip
_EXTRAS_MAX = 20


def take(
    session: Session,
    feed: Feed,
    key: str,
    sha256: str,
    datum: Datum,
    items: Sequence[Any],
    now: datetime,
) -> tuple[Mapping[str, Any], Received | None]:
    """The answer to a batch, and what moved by it (None: it was answered before).

    Raises Refused (KEY_REUSED) when this key already answered another batch.
    """
    session.execute(delete(FeedAnswer).where(FeedAnswer.at < now - KEPT))
    claim = insert(FeedAnswer).values(feed_id=feed.id, key=key, sha256=sha256, answer={}, at=now)
    mine = session.scalar(claim.on_conflict_do_nothing().returning(FeedAnswer.key))
    row = session.scalars(
        select(FeedAnswer).where(FeedAnswer.feed_id == feed.id, FeedAnswer.key == key).with_for_update()
    ).one()
    if mine is None:
        if row.sha256 != sha256:
            raise values.wrong(FixFault.KEY_REUSED, "Idempotency-Key")
        return row.answer, None
    read, refused = _read(items, feed_query.vehicles(session, feed.id), datum)
    received = reports.receive(session, feed, [report for _, report in read], now)
    row.answer = _answer(len(items), read, refused, received)
    return row.answer, received


def _read(
    items: Sequence[Any], known: Mapping[str, int], datum: Datum
) -> tuple[list[tuple[int, Report]], dict[int, Refused]]:
    read: list[tuple[int, Report]] = []
    refused: dict[int, Refused] = {}
    for n, item in enumerate(items):
        try:
            read.append((n, report(item, known, datum)))
        except Refused as reason:
            refused[n] = reason
    fixes = values.in_wgs84([one.fix for _, one in read], datum)
    return [(n, replace(one, fix=fix)) for (n, one), fix in zip(read, fixes, strict=True)], refused


def report(item: Any, known: Mapping[str, int], datum: Datum) -> Report:
    """One position of a batch, its place as it was told. Raises Refused naming the first wrong field."""
    if not isinstance(item, dict):
        raise values.wrong(FixFault.NOT_AN_OBJECT, "fixes")
    for name in item:
        if name not in FIELDS:
            raise values.wrong(FixFault.NOT_KNOWN, values.shown(str(name)))
    plate = plates.normalise(values.text("plate", values.needed("plate", item.get("plate")), 20))
    if plate not in known:
        raise values.wrong(FixFault.PLATE_OUT_OF_SCOPE, "plate", plate=plate)
    time = values.moment("time", values.needed("time", item.get("time")))
    fix = values.fix(
        time,
        _real("lon", values.needed("lon", item.get("lon")), -180, 180),
        _real("lat", values.needed("lat", item.get("lat")), -90, 90),
        speed_kmh=_maybe("speed_kmh", item.get("speed_kmh"), 0, values.LARGEST_SPEED),
        heading=_maybe("heading", item.get("heading"), 0, 360),
        altitude_m=_maybe("altitude_m", item.get("altitude_m"), -1_000, 10_000),
        located=values.flag("located", item.get("located"), True),
        alarm=values.alarm_word("alarms", item.get("alarms", [])),
        backfill=values.flag("backfill", item.get("backfill"), False),
    )
    return Report(known[plate], fix, {"door": "batch", "datum": datum.value, **_extras(item.get("extras"))})


def _real(field: str, raw: Any, low: float, high: float) -> float:
    """A JSON number, not a text that looks like one."""
    if isinstance(raw, str):
        raise values.wrong(FixFault.NOT_A_NUMBER, field, value=values.shown(raw))
    return values.number(field, raw, low, high)


def _maybe(field: str, raw: Any, low: float, high: float) -> float | None:
    return None if raw is None else _real(field, raw, low, high)


def _extras(raw: Any) -> dict[str, Any]:
    """What else the terminal said: at most 20 short named values, kept as they are."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise values.wrong(FixFault.NOT_AN_OBJECT, "extras")
    if len(raw) > _EXTRAS_MAX:
        raise values.wrong(FixFault.TOO_MANY, "extras", limit=_EXTRAS_MAX, count=len(raw))
    return {"said": {values.text("extras", name, 40): _plain(name, value) for name, value in raw.items()}}


def _plain(name: str, value: Any) -> Any:
    field = f"extras.{values.shown(name)}"
    if isinstance(value, str):
        return values.text(field, value, 200)
    if value is None or isinstance(value, bool):
        return value
    return _real(field, value, -1e15, 1e15)


def _answer(
    count: int, read: Sequence[tuple[int, Report]], refused: Mapping[int, Refused], received: Received
) -> dict[str, Any]:
    results: dict[int, dict[str, Any]] = {
        n: {"n": n, "result": str(result)} for (n, _), result in zip(read, received.results, strict=True)
    }
    for n, reason in refused.items():
        why = reason.reasons[0]
        results[n] = {
            "n": n, "result": "refused", "field": why.field, "reason": str(why.word),
            "facts": dict(why.facts),
        }  # fmt: skip
    said = [str(r) for r in received.results]
    return {
        "received": count,
        "stored": sum(r in ("stored", "secondary") for r in said),
        "repeated": said.count("repeated"),
        "refused": len(refused),
        "marks": dict(received.marks),
        "items": [results[n] for n in range(count)],
    }
