"""A first plan that thinks of neighbours before vehicles: which bays are kept for which loads all day.

Greedy placing spoils a zone by putting the first oxidiser into the middle of it. Here the drawing is divided
among hostile groups once for the day, so that as many vehicles as possible fit; within a group any order
of coming works. It is a restriction, hence only a start: improvement may break the division again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from ortools.sat.python import cp_model

from parking.rules.plan_solver import cliques, groups
from parking.rules.plan_table import Frame, Table


def divide(frame: Frame, standing: Table, stays: Sequence[int], seconds: float) -> Mapping[int, np.ndarray]:
    """Group → mask of the bays kept for it. Hostile groups get bays far enough apart."""
    of = groups(frame)
    model = cp_model.CpModel()
    given: dict[tuple[int, int], cp_model.IntVar] = {}
    for i in stays:
        for b in np.flatnonzero(np.isfinite(standing.costs(i))):
            if (int(b), int(of[i])) not in given:
                given[int(b), int(of[i])] = model.new_bool_var("")
    _apart(frame, model, given)
    comes = {i: model.new_bool_var("") for i in stays}
    for clique in cliques(frame, stays):
        for g in {int(of[i]) for i in clique}:
            here = [comes[i] for i in clique if of[i] == g]
            model.add(sum(here) <= sum(v for (_, h), v in given.items() if h == g))
    ways = _ways(frame, stays, of)
    kept_told = [
        given[int(frame.told[i]), int(of[i])] for i in stays if (int(frame.told[i]), int(of[i])) in given
    ]
    far = sum(int(ways[g][b]) * v for (b, g), v in given.items())
    model.maximize(1000 * sum(comes.values()) + 300 * sum(kept_told) - far)
    solver = cp_model.CpSolver()
    solver.parameters.max_deterministic_time = seconds  # the same day gives the same division
    solver.parameters.max_time_in_seconds = 3 * seconds
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    kept = {int(of[i]): np.zeros(frame.m, dtype=bool) for i in stays}
    if solver.solve(model) in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        for (bay, g), v in given.items():
            kept[g][bay] = solver.boolean_value(v)
    return kept


def zoned(frame: Frame, table: Table, stays: Sequence[int], seconds: float) -> None:
    """Place ``stays`` (nowhere in the table now) by a division of the bays, then wherever they still fit."""
    kept = divide(frame, table, stays, seconds)
    of = groups(frame)
    for i in sorted(stays, key=lambda k: (frame.told[k] < 0, frame.begin[k])):
        costs = table.costs(i)
        for allowed in (np.where(kept[int(of[i])], costs, np.inf), costs):
            if np.isfinite(allowed).any():
                table.put(i, int(allowed.argmin()))
                break


def _apart(frame: Frame, model: cp_model.CpModel, given: Mapping[tuple[int, int], cp_model.IntVar]) -> None:
    for (b, g), v in given.items():
        for (c, h), w in given.items():
            if g < h and frame.problem.needs[g, h] > (frame.problem.apart[b, c] if b != c else 0.0):
                model.add_at_most_one([v, w])


def _ways(frame: Frame, stays: Sequence[int], of: np.ndarray) -> Mapping[int, np.ndarray]:
    """Group → for each bay what it is worth less than the best, for the group as a whole: 0 to 9."""
    found = {}
    for g in {int(of[i]) for i in stays}:
        rows = frame.cost[[i for i in stays if of[i] == g]]
        allowed = np.isfinite(rows)
        mean = np.where(allowed, rows, 0.0).sum(axis=0) / np.maximum(1, allowed.sum(axis=0))
        mean = np.where(allowed.any(axis=0), mean, np.inf)
        least, most = mean.min(), mean[np.isfinite(mean)].max(initial=0.0)
        short = (mean - least) / (most - least) if most > least else np.zeros(frame.m)
        found[g] = np.minimum(9, 9 * np.where(np.isfinite(mean), short, 1.0)).astype(int)
    return found
