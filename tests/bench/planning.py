"""``make bench``, the lot: a day planned side by side with two ways of working by hand, and ``suggest``."""

from __future__ import annotations

import time
from typing import Any

import days

from parking.rules import plan_check, plan_greedy
from parking.rules.plan import Plan, plan
from parking.rules.plan_problem import Problem
from parking.rules.plan_table import Frame

#: (bays, bookings, seconds the plan may take)
SIZES = ((200, 200, 10.0), (500, 1500, 30.0))


def bench_plan() -> dict[str, Any]:
    """Both sizes; the same day for the plan and for the two ways by hand."""
    return {
        f"{bays}x{bookings}": _size(days.day(bays, bookings, 1), budget) for bays, bookings, budget in SIZES
    }


def _size(problem: Problem, budget: float) -> dict[str, Any]:
    by_hand = {
        "first_come": _by_hand(problem, plan_greedy.first_come),
        "nearest": _by_hand(problem, plan_greedy.nearest),
    }
    seen: list[Plan] = []
    ours = plan(problem, budget, seen.append)
    mine = {
        "placed": len(ours.at) - ours.worth.unplaced,
        "of": len(ours.at),
        "objective": round(_objective(problem, ours.worth.unplaced, ours.worth.rest)),
        "rest": round(ours.worth.rest),
        "moved": ours.worth.moved,
        "proven": ours.proven,
        "gap_percent": round(100 * ours.gap, 3),
        "more_vehicles_at_most": ours.more,
        "seconds": round(ours.seconds, 2),
        "first_plan_s": round(seen[0].seconds, 2),
        "first_plan_placed": len(ours.at) - seen[0].worth.unplaced,
    }
    for other in by_hand.values():
        other["objective_times_ours"] = round(other["objective"] / mine["objective"], 2)
        other["fewer_placed"] = mine["placed"] - other["placed"]
    return {"plan": mine, **by_hand}


def _by_hand(problem: Problem, way: Any) -> dict[str, Any]:
    begun = time.perf_counter()
    table = way(Frame(problem))
    spent = time.perf_counter() - begun
    worth = plan_check.worth(problem, table.at.tolist())
    return {
        "placed": len(table.at) - worth.unplaced,
        "objective": round(_objective(problem, worth.unplaced, worth.rest)),
        "rest": round(worth.rest),
        "seconds": round(spent, 2),
    }


def _objective(problem: Problem, unplaced: int, rest: float) -> float:
    return unplaced * problem.weights.unplaced + rest


def table(results: dict[str, Any]) -> str:
    """The figures as a table for people."""
    lines = [f"{'day':<10}{'by':<12}{'placed':>8}{'objective':>14}{'× ours':>8}{'s':>7}  gap"]
    for size, rows in results.items():
        for by, row in rows.items():
            gap = ""
            if by == "plan":
                gap = (
                    "proven best"
                    if row["proven"]
                    else f"≤ {row['gap_percent']} %, ≤ {row['more_vehicles_at_most']} more"
                )
            lines.append(
                f"{size:<10}{by:<12}{row['placed']:>8}{row['objective']:>14,}"
                f"{row.get('objective_times_ours', 1):>8}{row['seconds']:>7}  {gap}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table(bench_plan()))
