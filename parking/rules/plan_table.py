"""The planner's board: who stands where, and for every stay which bays that forbids.

Placing one vehicle updates the rows of all that are in the lot with it, so that the choices of any stay can
be read at once. All costs are whole numbers kept in floats; infinite is forbidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import numpy as np

from parking.rules.plan_problem import NOWHERE, SLACK, Numbers, Places, Problem


class Frame:
    """What of a problem never changes while planning, as arrays. Stays keep their index."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        stays = problem.stays
        self.n, self.m = len(stays), len(problem.bays)
        self.begin = np.array([s.begin for s in stays], dtype=np.int64)
        self.end = np.array([s.end for s in stays], dtype=np.int64)
        self.kind = np.array([s.kind for s in stays], dtype=np.int64)
        self.index = np.array([s.index for s in stays], dtype=np.float64)
        self.fixed = np.array([NOWHERE if s.fixed is None else s.fixed for s in stays], dtype=np.int64)
        self.told = np.array([NOWHERE if s.told is None else s.told for s in stays], dtype=np.int64)
        self.cost = problem.unary()
        self.unplaced = problem.unplaced_cost()
        self.needed = problem.needs[np.ix_(self.kind, self.kind)] if self.n else np.zeros((0, 0))
        zones = sorted({b.zone for b in problem.bays})
        self.zone = np.array([zones.index(b.zone) for b in problem.bays], dtype=np.int64)
        self.zone_limit = np.array([problem.zone_limits.get(z, np.inf) for z in zones])
        self.order = np.lexsort((np.arange(self.n), self.begin))

    @cached_property
    def near(self) -> Mapping[float, list[Places]]:
        """Needed metres → for each bay the bays too near it (itself among them)."""
        levels = [float(d) for d in np.unique(self.problem.needs) if d > 0]
        return {d: [np.flatnonzero(row < d) for row in self.problem.apart] for d in levels}

    @cached_property
    def most(self) -> float:
        """The q/Q sum of the lot if everybody came, at the worst instant."""
        return max((float(self.index[self._there(t)].sum()) for t in self.begin), default=0.0)

    @cached_property
    def meets(self) -> list[Places]:
        """For each stay those that are in the lot with it at some instant."""
        both = (self.begin[:, None] < self.end[None, :]) & (self.begin[None, :] < self.end[:, None])
        np.fill_diagonal(both, False)
        return [np.flatnonzero(row) for row in both]

    @cached_property
    def apart_from(self) -> list[list[tuple[float, Places]]]:
        """For each stay: needed metres, and those met that must keep them."""
        found = []
        for i, met in enumerate(self.meets):
            needed = self.needed[i, met]
            found.append([(d, met[needed == d]) for d in self.near if (needed == d).any()])
        return found

    @cached_property
    def moments(self) -> list[slice]:
        """For each stay the instants (begins of stays, in order) that fall into it."""
        begins = self.begin[self.order]
        first = np.searchsorted(begins, self.begin, "left")
        last = np.searchsorted(begins, self.end, "left")
        return [slice(int(a), int(b)) for a, b in zip(first, last, strict=True)]

    def _there(self, instant: int) -> np.ndarray:
        return (self.begin <= instant) & (instant < self.end)


class Table:
    """A placement that can be changed step by step. Starts with those that stand already."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.at = np.full(frame.n, NOWHERE, dtype=np.int64)
        self.forbidden = np.zeros((frame.n, frame.m), dtype=np.int16)
        self.in_lot = np.zeros(frame.n)
        self.in_zone = np.zeros((len(frame.zone_limit), frame.n))
        for i in np.flatnonzero(frame.fixed != NOWHERE):
            self.put(int(i), int(frame.fixed[i]))

    def put(self, i: int, bay: int) -> None:
        self._change(i, bay, 1)
        self.at[i] = bay

    def take(self, i: int) -> int:
        bay = int(self.at[i])
        self._change(i, bay, -1)
        self.at[i] = NOWHERE
        return bay

    def costs(self, i: int) -> Numbers:
        """What each bay would cost a stay that stands nowhere now; infinite where it may not stand."""
        cost: Numbers = np.where(self.forbidden[i] == 0, self.frame.cost[i], np.inf)
        return cost + self._no_room(i)

    def best(self, i: int) -> tuple[int, float]:
        """The cheapest bay for a stay that stands nowhere now and its cost; ``NOWHERE`` if there is none."""
        cost = self.costs(i)
        bay = int(cost.argmin())
        return (bay, float(cost[bay])) if np.isfinite(cost[bay]) else (NOWHERE, np.inf)

    def cost_of(self, i: int) -> float:
        """What a placed stay costs where it stands."""
        return float(self.frame.cost[i, self.at[i]])

    def rivals(self, i: int, bay: int) -> Places:
        """Placed stays that keep ``i`` out of ``bay``."""
        met = self.frame.meets[i]
        met = met[self.at[met] != NOWHERE]
        there = self.at[met]
        short = self.frame.problem.apart[bay, there] < self.frame.needed[i, met]
        found: Places = met[(there == bay) | short]
        return found

    @property
    def unplaced(self) -> Places:
        return np.flatnonzero(self.at == NOWHERE)

    def total(self) -> tuple[int, float]:
        """Vehicles without a bay, and the weighted rest."""
        placed = np.flatnonzero(self.at != NOWHERE)
        lost = (self.frame.told[self.unplaced] != NOWHERE).sum() * round(self.frame.problem.weights.moved)
        return len(self.unplaced), float(self.frame.cost[placed, self.at[placed]].sum() + lost)

    def _no_room(self, i: int) -> Numbers | float:
        """Infinite for bays of zones (or all) whose q/Q sum the stay would push over its limit."""
        index = self.frame.index[i]
        if index <= 0:
            return 0.0
        when = self.frame.moments[i]
        if self.in_lot[when].max(initial=0.0) + index > self.frame.problem.lot_limit + SLACK:
            return np.inf
        full = self.in_zone[:, when].max(axis=1, initial=0.0) + index > self.frame.zone_limit + SLACK
        return np.where(full, np.inf, 0.0)[self.frame.zone] if full.any() else 0.0

    def _change(self, i: int, bay: int, by: int) -> None:
        frame = self.frame
        self.forbidden[frame.meets[i], bay] += by
        for d, others in frame.apart_from[i]:
            self.forbidden[others[:, None], frame.near[d][bay]] += by
        if frame.index[i] > 0:
            when = frame.moments[i]
            self.in_lot[when] += by * frame.index[i]
            self.in_zone[frame.zone[bay], when] += by * frame.index[i]


def copy_of(frame: Frame, at: Iterable[int]) -> Table:
    """A table with the placement ``at``."""
    table = Table(frame)
    for i, bay in enumerate(at):
        if bay != NOWHERE and frame.fixed[i] == NOWHERE:
            table.put(i, int(bay))
    return table
