"""The life of a visit, walked in every direction."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.rules.visit import RESTRAINED_STEPS, TABLE, move, steps
from parking.vocabulary import OPEN_VISIT, Refusal, VisitState, VisitStep

states, taken = st.sampled_from(VisitState), st.sampled_from(VisitStep)


@given(states, taken, st.booleans(), st.booleans())
def test_a_step_leads_on_or_says_why_not_never_both(state, step, declared, driver):
    following, reasons = move(state, step, declared, driver)
    assert (following is None) == bool(reasons)


@given(states, st.booleans())
def test_a_driver_may_never_do_what_staff_may_not(state, declared):
    assert set(steps(state, declared, by_driver=True)) <= set(steps(state, declared, by_driver=False))


@pytest.mark.parametrize("state", [VisitState.CLOSED, VisitState.CLOSED_INFERRED, VisitState.REFUSED])
def test_the_end_is_the_end(state):
    assert steps(state, True, by_driver=False) == ()


@pytest.mark.parametrize("state", sorted(OPEN_VISIT))
def test_from_every_open_state_there_is_a_way_out(state):
    reached, before = {state}, set()
    while reached != before:
        before = set(reached)
        reached |= {after for (at, _), after in TABLE.items() if at in before}
    assert VisitState.EXITED in reached


def test_nobody_parks_before_being_admitted():
    assert move(VisitState.ARRIVED, VisitStep.PARK, True, False)[1][0].word is Refusal.STEP_ILLEGAL


def test_only_staff_see_a_vehicle_out_that_may_still_stand_in_its_bay():
    for state in (VisitState.PARKED, VisitState.ADMITTED):
        assert move(state, VisitStep.CHECK_OUT, True, True)[0] is None
        assert move(state, VisitStep.CHECK_OUT, True, False)[0] is VisitState.EXITED


def test_what_was_filled_at_the_dock_parks_again_only_once_it_is_declared():
    assert move(VisitState.EN_ROUTE_OUT, VisitStep.PARK, True, False)[0] is VisitState.PARKED
    assert move(VisitState.EN_ROUTE_OUT, VisitStep.PARK, False, False)[1][0].word is Refusal.CARGO_CHANGED


def test_the_only_way_out_of_the_park_is_seen_by_somebody():
    """Exit is never inferred: every way into EXITED is a check-out or a stay given up."""
    ways = {step for (_, step), after in TABLE.items() if after is VisitState.EXITED}
    assert ways == {VisitStep.CHECK_OUT, VisitStep.CANCEL_STAY}
    assert {s for (s, t), after in TABLE.items() if after is VisitState.CLOSED_INFERRED} == {
        VisitState.EXITED
    }


def test_an_emergency_is_never_kept_back_by_a_restraint():
    assert not RESTRAINED_STEPS & {VisitStep.EVACUATE, VisitStep.ISOLATE, VisitStep.REFUSE}


def test_an_isolated_vehicle_is_moved_by_staff_alone():
    assert steps(VisitState.ISOLATED, True, by_driver=True) == ()
    assert VisitStep.PARK in steps(VisitState.ISOLATED, True, by_driver=False)
