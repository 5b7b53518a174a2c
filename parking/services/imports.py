"""Old tracks from a file: checked whole, taken in piece by piece through the same door as live ones.

What was taken in once is known by second and place: the same file again changes nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from parking import outbox
from parking.events import TracksSent
from parking.models import Feed, TrackImport
from parking.refused import Refused, no
from parking.rules import plate as plates
from parking.services import audit, feeds, reports
from parking.services.reports import Received, Report
from parking.services.terminals import vehicle_of
from parking.trackfiles import vehicle
from parking.trackfiles.vehicle import Options, Tracks
from parking.vocabulary import ImportState, Refusal

#: Fixes taken in by one transaction.
PIECE = 2_000
_YELLOW = 2


def begin(
    session: Session, file_name: str, data: bytes, options: Options, now: datetime, actor: str, source: str
) -> TrackImport:
    """Check the whole file and keep its usable rows to be taken in. Raises Refused."""
    if not plates.valid(options.plate):
        raise Refused(no(Refusal.PLATE_MALFORMED, "plate", plate=options.plate[:20]))
    tracks = vehicle.read(data, options)
    vehicle_id = vehicle_of(session, options.plate, _YELLOW, now)
    feed = feeds.import_feed(session, vehicle_id, now)
    said = {
        "datum": options.datum, "zone": options.zone and str(options.zone), "speed": options.speed_unit,
    }  # fmt: skip
    made = TrackImport(
        feed_id=feed.id, vehicle_id=vehicle_id, file_name=file_name[:200], options=said, asked_at=now,
        sha256=hashlib.sha256(data).hexdigest(), asked_by=actor, total=len(tracks.rows),
        data=vehicle.packed(tracks.rows), report=_report(tracks),
        state=ImportState.READING if tracks.rows else ImportState.UNUSABLE,
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.record(
        session, actor, "tracks_import", "track_import", made.id, now, source, file=file_name[:200],
        plate=options.plate, sha256=made.sha256,
    )  # fmt: skip
    return made


def hand_over(session: Session, import_id: int) -> None:
    """Let a worker go on with it."""
    outbox.post(session, TracksSent(import_id))


def go_on(session: Session, import_id: int, now: datetime) -> None:
    """One piece, and word for the next: what a worker does with ``TracksSent``."""
    if step(session, import_id, now):
        hand_over(session, import_id)


def step(session: Session, import_id: int, now: datetime) -> bool:
    """Take in the next piece; False when nothing is left. Safe to repeat."""
    made = session.get_one(TrackImport, import_id, with_for_update=True)
    if made.state != ImportState.READING or made.data is None:
        return False
    fixes = vehicle.unpacked(made.data, made.done, PIECE)
    extras = {"door": "import", "import": made.id, "datum": made.options["datum"] or "wgs84"}
    received = reports.receive(
        session, session.get_one(Feed, made.feed_id), [Report(made.vehicle_id, f, extras) for f in fixes], now
    )
    made.done += len(fixes)
    made.report = _added(made.report, received)
    if made.done >= made.total:
        made.state, made.finished_at, made.data = ImportState.IMPORTED, now, None
    return made.state == ImportState.READING


def _report(tracks: Tracks) -> dict[str, Any]:
    faults = [
        {"line": line, "field": reason.field, "word": str(reason.word), "facts": dict(reason.facts)}
        for line, reason in tracks.faults
    ]
    times = [f.time for f in tracks.rows]
    return {
        "unusable": tracks.unusable,
        "faults": faults,
        "first": min(times).isoformat() if times else None,
        "last": max(times).isoformat() if times else None,
        **dict.fromkeys(("stored", "secondary", "repeated"), 0),
        "marks": {},
    }


def _added(report: dict[str, Any], received: Received) -> dict[str, Any]:
    results = Counter(str(r) for r in received.results)
    marks = Counter(report["marks"])
    marks.update(received.marks)
    return {
        **report,
        **{n: report[n] + results[n] for n in ("stored", "secondary", "repeated")},
        "marks": marks,
    }
