"""Part of a plan made best by OR-Tools CP-SAT while the rest stands still.

Vehicles of a group (kinds that need the same distances from everybody) are one another's equals for
segregation, so the rule is written once per pair of bays, pair of groups and instant at which a new set of
vehicles is in the lot together, not per pair of vehicles.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from ortools.sat.python import cp_model

from parking.rules.plan_problem import NOWHERE, Places
from parking.rules.plan_table import Frame, Table

#: q/Q sums enter the solver as whole millionths, rounded so that the limit is never passed.
MILLION = 1_000_000
WORKERS = 2
#: Up to so many choices all of segregation is written down at once; else after so many answers broke it.
FEW, PATIENCE = 2_500, 2


@dataclass(frozen=True, slots=True)
class Part:
    """``placed``: (stay, bay) of the vehicles that were free; ``bound``: no way to place them costs less."""

    placed: tuple[tuple[int, int], ...]
    cost: float
    bound: float
    proven: bool


class Model:
    """The free stays of a table (taken out of it before) and the bays each may take."""

    def __init__(self, table: Table, free: Sequence[int], bays: Mapping[int, Sequence[int]]) -> None:
        self.table, self.frame, self.free, self.bays = table, table.frame, list(free), bays
        self.model = cp_model.CpModel()
        self.x: dict[tuple[int, int], cp_model.IntVar] = {}
        self.objective: list[tuple[cp_model.IntVar, int]] = []
        self.groups = groups(self.frame)
        self.held: dict[tuple[int, int, int], cp_model.IntVar | None] = {}
        self.kept_apart: set[tuple[int, int, int, int]] = set()
        self._stays()
        self.cliques = list(cliques(self.frame, self.free))
        self._one_in_a_bay()
        self._room()
        self.model.minimize(sum(w * v for v, w in self.objective))

    def solve(self, seconds: float, hint: Mapping[int, int], seed: int = 1) -> Part | None:
        """The best placement found; ``hint`` is a known one (stay → bay). None: nothing found in time.

        Segregation is written down only where an answer broke it: most pairs of bays never matter.
        """
        until = time.monotonic() + seconds
        for (i, b), v in self.x.items():
            self.model.add_hint(v, hint.get(i) == b)
        bound, rounds = -np.inf, 0
        if len(self.x) <= FEW:
            self._keep_all_apart()
        while (left := until - time.monotonic()) > 0.01:
            solver = cp_model.CpSolver()
            solver.parameters.max_time_in_seconds = left
            solver.parameters.num_workers = WORKERS
            solver.parameters.random_seed = seed
            status = solver.solve(self.model)
            if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
                break
            bound = max(bound, solver.best_objective_bound)
            placed = tuple(k for k, v in self.x.items() if solver.boolean_value(v))
            if not self._keep_apart(placed):
                return Part(placed, solver.objective_value, bound, status == cp_model.OPTIMAL)
            rounds += 1
            if rounds == PATIENCE:
                self._keep_all_apart()
        return Part((), np.inf, bound, False) if np.isfinite(bound) else None

    def _stays(self) -> None:
        for i in self.free:
            costs = self.table.costs(i)
            choices = []
            for b in self.bays[i]:
                if np.isfinite(costs[b]):
                    self.x[i, b] = self.model.new_bool_var("")
                    self.objective.append((self.x[i, b], int(costs[b])))
                    choices.append(self.x[i, b])
            left_out = self.model.new_bool_var("")
            lost = self.frame.problem.weights.moved if self.frame.told[i] != NOWHERE else 0.0
            self.objective.append((left_out, int(self.frame.unplaced + round(lost))))
            self.model.add_exactly_one([*choices, left_out])
        self.by_bay: dict[int, list[int]] = defaultdict(list)
        for i, b in self.x:
            self.by_bay[b].append(i)

    def _one_in_a_bay(self) -> None:
        for b, stays in self.by_bay.items():
            for clique in cliques(self.frame, stays):
                if len(clique) > 1:
                    self.model.add_at_most_one(self.x[i, b] for i in clique)

    def _keep_apart(self, placed: Sequence[tuple[int, int]]) -> bool:
        """Forbid what breaks segregation in ``placed``, for the groups and all day. False: nothing."""
        found = set()
        for (i, b), (j, c) in combinations(placed, 2):
            if self.frame.needed[i, j] > self.frame.problem.apart[b, c] and _meet(self.frame, i, j):
                found |= set(self._around(b, int(self.groups[i]), c, int(self.groups[j])))
        for pair in sorted(found - self.kept_apart):
            self._never_both(*pair)
        self.kept_apart |= found
        return bool(found)

    def _keep_all_apart(self) -> None:
        """Write segregation down for every pair of bays and groups."""
        here = {b: sorted({int(self.groups[i]) for i in stays}) for b, stays in self.by_bay.items()}
        apart = self.frame.problem.apart
        found = {
            (b, a, c, d)
            for b, c in combinations(sorted(here), 2)
            for a in here[b]
            for d in here[c]
            if self._need(a, d) > apart[b, c]
        }
        for pair in sorted(found - self.kept_apart):
            self._never_both(*pair)
        self.kept_apart |= found

    def _around(self, b: int, a: int, c: int, d: int) -> Iterator[tuple[int, int, int, int]]:
        """(bay, group, bay, group) hostile like the given ones, between each bay and all near the other."""
        apart, need = self.frame.problem.apart, self._need(a, d)
        for e in self.by_bay:
            if e != c and apart[e, c] < need and e != b:
                yield (e, a, c, d) if (e, a) < (c, d) else (c, d, e, a)
            if e != b and apart[e, b] < need and e != c:
                yield (b, a, e, d) if (b, a) < (e, d) else (e, d, b, a)
        yield (b, a, c, d) if (b, a) < (c, d) else (c, d, b, a)

    def _never_both(self, b: int, a: int, c: int, d: int) -> None:
        for n, clique in enumerate(self.cliques):
            one, other = self._held(n, clique, b, a), self._held(n, clique, c, d)
            if one is not None and other is not None:
                self.model.add_at_most_one([one, other])

    def _need(self, a: int, d: int) -> float:
        return float(self.frame.problem.needs[a, d])

    def _held(self, n: int, clique: Sequence[int], b: int, group: int) -> cp_model.IntVar | None:
        """True when a vehicle of the group stands in the bay at the n-th instant; None: none ever may."""
        key = (n, b, group)
        if key not in self.held:
            mine = [self.x[i, b] for i in clique if self.groups[i] == group and (i, b) in self.x]
            self.held[key] = mine[0] if mine else None
            if len(mine) > 1:
                held = self.model.new_bool_var("")
                self.model.add_at_most_one([*mine, held.negated()])
                self.held[key] = held
        return self.held[key]

    def _room(self) -> None:
        frame, problem = self.frame, self.frame.problem
        sizes = {i: int(np.ceil(frame.index[i] * MILLION - 1e-3)) for i in self.free}
        for clique in self.cliques:
            heavy = [i for i in clique if sizes[i] > 0]
            if not heavy:
                continue
            zones: dict[int, list[tuple[cp_model.IntVar, int]]] = defaultdict(list)
            for i in heavy:
                for b in self.bays[i]:
                    if (i, b) in self.x:
                        zones[int(frame.zone[b])].append((self.x[i, b], sizes[i]))
            if np.isfinite(problem.lot_limit):
                left = int(
                    (problem.lot_limit + 1e-9 - self._peak(frame, self.table.in_lot, clique)) * MILLION
                )
                self.model.add(sum(s * v for t in zones.values() for v, s in t) <= max(0, left))
            for z, terms in zones.items():
                if np.isfinite(frame.zone_limit[z]):
                    left = int(
                        (frame.zone_limit[z] + 1e-9 - self._peak(frame, self.table.in_zone[z], clique))
                        * MILLION
                    )
                    self.model.add(sum(s * v for v, s in terms) <= max(0, left))

    def _peak(self, frame: Frame, load: np.ndarray, clique: Sequence[int]) -> float:
        """The most that others put there while the whole clique is in the lot."""
        first = max(frame.moments[i].start for i in clique)
        last = min(frame.moments[i].stop for i in clique)
        return float(load[first:last].max(initial=0.0))


def _meet(frame: Frame, i: int, j: int) -> bool:
    return bool(frame.begin[i] < frame.end[j] and frame.begin[j] < frame.end[i])


def groups(frame: Frame) -> Places:
    """The group of each stay: kinds whose needs agree with everybody, named by their first kind."""
    needs = frame.problem.needs
    first = [next(k for k in range(len(needs)) if np.array_equal(needs[k], row)) for row in needs]
    return np.array([first[k] for k in frame.kind], dtype=np.int64)


def cliques(frame: Frame, stays: Sequence[int]) -> Iterator[list[int]]:
    """The largest sets of stays that are in the lot together at an instant."""
    there: list[int] = []
    grown = False
    events = sorted([(int(frame.begin[i]), 1, i) for i in stays] + [(int(frame.end[i]), 0, i) for i in stays])
    for _, begins, i in events:
        if begins:
            there.append(i)
            grown = True
        else:
            if grown:
                yield list(there)
            grown = False
            there.remove(i)
