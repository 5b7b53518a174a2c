"""An old period replayed under another version of a layer. Reads; never writes a violation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.shapes import LayerKind, Park
from parking.models import Drawing, LayerVersion, Vehicle
from parking.queries import fixes, journeys
from parking.queries import park as parks
from parking.refused import Refused, no
from parking.rules import whatif
from parking.rules.monitor import Finding
from parking.rules.whatif import Difference, Period
from parking.services import drawings
from parking.vocabulary import Refusal

#: How far before the period fixes are read, so that offences open at its beginning are seen whole.
LEAD = timedelta(hours=2)
#: Longest period replayed at once, and most vehicles a page replays; the command line has no such limit.
LONGEST = timedelta(days=31)
PAGE_VEHICLES = 200
#: Most fixes a page judges (2,500 a second, twice over, were measured); more is for the command line.
PAGE_FIXES = 20_000
#: Vehicles whose journeys are asked for at once.
_BATCH = 50


@dataclass(frozen=True, slots=True)
class Replay:
    """What another version would have changed. ``vehicles``: id → plate, of those with a difference or both.

    ``left_out``: vehicles with fixes in the period that were not replayed because there are too many.
    """

    period: Period
    before: Park
    after: Park
    vehicles: Mapping[int, str]
    differences: Mapping[int, Difference]
    judged: int
    fixes: int
    left_out: int

    def counts(self) -> dict[str, dict[str, int]]:
        return whatif.summed(self.differences)


def period(since: datetime, until: datetime) -> Period:
    """Raises Refused when the period is none or too long."""
    if not timedelta() < until - since <= LONGEST:
        raise Refused(no(Refusal.PERIOD_WRONG, "until", days=LONGEST.days))
    return Period(since, until)


def check_amount(session: Session, asked: Period) -> None:
    """Raises Refused when a page would have to judge more than PAGE_FIXES."""
    count = fixes.count(session, asked.since - LEAD, asked.until)
    if count > PAGE_FIXES:
        raise Refused(no(Refusal.PERIOD_TOO_MUCH, "until", count=count, limit=PAGE_FIXES))


def park_with_version(session: Session, version_id: int) -> Park:
    """The park as if this version of a shape had always been the only one. Raises Refused."""
    row = session.get(LayerVersion, version_id)
    if row is None or row.park_id != parks.stamp(session)[1]:
        raise Refused(no(Refusal.VERSION_UNKNOWN, "version", id=version_id))
    return whatif.with_version(parks.current(session), parks.feature(row))


def park_with_drawing(session: Session, drawing_id: int) -> Park:
    """The park as if what was handed in had always been the layer, repairs made. Raises Refused."""
    drawing = session.get(Drawing, drawing_id)
    if drawing is None:
        raise Refused(no(Refusal.DRAWING_UNKNOWN))
    park = parks.current(session)
    shapes, report = drawings.read(drawing, park, consent=True)
    if report.errors or not shapes:
        raise Refused(no(Refusal.DRAWING_WRONG, count=max(1, len(report.errors))))
    kind = LayerKind(drawing.kind)
    if drawing.whole:
        return whatif.with_layer(park, kind, shapes)
    for shape in shapes:
        park = whatif.with_version(park, shape)
    return park


def replay(
    session: Session,
    asked: Period,
    after: Park,
    vehicle_ids: Sequence[int] | None = None,
    most: int | None = None,
    done: Callable[[int, int], None] = lambda _done, _all: None,
) -> Replay:
    """Judge the stored fixes of a period by the lines in force then, and by ``after``.

    ``done(n, of)`` is told as vehicles are done. Findings are compared, not written.
    """
    before = parks.current(session)
    every = (
        list(vehicle_ids) if vehicle_ids is not None else fixes.vehicles(session, asked.since, asked.until)
    )
    chosen = every[:most]
    old, new = whatif.grounds(before, after)
    found: dict[int, Difference] = {}
    count = 0
    for n in range(0, len(chosen), _BATCH):
        batch = chosen[n : n + _BATCH]
        tracks = fixes.tracks(session, batch, asked.since - LEAD, asked.until)
        known = journeys.of_vehicles(session, batch, asked.since - LEAD, asked.until)
        count += len(tracks)
        several = whatif.differences(old, new, tracks, [known[v] for v in batch], asked)
        found |= {v: one for v, one in zip(batch, several, strict=True) if one.any}
        done(min(n + _BATCH, len(chosen)), len(chosen))
    plates = _plates(session, list(found))
    return Replay(asked, before, after, plates, found, len(chosen), count, len(every) - len(chosen))


def told(found: Replay) -> list[dict[str, Any]]:
    """Every vehicle with a difference as plain data: its findings, and where each was found."""
    return [
        {
            "plate": found.vehicles[vehicle_id],
            "only_old": [_finding(f) for f in one.only_old],
            "only_new": [_finding(f) for f in one.only_new],
            "both": [{"old": _finding(a), "new": _finding(b)} for a, b in one.both],
        }
        for vehicle_id, one in found.differences.items()
    ]


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind.value,
        "subject": finding.subject,
        "start": finding.started_at.isoformat(),
        "end": finding.ended_at and finding.ended_at.isoformat(),
        "lon": finding.lon,
        "lat": finding.lat,
        "certainty": finding.certainty.value,
        "facts": dict(finding.facts),
    }


def _plates(session: Session, vehicle_ids: Sequence[int]) -> dict[int, str]:
    rows = session.execute(select(Vehicle.id, Vehicle.plate).where(Vehicle.id.in_(vehicle_ids)))
    return {row.id: row.plate for row in rows}
