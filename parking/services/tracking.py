"""Fixes from the wire: kept, marked, judged, and told, all in the caller's one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from parking.queries import journeys
from parking.rules import evidence
from parking.rules.monitor import JourneyAt, judge_many
from parking.rules.plausibility import MARKS
from parking.rules.states import States
from parking.services import ground, owners, storing, telling, terminal_evidence, watches
from parking.services.fixbatch import FixBatch, TerminalFix, instant
from parking.services.owners import NeverRegistered, Owner
from parking.services.rejudging import judge_again
from parking.services.remembered import Changed
from parking.services.taken import Position, Rows, Taken
from parking.services.terminal_evidence import Reported
from parking.vocabulary import Mark

__all__ = ["FixBatch", "NeverRegistered", "Position", "Taken", "TerminalFix", "judge_again", "take"]

_UNBOUND = MARKS.index(Mark.UNBOUND)
_UNTIMED = [MARKS.index(mark) for mark in (Mark.FUTURE, Mark.TOO_OLD)]


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
    known = watches.recall(session, held, trusting=False)
    rows = Rows.of(*_unknown(session, fixes, owned))
    taken = _take(session, rows, known.taken(np.searchsorted(held, rows.ids)), now)
    owners.note(session, owned, now)
    return replace(taken, repeated=len(fixes) - taken.stored)


def _take(session: Session, rows: Rows, known: watches.Recalled, now: datetime) -> Taken:
    marks = np.full(len(rows.fixes), _UNBOUND, np.int8)
    seen: list[int] = []
    newest = np.full(len(rows.ids), -1, np.int64)
    if rows.ids:
        going = _journeys(session, rows)
        judged = judge_many(ground.current(session), known.states, rows.columns(), going, now)
        marks[rows.first :] = judged.marks
        newest = rows.newest(marks)
        headings = np.where(newest < 0, watches.SAME_HEADING, rows.fixes.heading[newest])
        watches.remember(session, rows.ids, known, judged.states, headings.astype(np.int16))
        found = [(rows.ids[n], f, going[n](f.started_at)) for n, f in judged.findings]
        seen = telling.write(session, found, now)
        telling.ask_again(session, _to_judge_again(rows, marks, known, judged.states))
    stored = storing.insert(session, rows.fixes, rows.owners, marks, now)
    terminal_evidence.note(session, _alarms(rows, marks, now), now)
    return Taken(stored, 0, _counted(marks), tuple(seen), rows, newest)


def _alarms(rows: Rows, marks: NDArray[np.int8], now: datetime) -> list[Reported]:
    """The reports in which a terminal speaks of areas and routes."""
    fixes, found = rows.fixes, []
    for row in np.flatnonzero((fixes.alarm & evidence.MASK) != 0).tolist():
        owner, mark, fix = rows.owners[row], MARKS[int(marks[row])], fixes.fix(row)
        at = now if mark in (Mark.FUTURE, Mark.TOO_OLD) else fix.time
        believed = mark in (None, Mark.LATE)
        found.append(Reported(
            owner.terminal_id, owner.vehicle_id or None, int(fixes.serial[row]), at, fix, fixes.extras[row],
            believed, fixes.items[row],
        ))  # fmt: skip
    return found


def _journeys(session: Session, rows: Rows) -> Sequence[JourneyAt]:
    at = rows.fixes.at[rows.first :]
    first, last = instant(int(at.min())), instant(int(at.max()))
    return list(journeys.of_vehicles(session, rows.ids, first, last).values())


def _to_judge_again(
    rows: Rows, marks: NDArray[np.int8], known: watches.Recalled, states: States
) -> dict[int, datetime]:
    """From when a second judging may find otherwise, per vehicle: the first fix that came after later ones,
    or the drive on which a terminal proved to send GCJ-02."""
    found: dict[int, datetime] = {}
    at = rows.fixes.at[rows.first :]
    heard = known.states.rows["heard"][rows.number]
    late = (at / 1e6 < heard) & ~np.isin(marks[rows.first :], _UNTIMED)
    for row in np.flatnonzero(late).tolist():
        found.setdefault(rows.ids[int(rows.number[row])], instant(int(at[row])))
    for n, state in states.whole.items():
        if state.displaced and not known.states[n].displaced and state.shift is not None:
            vehicle_id, began = rows.ids[n], datetime.fromtimestamp(state.shift.began, UTC)
            found[vehicle_id] = min(began, found.get(vehicle_id, began))
    return found


def _counted(marks: NDArray[np.int8]) -> Mapping[Mark, int]:
    counts = Counter(marks[marks > 0].tolist())
    return {mark: n for number, n in counts.items() if (mark := MARKS[number]) is not None}


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
