"""Plans made at once: the two ways a dispatcher works by hand, and the improvement of any plan.

``first_come`` and ``nearest`` are what plans are measured against; both keep told drivers where they are.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable

import numpy as np

from parking.rules.plan_problem import NOWHERE
from parking.rules.plan_table import Frame, Table

#: How many vehicles one is allowed to push aside to get a better place itself.
PUSHED = 3


def first_come(frame: Frame) -> Table:
    """Whoever comes first gets the first bay, in the order of the lot, that the rules allow."""
    return _by_arrival(frame, lambda table, i: _first(table.costs(i)))


def nearest(frame: Frame) -> Table:
    """Whoever comes first gets the allowed bay with the shortest way."""

    def choose(table: Table, i: int) -> int:
        way = np.where(np.isfinite(table.costs(i)), frame.problem.metres[i], np.inf)
        return _first_least(way)

    return _by_arrival(frame, choose)


def cheapest(frame: Frame, order: Iterable[int]) -> Table:
    """Told drivers first, then in the given order, each to the bay that costs least by every weight."""
    table = _told(frame)
    for i in order:
        if table.at[i] == NOWHERE:
            put_best(table, int(i))
    return table


def put_best(table: Table, i: int) -> bool:
    bay, _ = table.best(i)
    if bay != NOWHERE:
        table.put(i, bay)
    return bay != NOWHERE


def hardest_first(frame: Frame) -> list[int]:
    """Stays in an order that lets those with few bays choose before those with many."""
    choices = np.isfinite(frame.cost).sum(axis=1)
    return [int(i) for i in np.lexsort((frame.begin, choices))]


def improve(table: Table, until: float, luck: random.Random) -> None:
    """Move single vehicles and chains of two until nothing gets better or the clock (monotonic) says stop."""
    while time.monotonic() < until:
        before = table.total()
        _relocate(table, until, luck)
        _push_in(table, until, luck)
        if table.total() >= before:
            return


def _by_arrival(frame: Frame, choose: Callable[[Table, int], int]) -> Table:
    table = _told(frame)
    for i in frame.order:
        if table.at[i] == NOWHERE:
            bay = choose(table, int(i))
            if bay != NOWHERE:
                table.put(int(i), bay)
    return table


def _told(frame: Frame) -> Table:
    table = Table(frame)
    for i in frame.order:
        told = int(frame.told[i])
        if table.at[i] == NOWHERE and told != NOWHERE and np.isfinite(table.costs(int(i))[told]):
            table.put(int(i), told)
    return table


def _first(costs: np.ndarray) -> int:
    free = np.flatnonzero(np.isfinite(costs))
    return int(free[0]) if len(free) else NOWHERE


def _first_least(way: np.ndarray) -> int:
    bay = int(way.argmin())
    return bay if np.isfinite(way[bay]) else NOWHERE


def _movable(table: Table, luck: random.Random) -> list[int]:
    stays = [int(i) for i in np.flatnonzero(table.frame.fixed == NOWHERE)]
    luck.shuffle(stays)
    return stays


def _relocate(table: Table, until: float, luck: random.Random) -> None:
    """Each vehicle to the bay that is cheapest as the others stand."""
    for i in _movable(table, luck):
        if time.monotonic() > until:
            return
        if table.at[i] == NOWHERE:
            put_best(table, i)
            continue
        now, lowest = table.cost_of(i), table.frame.cost[i].min()
        if now <= lowest:
            continue
        bay = table.take(i)
        better, cost = table.best(i)
        table.put(i, better if cost < now else bay)


def _push_in(table: Table, until: float, luck: random.Random) -> None:
    """A vehicle takes a cheaper bay and those in its way find another, if all together gain."""
    for i in _movable(table, luck):
        if time.monotonic() > until:
            return
        now = table.cost_of(i) if table.at[i] != NOWHERE else table.frame.unplaced
        for bay in _wanted(table, i, now):
            if _try(table, i, int(bay), now):
                break


def _wanted(table: Table, i: int, now: float) -> Iterable[int]:
    cost = table.frame.cost[i]
    better = np.flatnonzero(cost < now)
    return [int(b) for b in better[np.argsort(cost[better], kind="stable")][:25]]


def _try(table: Table, i: int, bay: int, now: float) -> bool:
    """Put ``i`` into ``bay``, its rivals elsewhere; undo it all unless it is cheaper."""
    rivals = [int(k) for k in table.rivals(i, bay) if k != i]
    if len(rivals) > PUSHED or any(table.frame.fixed[k] != NOWHERE for k in rivals):
        return False
    done: list[tuple[int, int]] = []
    gain = now
    if table.at[i] != NOWHERE:
        done.append((i, table.take(i)))
    for k in rivals:
        gain += table.cost_of(k)
        done.append((k, table.take(k)))
    for k, wish in [
        (i, bay),
        *((k, NOWHERE) for k in sorted(rivals, key=lambda r: -len(table.frame.meets[r]))),
    ]:
        costs = table.costs(k)
        to = wish if wish != NOWHERE else int(costs.argmin())
        gain -= costs[to]
        if gain <= 0:
            break
        table.put(k, to)
    else:
        return True
    _undo(table, [i, *rivals], done)
    return False


def _undo(table: Table, touched: Iterable[int], before: Iterable[tuple[int, int]]) -> None:
    for k in touched:
        if table.at[k] != NOWHERE:
            table.take(k)
    for k, bay in reversed(list(before)):
        table.put(k, bay)
