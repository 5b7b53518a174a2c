"""The life of a booking, walked in every direction by everybody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.rules.booking import TABLE, WHOSE, move, steps
from parking.vocabulary import BookingState, BookingStep, Refusal

ACTORS = ["driver:X", "enterprise:coke", "guard:zhao", "dispatcher:li", "supervisor:wu", "admin:a", "system"]
_END = {
    BookingState.USED,
    BookingState.REJECTED,
    BookingState.CANCELLED,
    BookingState.EXPIRED,
    BookingState.NO_SHOW,
}


@given(st.sampled_from(BookingState), st.sampled_from(BookingStep), st.sampled_from(ACTORS))
def test_a_step_leads_on_or_says_why_not_never_both(state, step, actor):
    following, reasons = move(state, step, actor)
    assert (following is None) == bool(reasons)
    assert (following is None) or following is TABLE[state, step]


def test_every_step_belongs_to_somebody_and_stands_in_the_table():
    assert set(WHOSE) == set(BookingStep) == {step for _, step in TABLE}


@pytest.mark.parametrize("state", sorted(_END))
def test_the_end_is_the_end(state):
    assert all(steps(state, actor) == () for actor in ACTORS)


@pytest.mark.parametrize("state", sorted(set(BookingState) - _END))
def test_from_every_open_state_there_is_a_way_to_an_end(state):
    reached, before = {state}, set()
    while reached != before:
        before = set(reached)
        reached |= {after for (at, _), after in TABLE.items() if at in before}
    assert reached & _END


def test_nobody_reaches_the_gate_without_both_approvals():
    """Every way into APPROVED comes through the enterprise's word; a form begins without it."""
    begins = {BookingState.DRAFT, BookingState.SUBMITTED}
    without = {(s, t): after for (s, t), after in TABLE.items() if t is not BookingStep.ENTERPRISE_APPROVE}
    reached, before = set(begins), set()
    while reached != before:
        before = set(reached)
        reached |= {after for (at, _), after in without.items() if at in before}
    assert not reached & {BookingState.APPROVED, BookingState.USED, BookingState.ENTERPRISE_APPROVED}


def test_the_enterprise_decides_only_what_was_sent_to_it():
    assert steps(BookingState.SUBMITTED, "enterprise:coke") == (
        BookingStep.ENTERPRISE_APPROVE,
        BookingStep.RETURN,
        BookingStep.REJECT,
    )
    assert steps(BookingState.ENTERPRISE_APPROVED, "enterprise:coke") == ()
    assert move(BookingState.SUBMITTED, BookingStep.ENTERPRISE_APPROVE, "dispatcher:li")[1][0].word is (
        Refusal.STEP_NOT_YOURS
    )


def test_the_driver_may_only_send_and_give_back_and_arrive():
    mine = {step for state in BookingState for step in steps(state, "driver:X")}
    assert mine == {BookingStep.SUBMIT, BookingStep.CANCEL, BookingStep.ARRIVE}
