"""How many vehicles a part of the day can hold at most, segregation included.

At one instant only the groups matter, not the vehicles: the most bays that can be given to hostile groups at
once follows from the drawing alone and is the same all day. Each such number is a cut: the vehicles of those
groups that are in the lot together never exceed it. A small integer programme over "comes or does not come"
then says how many must be left out. Vehicles may change bays at will in it, so the truth can only be worse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
from ortools.sat.python import cp_model

from parking.rules.plan_solver import cliques, groups
from parking.rules.plan_table import Frame, Table

#: How much one group counts against the other in a cut.
RATIOS = ((1, 1), (2, 1), (1, 2), (3, 1), (1, 3))


def least_unplaced(frame: Frame, standing: Table, stays: Sequence[int], seconds: float) -> int:
    """No plan leaves fewer of ``stays`` without a bay."""
    of = groups(frame)
    open_to: dict[int, np.ndarray] = {}
    for i in stays:
        mask = np.isfinite(standing.costs(i))
        open_to[int(of[i])] = open_to.get(int(of[i]), np.zeros(frame.m, dtype=bool)) | mask
    model = cp_model.CpModel()
    comes = {i: model.new_bool_var("") for i in stays}
    for i in stays:
        if not np.isfinite(standing.costs(i)).any():
            model.add(comes[i] == 0)
    cuts = list(_cuts(frame, open_to, seconds / 2))
    for clique in cliques(frame, stays):
        for weights, most in cuts:
            terms = [(weights[int(of[i])], comes[i]) for i in clique if int(of[i]) in weights]
            if sum(w for w, _ in terms) > most:
                model.add(sum(w * v for w, v in terms) <= most)
    model.maximize(sum(comes.values()))
    solver = _solver(seconds / 2)
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return 0
    return max(0, len(stays) - int(np.floor(solver.best_objective_bound + 1e-6)))


def _cuts(
    frame: Frame, open_to: Mapping[int, np.ndarray], seconds: float
) -> Iterator[tuple[dict[int, int], int]]:
    names = sorted(open_to)
    asked = [dict.fromkeys(some, 1) for n in range(1, len(names) + 1) for some in combinations(names, n)][:32]
    asked += [
        {a: p, b: q}
        for a, b in combinations(names, 2)
        if frame.problem.needs[a, b] > 0
        for p, q in RATIOS[1:]
    ]
    for weights in asked:
        if _tell_apart(frame, weights, open_to):
            yield weights, _most(frame, weights, open_to, max(0.2, seconds / len(asked)))
        else:
            union = np.any([open_to[g] for g in weights], axis=0)
            yield weights, int(union.sum()) * max(weights.values())


def _tell_apart(frame: Frame, weights: Iterable[int], open_to: Mapping[int, np.ndarray]) -> bool:
    return any(frame.problem.needs[a, b] > 0 for a, b in combinations(sorted(weights), 2))


def _most(frame: Frame, weights: Mapping[int, int], open_to: Mapping[int, np.ndarray], seconds: float) -> int:
    """The most weight the drawing holds at one instant."""
    model = cp_model.CpModel()
    given: dict[tuple[int, int], cp_model.IntVar] = {}
    for g in weights:
        for b in np.flatnonzero(open_to[g]):
            given[int(b), g] = model.new_bool_var("")
    for bay in {b for b, _ in given}:
        model.add_at_most_one(given[bay, g] for g in weights if (bay, g) in given)
    for (one, g), v in given.items():
        for (other, h), w in given.items():
            if one != other and g < h and frame.problem.apart[one, other] < frame.problem.needs[g, h]:
                model.add_at_most_one([v, w])
    model.maximize(sum(weights[g] * v for (_, g), v in given.items()))
    solver = _solver(seconds)
    solver.solve(model)
    return int(np.floor(solver.best_objective_bound + 1e-6))


def _solver(seconds: float) -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = 2
    solver.parameters.random_seed = 1
    return solver
