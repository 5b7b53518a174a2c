"""An old period replayed under another version of a layer. Reads; never writes a violation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.fix import Fix
from geo.shapes import LayerKind, Park
from parking.models import Drawing, LayerVersion, Vehicle
from parking.queries import fixes, journeys
from parking.queries import park as parks
from parking.refused import Refused, no
from parking.rules import whatif
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

    ``done(n, of)`` is told after each vehicle. Findings are compared, not written.
    """
    before = parks.current(session)
    every = (
        list(vehicle_ids)
        if vehicle_ids is not None
        else list(fixes.vehicles(session, asked.since, asked.until))
    )
    chosen = every[:most]
    old, new = whatif.grounds(before, after)
    found: dict[int, Difference] = {}
    count = 0
    for n, (vehicle_id, stretch, journey_at) in enumerate(_stretches(session, chosen, asked), 1):
        count += len(stretch)
        one = whatif.difference(old, new, stretch, journey_at, asked)
        if one.any:
            found[vehicle_id] = one
        done(n, len(chosen))
    plates = _plates(session, list(found))
    return Replay(asked, before, after, plates, found, len(chosen), count, len(every) - len(chosen))


def _stretches(
    session: Session, vehicle_ids: Sequence[int], asked: Period
) -> Iterator[tuple[int, list[Fix], whatif.JourneyAt]]:
    since = asked.since - LEAD
    for at in range(0, len(vehicle_ids), _BATCH):
        batch = vehicle_ids[at : at + _BATCH]
        known = journeys.of_vehicles(session, batch, since, asked.until)
        for vehicle_id, stretch in fixes.stretches(session, batch, since, asked.until):
            yield vehicle_id, stretch, known[vehicle_id]


def _plates(session: Session, vehicle_ids: Sequence[int]) -> dict[int, str]:
    rows = session.execute(select(Vehicle.id, Vehicle.plate).where(Vehicle.id.in_(vehicle_ids)))
    return {row.id: row.plate for row in rows}
