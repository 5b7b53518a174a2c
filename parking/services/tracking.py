"""Fixes from the wire: kept, marked, judged, and told, all in the caller's one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.fix import Fix
from parking.models import FixRow, Watch
from parking.queries import journeys
from parking.rules.monitor import JourneyAt, State, judge_many, rejudge, revised
from parking.rules.plausibility import MARKS
from parking.services import findings, ground, owners, storing, telling, watches
from parking.services.fixbatch import FixBatch, TerminalFix, instant
from parking.services.owners import NeverRegistered, Owner
from parking.services.remembered import Changed
from parking.services.taken import Position, Rows, Taken
from parking.vocabulary import Mark

__all__ = ["FixBatch", "NeverRegistered", "Position", "Taken", "TerminalFix", "judge_again", "take"]

#: How far before the first late fix a stretch is judged again, so that open episodes are seen whole.
LOOK_BACK = timedelta(hours=2)

_UNBOUND = MARKS.index(Mark.UNBOUND)
_LATE = MARKS.index(Mark.LATE)


def take(session: Session, batch: Sequence[TerminalFix], now: datetime) -> Taken:
    """Store every fix of ``batch`` once, judge the believed ones, write and announce what was found.

    A fix sent again (same terminal, time, serial and item) changes nothing. First what this process
    remembers is relied on, and confirmed in passing; where it is no longer so, or a fix is known already,
    nothing of that stands and the batch is taken again with every row held. Raises NeverRegistered for a
    terminal the park does not know.
    """
    fixes = FixBatch.of(batch)
    if not len(fixes):
        return Taken(0, 0, {})
    try:
        with session.begin_nested():
            rows = Rows.of(fixes, owners.of(session, fixes.phones, trusting=True))
            taken = _take(session, rows, watches.recall(session, rows.ids, trusting=True), now)
            if taken.stored != len(fixes):
                raise Changed("a fix is known already")
            owners.note(session, rows.owners, now)
            return taken
    except Changed:
        return _take_holding(session, fixes, now)


def _take_holding(session: Session, fixes: FixBatch, now: datetime) -> Taken:
    """With the memory of every vehicle locked, always in the same order: nobody comes between."""
    owned = owners.of(session, fixes.phones, trusting=False)
    held = sorted({o.vehicle_id for o in owned if o.vehicle_id})
    known = dict(zip(held, watches.recall(session, held, trusting=False), strict=True))
    rows = Rows.of(*_unknown(session, fixes, owned))
    taken = _take(session, rows, [known[v] for v in rows.ids], now)
    owners.note(session, owned, now)
    return replace(taken, repeated=len(fixes) - taken.stored)


def _take(session: Session, rows: Rows, known: Sequence[watches.Recalled], now: datetime) -> Taken:
    marks = np.full(len(rows.fixes), _UNBOUND, np.int8)
    seen: list[int] = []
    newest = np.full(len(rows.ids), -1, np.int64)
    if rows.ids:
        going = _journeys(session, rows)
        judged = judge_many(ground.current(session), [k.state for k in known], rows.columns(), going, now)
        marks[rows.first :] = judged.marks
        newest = rows.newest(marks)
        headings = np.where(newest < 0, watches.SAME_HEADING, rows.fixes.heading[newest])
        watches.remember(session, rows.ids, known, judged.states, headings.astype(np.int16))
        found = [(rows.ids[n], f, going[n](f.started_at)) for n, f in judged.findings]
        seen = telling.write(session, found, now)
        telling.ask_again(session, _late(rows, marks))
    stored = storing.insert(session, rows.fixes, rows.owners, marks, now)
    return Taken(stored, 0, _counted(marks), tuple(seen), rows, newest)


def _journeys(session: Session, rows: Rows) -> Sequence[JourneyAt]:
    at = rows.fixes.at[rows.first :]
    first, last = instant(int(at.min())), instant(int(at.max()))
    return list(journeys.of_vehicles(session, rows.ids, first, last).values())


def _late(rows: Rows, marks: NDArray[np.int8]) -> dict[int, datetime]:
    """The first late fix of each vehicle that has one."""
    found: dict[int, datetime] = {}
    for row in np.flatnonzero(marks == _LATE).tolist():
        found.setdefault(int(rows.vehicles[row]), instant(int(rows.fixes.at[row])))
    return found


def _counted(marks: NDArray[np.int8]) -> Mapping[Mark, int]:
    counts = Counter(marks[marks > 0].tolist())
    return {mark: n for number, n in counts.items() if (mark := MARKS[number]) is not None}


def judge_again(session: Session, vehicle_id: int, earliest: datetime, now: datetime) -> int:
    """Judge a stretch again after late fixes came in; violations found only now say ``late``.

    The stretch begins LOOK_BACK before the first late fix. Nothing is ever deleted; what goes on is
    remembered as the whole stretch shows it. Returns how many new violations were found. Safe to repeat.
    """
    watch = _hold_watches(session, {vehicle_id})[vehicle_id]
    rows = _stretch(session, vehicle_id, earliest - LOOK_BACK)
    if not rows:
        return 0
    journey_at = journeys.of_vehicles(session, [vehicle_id], rows[0].time, rows[-1].time)[vehicle_id]
    judged = rejudge(ground.current(session), [_fix(r) for r in rows], journey_at, now)
    since = earliest - LOOK_BACK / 2
    seen = [f for f in judged.findings if (f.ended_at or now) >= since]
    new = findings.write(session, vehicle_id, seen, journey_at, now, late=True)
    state = State.from_json(watch.state)
    if state.last is not None and judged.state.last is not None and state.last.at == judged.state.last.at:
        state = revised(state, judged.state, rows[0].time)
        watch.state = state.to_json()
        session.flush()
        findings.end_refuted(session, vehicle_id, state.standing, rows[-1].time, now)
    return new


def _stretch(session: Session, vehicle_id: int, begins: datetime) -> Sequence[FixRow]:
    """The vehicle's fixes from then on, in order, but for those whose time nobody believes."""
    return session.scalars(
        select(FixRow)
        .where(
            FixRow.vehicle_id == vehicle_id,
            FixRow.time >= begins,
            or_(FixRow.mark.is_(None), FixRow.mark.not_in((Mark.FUTURE, Mark.TOO_OLD))),
        )
        .order_by(FixRow.time, FixRow.serial, FixRow.item)
    ).all()


