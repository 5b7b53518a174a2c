"""Is a placement allowed, and what is it worth? Read slowly from the problem itself.

Written without a line of the planner's own bookkeeping: what the planner believes is judged here before
anybody sees it. Plain loops over vehicles that are in the lot together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from parking.rules.plan_problem import NOWHERE, SLACK, PlanStay, Problem, Worth


class NotAPlan(AssertionError):
    """A placement breaks a rule; the message says which."""


def worth(problem: Problem, at: Sequence[int]) -> Worth:
    """What a placement (stay → bay, both as indexes, ``NOWHERE`` for none) costs. Raises NotAPlan."""
    faults = list(broken(problem, at))
    if faults:
        raise NotAPlan("; ".join(faults[:5]))
    weights, near, moved, driven, lost = problem.weights, 0.0, 0, 0.0, 0
    exposed = problem.neighbourhood()
    for i, (stay, bay) in enumerate(zip(problem.stays, at, strict=True)):
        if stay.fixed is not None:
            continue
        moved += stay.told is not None and stay.told != bay
        lost += bay == NOWHERE
        if bay != NOWHERE:
            near += float(exposed[stay.kind, bay])
            driven += round(float(problem.metres[i, bay]) * weights.driven)
    rest = driven + near + moved * round(weights.moved)
    return Worth(lost, rest, moved, near, driven / weights.driven if weights.driven else 0.0)


def broken(problem: Problem, at: Sequence[int]) -> Iterator[str]:
    """Every rule a placement breaks, in words for whoever mends the planner."""
    if len(at) != len(problem.stays):
        yield f"{len(at)} places for {len(problem.stays)} stays"
        return
    for stay, row, bay in zip(problem.stays, problem.metres, at, strict=True):
        if stay.fixed is not None and bay != stay.fixed:
            yield f"stay {stay.id} stands elsewhere"
        if stay.fixed is None and bay != NOWHERE and not row[bay] < float("inf"):
            yield f"stay {stay.id} may not stand in bay {problem.bays[bay].code}"
    yield from _too_near(problem, at)
    yield from _too_much(problem, at)


def _too_near(problem: Problem, at: Sequence[int]) -> Iterator[str]:
    for i, j in _together(problem, at):
        one, other = problem.stays[i], problem.stays[j]
        if one.fixed is not None and other.fixed is not None:
            continue  # two that stand already are no plan's fault
        needed = problem.needs[one.kind, other.kind]
        if at[i] == at[j]:
            yield f"stays {one.id} and {other.id} share bay {problem.bays[at[i]].code}"
        elif problem.apart[at[i], at[j]] < needed:
            yield f"stays {one.id} and {other.id}: {problem.apart[at[i], at[j]]:.1f} m, {needed:.1f} m needed"


def _too_much(problem: Problem, at: Sequence[int]) -> Iterator[str]:
    """At each begin of a stay: the sums of the lot and of that stay's zone, unless all stand already."""
    for i, there in _instants(problem, at):
        sums: dict[str | None, float] = defaultdict(float)
        planned: set[str | None] = set()
        for k in [i, *there]:
            zone = problem.bays[at[k]].zone
            for key in (None, zone):
                sums[key] += problem.stays[k].index
                if problem.stays[k].fixed is None and problem.stays[k].index > 0:
                    planned.add(key)
        for key in planned:
            limit = problem.lot_limit if key is None else problem.zone_limits.get(key, float("inf"))
            if sums[key] > limit + SLACK:
                when = f"when stay {problem.stays[i].id} begins"
                yield f"{when}: S {sums[key]:.3f} over {limit} in {key or 'lot'}"


def _together(problem: Problem, at: Sequence[int]) -> Iterator[tuple[int, int]]:
    for i, there in _instants(problem, at):
        for k in there:
            yield i, k


def _instants(problem: Problem, at: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Each placed stay as it begins, with those already there at that instant."""
    there: list[int] = []
    stays: Sequence[PlanStay] = problem.stays
    for i in sorted(range(len(stays)), key=lambda k: stays[k].begin):
        if at[i] == NOWHERE:
            continue
        there = [k for k in there if stays[k].end > stays[i].begin]
        yield i, list(there)
        there.append(i)
