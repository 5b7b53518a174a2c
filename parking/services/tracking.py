"""Fixes from the wire: kept, marked, judged, and told, all in the caller's one transaction."""

from __future__ import annotations

import contextlib
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
from parking.services import (
    ground,
    owners,
    repeats,
    storing,
    telling,
    terminal_evidence,
    terminal_watch,
    watches,
)
from parking.services.fixbatch import FixBatch, TerminalFix, instant
from parking.services.owners import NeverRegistered
from parking.services.rejudging import judge_again
from parking.services.remembered import Changed
from parking.services.taken import Position, Rows, Taken
from parking.services.terminal_evidence import Reported
from parking.vocabulary import Mark

__all__ = ["FixBatch", "NeverRegistered", "Position", "Taken", "TerminalFix", "judge_again", "take"]

_UNBOUND = MARKS.index(Mark.UNBOUND)
_ELSEWHERE = [MARKS.index(mark) for mark in terminal_watch.ELSEWHERE]
#: A vehicle last believed to be here longer ago than this may be elsewhere, seconds (assumption).
ELSEWHERE_WITHIN_S = 3600.0
_UNTIMED = [MARKS.index(mark) for mark in (Mark.FUTURE, Mark.TOO_OLD)]


def take(session: Session, batch: Sequence[TerminalFix], now: datetime) -> Taken:
    """Store every fix of ``batch`` once, judge the believed ones, write and announce what was found.

    A fix sent again (same terminal, time, serial, item and words) changes nothing. First what this process
    remembers is relied on, and confirmed in passing; where it is no longer so, or a fix is known already
    that was taken for new, nothing of that stands and the batch is taken again with every row held. Raises
    NeverRegistered for a terminal the park does not know, Changed where others always came between.
    """
    sent = FixBatch.of(batch)
    if not len(sent):
        return Taken(0, 0, {})
    taken = _settled(session, repeats.once(sent), now)
    repeated = len(sent) - taken.stored
    repeats.met(session, repeated)
    return replace(taken, repeated=repeated)


def _settled(session: Session, fixes: FixBatch, now: datetime) -> Taken:
    for taking in _WAYS:
        with contextlib.suppress(Changed), session.begin_nested():
            return taking(session, fixes, now)
    raise Changed("others always came between")


def _take_trusting(session: Session, fixes: FixBatch, now: datetime) -> Taken:
    """Raises Changed where another was at work, or a fix is known already and none was expected to be."""
    owned = owners.of(session, fixes.phones, trusting=True)
    fresh, theirs = fixes, owned
    if repeats.expected(session):
        fresh, theirs = repeats.unknown(session, fixes, owned)
    rows = Rows.of(fresh, theirs)
    taken = _take(session, rows, watches.recall(session, rows.ids, trusting=True), now)
    owners.note(session, owned, now)
    return _whole(taken, rows)


def _take_holding(session: Session, fixes: FixBatch, now: datetime) -> Taken:
    """With the memory of every vehicle locked, always in the same order: nobody comes between, but to
    terminals without a vehicle (then Changed is raised).

    What was remembered in what has just been undone is forgotten: a vehicle of which nothing is new here
    would keep it, and undo the next batch as well.
    """
    owned = owners.of(session, fixes.phones, trusting=False)
    held = sorted({o.vehicle_id for o in owned if o.vehicle_id})
    watches.forget(session, held)
    known = watches.recall(session, held, trusting=False)
    rows = Rows.of(*repeats.unknown(session, fixes, owned))
    taken = _take(session, rows, known.taken(np.searchsorted(held, rows.ids)), now)
    owners.note(session, owned, now)
    return _whole(taken, rows)


#: Each is tried when the one before was undone.
_WAYS = (_take_trusting, _take_holding, _take_holding, _take_holding)


def _whole(taken: Taken, rows: Rows) -> Taken:
    if taken.stored != len(rows.fixes):
        raise Changed("a fix is known already")
    return taken


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
        terminal_watch.seen_elsewhere(session, _elsewhere(rows, marks, judged.states), now)
    stored = storing.insert(session, rows.fixes, rows.owners, marks, now)
    terminal_evidence.note(session, _alarms(rows, marks, now), now)
    return Taken(stored, 0, _counted(marks), tuple(seen), rows, newest)


def _elsewhere(rows: Rows, marks: NDArray[np.int8], states: States) -> list[int]:
    """Terminals, ascending, that say to be elsewhere than their vehicle was shortly before or after."""
    own = marks[rows.first :]
    last = states.rows["at"][rows.number]
    near = np.abs(rows.fixes.at[rows.first :] / 1e6 - last) <= ELSEWHERE_WITHIN_S
    odd = rows.first + np.flatnonzero(near & np.isin(own, _ELSEWHERE))
    return sorted({rows.owners[row].terminal_id for row in odd.tolist()})


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
