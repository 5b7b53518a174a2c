"""Calling forward (叫号): who goes to a dock next, why, and about when. One queue per dock.

The order is one sentence: *who was due first goes first*. A vehicle is due when both its booked window has
begun and it has arrived, so coming early gains nothing and coming late costs only the lateness. Staff may
put one first with a reason, but nobody is passed over for longer than the park's patience.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heapify, heapreplace
from statistics import quantiles

from parking.refused import Reason, no
from parking.rules.policy import Policy
from parking.vocabulary import QueueReason

#: With fewer finished visits than this a dock's own pace is not known yet.
ENOUGH = 5
#: How far the assumed working time may be off, as a share of it.
UNSURE = 0.5


@dataclass(frozen=True, slots=True)
class Waiting:
    """A vehicle in the queue. ``held_back``: what forbids to call it now; it keeps its place."""

    ticket_id: int
    plate: str
    due_at: datetime
    priority: str | None = None
    missed: int = 0
    held_back: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """How long one vehicle keeps a dock: quarter, middle and three quarters of those seen."""

    low: timedelta
    middle: timedelta
    high: timedelta
    measured: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the line: its number from 1, why it is there, and between when and when it is called.

    ``earliest`` and ``latest`` are None while the vehicle is held back: nobody can say.
    """

    ticket: Waiting
    number: int
    why: tuple[Reason, ...]
    earliest: datetime | None
    latest: datetime | None


def due(window_start: datetime, arrived_at: datetime) -> datetime:
    """From when a vehicle's waiting counts: its window has begun and it is here."""
    return max(window_start, arrived_at)


def order(waiting: Iterable[Waiting], now: datetime, policy: Policy) -> list[Waiting]:
    """The line, first to be called first. The same vehicles give the same line, however listed."""
    patience = timedelta(minutes=policy.queue_patience_min)
    return sorted(waiting, key=lambda w: (-_level(w, now, patience), w.due_at, w.missed, w.ticket_id))


def turn(line: Sequence[Waiting]) -> Waiting | None:
    """Whose turn it is: the first in line that may be called now."""
    return next((w for w in line if not w.held_back), None)


def after_miss(
    line: Sequence[Waiting], missing: Waiting, now: datetime, policy: Policy
) -> tuple[datetime, int]:
    """(due, misses) of a vehicle that did not answer: behind the next in line; at the limit, to the end."""
    misses = missing.missed + 1
    if misses >= int(policy.call_missed_max):
        return max([now, *(w.due_at for w in line)]), 0
    behind = [w for w in line if w.ticket_id != missing.ticket_id and not w.held_back]
    return (max(missing.due_at, behind[0].due_at) if behind else missing.due_at), misses


def pace(lasted: Sequence[timedelta], policy: Policy) -> Pace:
    """The pace of a dock from how long its last vehicles kept it; assumed while too few are known."""
    if len(lasted) < ENOUGH:
        assumed = timedelta(minutes=policy.dock_work_min)
        return Pace(assumed * (1 - UNSURE), assumed, assumed * (1 + UNSURE), measured=False)
    low, middle, high = (timedelta(seconds=s) for s in quantiles((t.total_seconds() for t in lasted), n=4))
    return Pace(low, middle, high, measured=True)


def places(
    line: Sequence[Waiting],
    busy_since: Sequence[datetime],
    slots: int,
    speed: Pace,
    now: datetime,
    policy: Policy,
) -> list[Place]:
    """The line with reasons and estimates. ``busy_since``: when each vehicle now at the dock was called."""
    earliest = _starts(line, busy_since, slots, speed.low, now)
    latest = _starts(line, busy_since, slots, speed.high, now)
    return [
        Place(w, i, _why(w, now, policy), earliest.get(w.ticket_id), latest.get(w.ticket_id))
        for i, w in enumerate(line, 1)
    ]


def _starts(
    line: Sequence[Waiting], busy_since: Sequence[datetime], slots: int, each: timedelta, now: datetime
) -> dict[int, datetime]:
    """When each is called if every vehicle takes ``each`` and those held back stay so."""
    free = [max(now, since + each) for since in busy_since]
    free += [now] * max(0, slots - len(free))
    free = sorted(free)[-slots:] if len(free) > slots else free
    heapify(free)
    starts: dict[int, datetime] = {}
    for waiting in line:
        if not waiting.held_back:
            starts[waiting.ticket_id] = free[0]
            heapreplace(free, free[0] + each)
    return starts


def _level(waiting: Waiting, now: datetime, patience: timedelta) -> int:
    if now - waiting.due_at >= patience:
        return 2
    return 1 if waiting.priority else 0


def _why(waiting: Waiting, now: datetime, policy: Policy) -> tuple[Reason, ...]:
    level = _level(waiting, now, timedelta(minutes=policy.queue_patience_min))
    reasons = [no(QueueReason.DUE, due_at=waiting.due_at)]
    if level == 2:
        reasons.insert(0, no(QueueReason.PATIENCE, minutes=int(policy.queue_patience_min)))
    elif level == 1:
        reasons.insert(0, no(QueueReason.PRIORITY, reason=waiting.priority or ""))
    if waiting.missed:
        reasons.append(no(QueueReason.MISSED, count=waiting.missed))
    return (*reasons, *waiting.held_back)
