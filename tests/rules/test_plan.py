"""The plan of a day: allowed, never worse than either way by hand, and best where it says so."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parking.rules import plan_check, plan_greedy
from parking.rules.plan import plan
from parking.rules.plan_check import NotAPlan
from parking.rules.plan_problem import NOWHERE, PlanBay, PlanStay, Problem, Weights
from parking.rules.plan_table import Frame

#: Three kinds: 0 and 1 must keep 25 m, 1 and 2 keep 10 m, 0 and 2 nothing.
NEEDS = np.array([[0.0, 25.0, 0.0], [25.0, 0.0, 10.0], [0.0, 10.0, 0.0]])


def row(bays: int, pitch: float = 9.0) -> np.ndarray:
    """Metres between bays in one row: outlines ``pitch`` - 4 apart from the next."""
    at = np.arange(bays) * pitch
    return np.maximum(0.0, np.abs(at[:, None] - at[None, :]) - 4.0) * (1 - np.eye(bays))


@st.composite
def days(draw: st.DrawFn, most_bays: int = 5, most_stays: int = 5) -> Problem:
    bays = draw(st.integers(1, most_bays))
    count = draw(st.integers(1, most_stays))
    stays = []
    for i in range(count):
        begin = draw(st.integers(0, 8))
        told = draw(st.one_of(st.none(), st.integers(0, bays - 1)))
        index = draw(st.sampled_from([0.0, 0.25, 0.5]))
        stays.append(
            PlanStay(i + 1, begin, begin + draw(st.integers(1, 5)), draw(st.integers(0, 2)), index, told)
        )
    metres = np.array(
        [[draw(st.sampled_from([100.0, 107.0, 130.0, 250.0, np.inf])) for _ in range(bays)] for _ in stays]
    )
    for i, stay in enumerate(stays):
        if stay.told is not None and not np.isfinite(metres[i, stay.told]):
            metres[i, stay.told] = 90.0
    if draw(st.booleans()):
        first = stays[0]
        stays[0] = PlanStay(
            first.id, 0, first.end, first.kind, first.index, None, draw(st.integers(0, bays - 1))
        )
    return Problem(
        [PlanBay(b + 1, f"B{b + 1}", "A" if b < 3 else "B") for b in range(bays)],
        stays,
        metres,
        row(bays),
        NEEDS,
        lot_limit=draw(st.sampled_from([np.inf, 1.0, 0.5])),
        zone_limits=draw(st.sampled_from([{}, {"A": 0.5}])),
        weights=Weights(moved=300.0, near=40.0),
    )


def best_of_all(problem: Problem) -> plan_check.Worth:
    """Every placement there is, judged by the check alone."""
    found = []
    for at in product(range(NOWHERE, len(problem.bays)), repeat=len(problem.stays)):
        if not any(plan_check.broken(problem, at)):
            found.append(plan_check.worth(problem, at))
    return min(found)


@given(days(3, 4))
@settings(max_examples=60)
def test_what_is_called_best_is_the_best_of_all_placements_there_are(problem: Problem):
    made = plan(problem, 5.0)
    best = best_of_all(problem)
    assert made.proven
    assert (made.worth.unplaced, made.worth.rest) == (best.unplaced, pytest.approx(best.rest))


@given(days(9, 22))
@settings(max_examples=40)
def test_a_plan_never_leaves_out_more_than_either_way_by_hand_and_keeps_every_rule(problem: Problem):
    made = plan(problem, 0.3)
    assert not list(plan_check.broken(problem, made.at))
    frame = Frame(problem)
    for by_hand in (plan_greedy.first_come(frame), plan_greedy.nearest(frame)):
        assert not list(plan_check.broken(problem, by_hand.at.tolist()))
        assert (made.worth.unplaced, made.worth.rest) <= by_hand.total()
    assert (made.least.unplaced, made.least.rest) <= (made.worth.unplaced, made.worth.rest + 1e-6)


@given(days(6, 10))
@settings(max_examples=30)
def test_the_bound_is_below_every_plan_however_early_it_is_asked(problem: Problem):
    early, late = plan(problem, 0.02), plan(problem, 4.0)
    if late.proven:
        assert (early.least.unplaced, early.least.rest) <= (late.worth.unplaced, late.worth.rest + 1e-6)


@given(days(7, 12))
@settings(max_examples=30)
def test_the_tables_sums_are_those_of_the_check(problem: Problem):
    table = plan_greedy.cheapest(Frame(problem), range(len(problem.stays)))
    worth = plan_check.worth(problem, table.at.tolist())
    assert table.total() == (worth.unplaced, pytest.approx(worth.rest))


def two(needs: float, apart: float, told: int | None = None) -> Problem:
    stays = [PlanStay(1, 0, 10, 0, 0.6, told), PlanStay(2, 5, 15, 1, 0.6)]
    bays = [PlanBay(1, "B1", "A"), PlanBay(2, "B2", "A")]
    metres = np.array([[100.0, 200.0], [100.0, 200.0]])
    return Problem(
        bays, stays, metres, np.array([[0, apart], [apart, 0]]), np.array([[0, needs], [needs, 0]])
    )


def test_hostile_loads_too_near_are_not_both_placed_and_the_plan_says_why():
    made = plan(two(needs=25.0, apart=24.9), 2.0)
    assert (made.worth.unplaced, made.proven) == (1, True)
    (why,) = made.why
    assert (why.suited, why.taken, why.near, why.full) == (2, 1, 1, 0)


def test_the_needed_distance_itself_is_enough():
    assert plan(two(needs=25.0, apart=25.0), 2.0).worth.unplaced == 0


def test_a_told_driver_stays_though_another_bay_is_nearer():
    made = plan(two(needs=0.0, apart=5.0, told=1), 2.0)
    assert made.at == (1, 0)
    assert made.worth.moved == 0


def test_a_told_driver_is_moved_when_else_somebody_would_stand_outside():
    from dataclasses import replace

    problem = two(needs=0.0, apart=5.0, told=0)
    only_first = replace(problem, metres=np.array([[100.0, 200.0], [100.0, np.inf]]))
    made = plan(only_first, 2.0)
    assert (made.worth.unplaced, made.worth.moved, made.at) == (0, 1, (1, 0))


def test_the_sum_of_q_over_capital_q_keeps_its_limit_at_every_instant():
    from dataclasses import replace

    problem = replace(two(needs=0.0, apart=5.0), lot_limit=1.0)
    made = plan(problem, 2.0)
    assert (made.worth.unplaced, made.why[0].full, made.proven) == (1, 1, True)


@pytest.mark.parametrize(
    ("at", "said"),
    [((0, 0), "share bay B1"), ((0, 1), "25.0 m needed"), ((NOWHERE,), "1 places for 2 stays")],
)
def test_the_check_finds_what_a_broken_planner_would_do(at: tuple[int, ...], said: str):
    with pytest.raises(NotAPlan, match=said):
        plan_check.worth(two(needs=25.0, apart=5.0), at)
