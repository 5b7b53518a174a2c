"""The best plan for a whole day: a good one at once, improved until it is proven best or the time is up.

How: the day falls into parts that cannot disturb each other (``plan_parts``). For each part the best of
several plans made at once is taken (``plan_greedy``, ``plan_zoning``), so no part is ever worse than either
way of working by hand. A bound says what no plan can beat (``plan_bound``, ``plan_count``); bays that cannot
belong to a better plan are struck out by it, and CP-SAT (``plan_solver``) finds the best of what is left,
whole parts where they are small enough, neighbourhoods of a large one otherwise. An independent check
(``plan_check``) reads every plan before it is shown.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from parking.rules import plan_bound, plan_check, plan_count, plan_greedy, plan_parts, plan_zoning
from parking.rules.plan_problem import NOWHERE, Mask, Numbers, Places, Problem, Worth
from parking.rules.plan_solver import Model
from parking.rules.plan_table import Frame, Table, copy_of

#: A part with more (stay, bay) choices than this is improved piece by piece instead of at one go.
WHOLE = 12_000
#: Stays set free at a time when a large part is improved, and bays each may then choose from.
FREED, CHOICES = 45, 40
#: Up to so many stays no first, rough bound is needed: the sharp one comes soon enough.
FEW = 400
#: A part that leaves vehicles out is solved at one go only up to so many choices.
FEW_CHOICES = 3_000


@dataclass(frozen=True, slots=True)
class Why:
    """Why a stay has no bay: of the bays it may take, how many are taken or too near others; no room left."""

    stay: int
    suited: int
    taken: int
    near: int
    full: int


@dataclass(frozen=True, slots=True)
class Plan:
    """``at[i]``: bay of stay ``i`` (index, ``NOWHERE``). ``least``: no plan is worth less. Times in s."""

    at: tuple[int, ...]
    worth: Worth
    least: Worth
    proven: bool
    seconds: float
    why: tuple[Why, ...] = ()

    @property
    def gap(self) -> float:
        """How far from the best at most: of all vehicles those another plan might place, else of the rest."""
        if self.more:
            return self.more / len(self.at)
        if self.proven or self.worth.rest <= 0:
            return 0.0
        return max(0.0, (self.worth.rest - self.least.rest) / self.worth.rest)

    @property
    def more(self) -> int:
        """How many more vehicles another plan might place, at most."""
        return 0 if self.proven else self.worth.unplaced - self.least.unplaced


Told = Callable[[Plan], None]


@dataclass(slots=True, eq=False)
class Part:
    """Stays that no other part disturbs: where they stand, and what no plan of theirs can beat."""

    stays: list[int]
    at: Places
    unplaced: int
    rest: float
    least_unplaced: int = 0
    least_rest: float = 0.0
    extra: Numbers | None = None
    tried: int = field(default=0)

    @property
    def proven(self) -> bool:
        return self.unplaced <= self.least_unplaced and self.rest - self.least_rest < 0.999

    @property
    def open(self) -> float:
        """How far it may be from the best; vehicles outweigh everything."""
        return (self.unplaced - self.least_unplaced) * 1e9 + self.rest - self.least_rest


def plan(problem: Problem, budget_s: float, on_better: Told | None = None, seed: int = 1) -> Plan:
    """Plan the day within ``budget_s`` seconds; ``on_better`` hears of better plans, once a second.

    Raises plan_check.NotAPlan should the planner ever contradict the independent check.
    """
    return Planner(problem, budget_s, on_better, seed).run()


class Planner:
    """One run. ``self.parts`` hold what is known; everything else follows from them."""

    def __init__(self, problem: Problem, budget_s: float, on_better: Told | None, seed: int) -> None:
        self.begun = time.monotonic()
        self.end = self.begun + budget_s
        self.on_better, self.told_at = on_better, 0.0
        self.luck = random.Random(seed)  # noqa: S311 - a search, no secret
        self.problem, self.frame = problem, Frame(problem)
        self.standing = Table(self.frame)
        self.parts: list[Part] = []

    def run(self) -> Plan:
        self.parts = self._start()
        self._tell(always=True)
        if not self._left():
            return self.result(whole=True)
        if self.frame.n > FEW:
            self._big()
        for part in self.parts:
            self._settle(part)
            self._tell()
        self._refine(self.end)
        return self.result(whole=True)

    def result(self, whole: bool = False) -> Plan:
        """The plan as it stands now, checked."""
        at = self._at()
        proven = all(p.proven for p in self.parts)
        worth = plan_check.worth(self.problem, at)
        fixed = sum(p.least_rest for p in self.parts)
        least = worth if proven else Worth(sum(p.least_unplaced for p in self.parts), fixed)
        why = tuple(self._why(at)) if whole else ()
        return Plan(at, worth, least, proven, time.monotonic() - self.begun, why)

    def _big(self) -> None:
        """Of a big day first a rough bound everywhere; then whoever has no bay comes before all polish."""
        for part in self.parts:
            self._bound(part, time.monotonic() + self._left() / 10, rounds=150)
            self._count(part, self._left() / 10)
        self._refine(time.monotonic() + self._left() / 2, without=True)

    # -- a good plan at once ---------------------------------------------------------------------------

    def _start(self) -> list[Part]:
        frame = self.frame
        tables = [plan_greedy.first_come(frame), plan_greedy.nearest(frame)]
        tables += [
            plan_greedy.cheapest(frame, order)
            for order in (frame.order.tolist(), plan_greedy.hardest_first(frame))
        ]
        found = []
        for stays in plan_parts.parts(frame, self.standing):
            part = self._best_of(stays, tables)
            if part.unplaced:
                zoned = Table(frame)
                plan_zoning.zoned(frame, zoned, part.stays, 1.0)
                part = min(part, self._as_part(stays, zoned), key=lambda p: (p.unplaced, p.rest))
            found.append(part)
        return found

    def _best_of(self, stays: Places, tables: Sequence[Table]) -> Part:
        return min((self._as_part(stays, t) for t in tables), key=lambda p: (p.unplaced, p.rest))

    def _as_part(self, stays: Places, table: Table) -> Part:
        at = table.at[stays].copy()
        return Part([int(i) for i in stays], at, *self._worth(stays, at))

    def _worth(self, stays: Sequence[int] | Places, at: Places) -> tuple[int, float]:
        there = at != NOWHERE
        rows = np.asarray(stays)
        lost = (self.frame.told[rows[~there]] != NOWHERE).sum() * round(self.problem.weights.moved)
        return int((~there).sum()), float(self.frame.cost[rows[there], at[there]].sum() + lost)

    # -- one part -----------------------------------------------------------------------------------------

    def _settle(self, part: Part) -> None:
        """Bound a part, improve it, and prove it where it is small enough."""
        if part.proven:
            return
        share = self._left() / max(1, sum(not p.proven for p in self.parts))
        until = time.monotonic() + share
        table = self._only(part)
        self._count(part, share / 4)
        plan_greedy.improve(table, time.monotonic() + min(len(part.stays) / 500, share / 4), self.luck)
        self._take(part, table.at[part.stays])
        if not part.proven:
            self._bound(part, time.monotonic() + share / 4)
        for share_of_gap in (0.1, 1.0):
            left = min(until - time.monotonic(), self._left() / (3 if self.frame.n <= FEW else 8))
            if not part.proven and left > 0:
                self._whole(part, left, 1.0 if part.unplaced else share_of_gap)

    def _count(self, part: Part, seconds: float) -> None:
        """How many vehicles of the part must stay without a bay, whatever the plan."""
        if part.unplaced > part.least_unplaced:
            least = plan_count.least_unplaced(self.frame, self.standing, part.stays, min(4.0, seconds))
            part.least_unplaced = max(part.least_unplaced, least)

    def _bound(self, part: Part, until: float, rounds: int = 400) -> None:
        cost = np.array([self.standing.costs(i) for i in part.stays])
        left_out = float(cost[np.isfinite(cost)].max(initial=0.0)) + 1
        if part.unplaced:
            left_out += round(self.problem.weights.moved)
        rows = np.array(part.stays)
        known = part.rest + left_out * part.unplaced
        found = plan_bound.bound(
            self.frame.begin[rows], self.frame.end[rows], cost, left_out, known, until, rounds
        )
        value = np.ceil(found.value - 1e-3) - left_out * part.least_unplaced
        part.least_rest = max(part.least_rest, float(value))
        part.extra = found.extra + found.value

    def _open(self, part: Part, share: float) -> Mask:
        """Which (stay, bay) may belong to a plan that closes at least ``1 - share`` of the gap."""
        cost = np.array([self.standing.costs(i) for i in part.stays])
        if part.unplaced or part.extra is None:
            return cost < np.inf  # who places one vehicle more may pay for it anywhere
        allowed = part.least_rest + share * (part.rest - part.least_rest) - 0.5
        may: Mask = (cost < np.inf) & (part.extra <= max(allowed, part.least_rest + 0.5))
        return may

    def _whole(self, part: Part, seconds: float, share: float) -> None:
        """The whole part by CP-SAT with few enough bays; ``share`` 1 leaves out none that could help."""
        possible = self._open(part, share)
        if possible.sum() > (FEW_CHOICES if part.unplaced else WHOLE):
            return
        table = Table(self.frame)
        bays = {i: np.flatnonzero(possible[k]).tolist() for k, i in enumerate(part.stays)}
        for k, i in enumerate(part.stays):
            if part.at[k] != NOWHERE and part.at[k] not in bays[i]:
                bays[i].append(int(part.at[k]))
        hint = dict(zip(part.stays, part.at.tolist(), strict=True))
        begun = time.monotonic()
        model = Model(table, part.stays, bays)
        answer = model.solve(seconds - (time.monotonic() - begun), hint)
        if answer is None:
            return
        if answer.placed:
            self._take(part, _places(part.stays, answer.placed))
        if share >= 1:
            self._learn(part, answer.cost if answer.proven else min(answer.bound, part.rest))

    def _learn(self, part: Part, bound: float) -> None:
        """What a bound on the part's whole cost says of vehicles and of the rest."""
        lost = int(max(0.0, bound + 0.5) // self.frame.unplaced)
        part.least_unplaced = max(part.least_unplaced, lost)
        if lost == part.least_unplaced:
            part.least_rest = max(part.least_rest, np.ceil(bound - 1e-3) - lost * self.frame.unplaced)

    def _take(self, part: Part, at: Places) -> bool:
        unplaced, rest = self._worth(part.stays, at)
        if (unplaced, rest) >= (part.unplaced, part.rest):
            return False
        part.at, part.unplaced, part.rest = at.copy(), unplaced, rest
        return True

    # -- large parts, piece by piece -------------------------------------------------------------------------

    def _refine(self, until: float, without: bool = False) -> None:
        """Piece by piece until ``until``; ``without``: only parts that leave out more than they must."""
        tables = {id(p): self._only(p) for p in self.parts if not p.proven}
        while min(self._left(), until - time.monotonic()) > 0.3:
            open_parts = [p for p in self.parts if not p.proven]
            if without:
                open_parts = [p for p in open_parts if p.unplaced > p.least_unplaced]
            if not open_parts:
                return
            part = min(open_parts, key=lambda p: p.tried / max(1.0, min(p.open, 1e6)) ** 0.5)
            part.tried += 1
            if self._piece(part, tables[id(part)]):
                self._tell()

    def _piece(self, part: Part, table: Table) -> bool:
        free = self._neighbours(part, table)
        before = {i: int(table.at[i]) for i in free}
        for i in free:
            if table.at[i] != NOWHERE:
                table.take(i)
        bays = {i: self._some_bays(table, i, before[i]) for i in free}
        answer = Model(table, free, bays).solve(min(1.5, self._left()), before, seed=part.tried)
        placed = (
            dict(answer.placed)
            if answer and answer.cost < np.inf
            else {i: b for i, b in before.items() if b != NOWHERE}
        )
        for i, b in placed.items():
            table.put(i, b)
        return self._take(part, table.at[part.stays])

    def _some_bays(self, table: Table, i: int, now: int) -> list[int]:
        costs = table.costs(i)
        order = np.argsort(costs, kind="stable")[:CHOICES]
        return list({int(b) for b in order if np.isfinite(costs[b])} | ({now} - {NOWHERE}))

    def _neighbours(self, part: Part, table: Table) -> list[int]:
        """Stays near one of the part, in time or by their bays, and those without a bay or sent elsewhere."""
        told = self.frame.told
        lost = [i for i in part.stays if table.at[i] == NOWHERE or told[i] not in (NOWHERE, table.at[i])]
        anchor = self.luck.choice(lost if lost and self.luck.random() < 0.7 else part.stays)
        rows = np.array(part.stays)
        apart = np.abs(
            self.frame.begin[rows] + self.frame.end[rows] - self.frame.begin[anchor] - self.frame.end[anchor]
        )
        if table.at[anchor] != NOWHERE and self.luck.random() < 0.5:
            there = table.at[rows]
            metres = self.problem.apart[table.at[anchor]][there]
            apart = np.where(there == NOWHERE, apart.mean(), metres * (1 + self.luck.random()))
        jitter = np.array([0.5 + self.luck.random() for _ in rows])
        chosen = {int(i) for i in rows[np.argsort(apart * jitter, kind="stable")[:FREED]]}
        return sorted({anchor, *chosen, *self.luck.sample(lost, min(5, len(lost)))})

    # -- telling --------------------------------------------------------------------------------------

    def _only(self, part: Part) -> Table:
        at = np.full(self.frame.n, NOWHERE)
        at[part.stays] = part.at
        return copy_of(self.frame, at)

    def _at(self) -> tuple[int, ...]:
        at = self.frame.fixed.copy()
        for part in self.parts:
            at[part.stays] = part.at
        return tuple(int(b) for b in at)

    def _tell(self, always: bool = False) -> None:
        now = time.monotonic()
        if self.on_better and (always or now - self.told_at > 1.0):
            self.told_at = now
            self.on_better(self.result())

    def _left(self) -> float:
        return max(0.0, self.end - time.monotonic())

    def _why(self, at: Sequence[int]) -> Iterator[Why]:
        table = copy_of(self.frame, at)
        for i in np.flatnonzero(np.array(at, dtype=np.int64) == NOWHERE) if len(at) else []:
            yield why(table, int(i))


def why(table: Table, i: int) -> Why:
    """Count what keeps a stay out of each bay it may take: someone in it, someone near it, or the q/Q sum."""
    suited = np.flatnonzero(np.isfinite(table.frame.cost[i]))
    met = table.frame.meets[i]
    taken = set(table.at[met].tolist()) - {NOWHERE}
    near = [int(b) for b in suited if table.forbidden[i, b] and int(b) not in taken]
    full = [b for b in suited if not table.forbidden[i, b] and not np.isfinite(table.costs(i)[b])]
    return Why(i, len(suited), len(taken & set(suited.tolist())), len(near), len(full))


def _places(stays: Sequence[int], placed: Sequence[tuple[int, int]]) -> Places:
    where = dict(placed)
    return np.array([where.get(i, NOWHERE) for i in stays], dtype=np.int64)


__all__ = ["NOWHERE", "Plan", "Planner", "Why", "plan", "why"]