def _hold_watches(session: Session, vehicle_ids: set[int]) -> dict[int, Watch]:
    """Lock what we remember of these vehicles, always in the same order."""
    if not vehicle_ids:
        return {}
    rows = [{"vehicle_id": v, "state": State.new().to_json()} for v in sorted(vehicle_ids)]
    session.execute(insert(Watch).values(rows).on_conflict_do_nothing())
    held = session.scalars(
        select(Watch).where(Watch.vehicle_id.in_(vehicle_ids)).order_by(Watch.vehicle_id).with_for_update()
    )
    return {w.vehicle_id: w for w in held}


_Stem = tuple[int, int, int]
_Said = tuple[float, float, int, int]


def _unknown(session: Session, fixes: FixBatch, owned: Sequence[Owner]) -> tuple[FixBatch, list[Owner]]:
    """What was not stored yet. Another fix with the same key, as a terminal with a standing clock sends
    after a restart, is not the same fix: it gets the next free ``item``."""
    stems: list[_Stem] = list(
        zip(fixes.at.tolist(), [o.terminal_id for o in owned], fixes.serial.tolist(), strict=True)
    )
    said: list[_Said] = list(
        zip(fixes.lon.tolist(), fixes.lat.tolist(), fixes.alarm.tolist(), fixes.status.tolist(), strict=True)
    )
    taken = storing.stored(session, stems)
    item, fresh = fixes.item.copy(), []
    for row, (stem, words) in enumerate(zip(stems, said, strict=True)):
        there, own = taken[stem], int(item[row])
        if there.get(own) == words:
            continue
        if own in there:
            if words in there.values():
                continue
            item[row] = own = max(there) + 1
        there[own] = words
        fresh.append(row)
    rows = np.array(fresh, np.intp)
    return replace(fixes, item=item).taken(rows), [owned[n] for n in fresh]


def _fix(row: FixRow) -> Fix:
    return Fix(
        time=row.time,
        lon=row.lon,
        lat=row.lat,
        speed_kmh=row.speed_kmh,
        heading=row.heading,
        altitude_m=row.altitude_m,
        located=row.located,
        alarm=row.alarm,
        status=row.status,
        backfill=row.backfill,
    )
