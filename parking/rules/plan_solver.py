"""Part of a plan made best by OR-Tools CP-SAT while the rest stands still.

Vehicles of a group (kinds that need the same distances from everybody) are one another's equals for
segregation, so the rule is written once per pair of bays, pair of groups and instant at which a new set of
vehicles is in the lot together, not per pair of vehicles.
"""

from __future__ import annotations

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
        self._stays()
        self.cliques = list(cliques(self.frame, self.free))
        self._one_in_a_bay()
        self._keep_apart()
        self._room()
        self.model.minimize(sum(w * v for v, w in self.objective))

    def solve(self, seconds: float, hint: Mapping[int, int], workers: int = 2, seed: int = 1, log: bool = False) -> Part | None:
        for (i, b), v in self.x.items():
            self.model.add_hint(v, hint.get(i) == b)
        solver = cp_model.CpSolver()
        solver.parameters.max_time_in_seconds = max(0.05, seconds)
        solver.parameters.num_workers = workers
        solver.parameters.random_seed = seed
        solver.parameters.log_search_progress = log
        status = solver.solve(self.model)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None
        placed = tuple(k for k, v in self.x.items() if solver.boolean_value(v))
        return Part(
            placed, solver.objective_value, solver.best_objective_bound, status == cp_model.OPTIMAL
        )

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

    def _keep_apart(self) -> None:
        """A bay is given to one group at an instant; bays too near each other not to hostile groups."""
        pairs = [
            (b, c, a, d)
            for b, c in combinations(sorted(self.by_bay), 2)
            for a, d in self._hostile(b, c)
        ]
        for n, clique in enumerate(self.cliques):
            held: dict[tuple[int, int], cp_model.IntVar | None] = {}
            for b, c, a, d in pairs:
                one, other = self._held(held, clique, b, a), self._held(held, clique, c, d)
                if one is not None and other is not None:
                    self.model.add_at_most_one([one, other])

    def _hostile(self, b: int, c: int) -> Iterator[tuple[int, int]]:
        apart = self.frame.problem.apart[b, c]
        for a in {self.groups[i] for i in self.by_bay[b]}:
            for d in {self.groups[i] for i in self.by_bay[c]}:
                if self._need(a, d) > apart:
                    yield a, d

    def _need(self, a: int, d: int) -> float:
        return float(self.frame.problem.needs[a, d])

    def _held(self, held, clique, b: int, group: int):  # type: ignore[no-untyped-def]
        if (b, group) not in held:
            lits = [self.x[i, b] for i in clique if self.groups[i] == group and (i, b) in self.x]
            if len(lits) > 1:
                v = self.model.new_bool_var("")
                self.model.add_at_most_one([*lits, v.negated()])
                held[b, group] = v
            else:
                held[b, group] = lits[0] if lits else None
        return held[b, group]

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
                left = int((problem.lot_limit + 1e-9 - self._peak(frame, self.table.in_lot, clique)) * MILLION)
                self.model.add(sum(s * v for t in zones.values() for v, s in t) <= max(0, left))
            for z, terms in zones.items():
                if np.isfinite(frame.zone_limit[z]):
                    left = int((frame.zone_limit[z] + 1e-9 - self._peak(frame, self.table.in_zone[z], clique)) * MILLION)
                    self.model.add(sum(s * v for v, s in terms) <= max(0, left))

    def _peak(self, frame: Frame, load: np.ndarray, clique: Sequence[int]) -> float:
        """The most that others put there while the whole clique is in the lot."""
        first = max(frame.moments[i].start for i in clique)
        last = min(frame.moments[i].stop for i in clique)
        return float(load[first:last].max(initial=0.0))


def groups(frame: Frame) -> Places:
    """The group of each stay: kinds whose needs agree with everybody, named by their first kind."""
    needs = frame.problem.needs
    first = [next(k for k in range(len(needs)) if np.array_equal(needs[k], row)) for row in needs]
    return np.array([first[k] for k in frame.kind], dtype=np.int64)


def cliques(frame: Frame, stays: Sequence[int]) -> Iterator[list[int]]:
    """The largest sets of stays that are in the lot together at an instant."""
    there: list[int] = []
    grown = False
    events = sorted(
        [(int(frame.begin[i]), 1, i) for i in stays] + [(int(frame.end[i]), 0, i) for i in stays]
    )
    for _, begins, i in events:
        if begins:
            there.append(i)
            grown = True
        else:
            if grown:
                yield list(there)
            grown = False
            there.remove(i)
