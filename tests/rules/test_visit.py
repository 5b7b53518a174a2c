"""The life of a visit, walked in every direction."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.rules.visit import TABLE, move, steps
from parking.vocabulary import OPEN_VISIT, LoadState, Refusal, VisitState, VisitStep

states, taken, loaded = st.sampled_from(VisitState), st.sampled_from(VisitStep), st.sampled_from(LoadState)


@given(states, taken, loaded, st.booleans())
def test_a_step_leads_on_or_says_why_not_never_both(state, step, load, driver):
    following, reasons = move(state, step, load, driver)
    assert (following is None) == bool(reasons)


@given(states, loaded)
def test_a_driver_may_never_do_what_staff_may_not(state, load):
    assert set(steps(state, load, by_driver=True)) <= set(steps(state, load, by_driver=False))


@pytest.mark.parametrize("state", [VisitState.EXITED, VisitState.REFUSED])
def test_the_end_is_the_end(state):
    assert steps(state, LoadState.LOADED, by_driver=False) == ()


@pytest.mark.parametrize("state", sorted(OPEN_VISIT))
def test_from_every_open_state_there_is_a_way_out(state):
    reached, before = {state}, set()
    while reached != before:
        before = set(reached)
        reached |= {after for (at, _), after in TABLE.items() if at in before}
    assert VisitState.EXITED in reached


def test_nobody_parks_before_being_admitted():
    assert (
        move(VisitState.ARRIVED, VisitStep.PARK, LoadState.LOADED, False)[1][0].word is Refusal.STEP_ILLEGAL
    )


def test_only_staff_see_a_vehicle_out_that_may_still_stand_in_its_bay():
    for state in (VisitState.PARKED, VisitState.ADMITTED):
        assert move(state, VisitStep.CHECK_OUT, LoadState.LOADED, True)[0] is None
        assert move(state, VisitStep.CHECK_OUT, LoadState.LOADED, False)[0] is VisitState.EXITED


def test_what_came_empty_does_not_park_again_after_the_dock():
    assert move(VisitState.EN_ROUTE_OUT, VisitStep.PARK, LoadState.LOADED, False)[0] is VisitState.PARKED
    for load in (LoadState.EMPTY_CLEAN, LoadState.EMPTY_UNCLEANED):
        assert move(VisitState.EN_ROUTE_OUT, VisitStep.PARK, load, False)[1][0].word is Refusal.CARGO_CHANGED
