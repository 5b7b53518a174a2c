"""The entry checklist: whom a row is asked of, what answers come to, and the day a paper must reach."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.rules.checklist import DEFAULT, Answer, Outcome, Row, against, fails, judge
from parking.rules.segregation import single
from parking.vocabulary import CheckResult, DocumentKind, LoadState, OnFail, Refusal

LEAVES = date(2026, 3, 3)
PETROL = single("3")
PASS, FAIL, SKIP = (Answer(r, LEAVES, "x") for r in CheckResult)
TANK = next(r for r in DEFAULT if r.code == "V4")
LEAK = next(r for r in DEFAULT if r.code == "V9")
GEAR = next(r for r in DEFAULT if r.code == "V10")
answers = st.dictionaries(st.sampled_from([r.code for r in DEFAULT]), st.sampled_from([PASS, FAIL, SKIP]))


#: A row of our own: the order's list has none for who says he is clean.
OURS = {"V11"}


def test_the_default_list_is_the_one_of_the_order_in_its_order():
    codes = [r.code for r in DEFAULT if r.code not in OURS]
    assert codes == [
        *(f"V{n}" for n in range(1, 11)),
        *(f"P{n}" for n in range(1, 5)),
        *(f"D{n}" for n in range(1, 7)),
    ]
    assert all(r.text_zh and r.text_en and r.source for r in DEFAULT)


def test_everything_passed_is_passed_and_one_row_open_is_not():
    asked = [r for r in DEFAULT if r.applies(PETROL)]
    full = {r.code: PASS for r in asked}
    assert judge(DEFAULT, full, PETROL, LEAVES).outcome is Outcome.PASSED
    del full["P3"]
    verdict = judge(DEFAULT, full, PETROL, LEAVES)
    assert (verdict.outcome, verdict.open) == (Outcome.OPEN, ("P3",))


@pytest.mark.parametrize(
    ("code", "outcome"), [("V10", Outcome.HOLD), ("V4", Outcome.REFUSE), ("V9", Outcome.ISOLATE)]
)
def test_each_failure_leads_where_its_row_says_and_the_worst_wins(code, outcome):
    full = {r.code: PASS for r in DEFAULT} | {"V10": FAIL, code: FAIL}
    assert judge(DEFAULT, full, PETROL, LEAVES).outcome is outcome


def test_a_leak_waits_for_no_further_questions():
    assert judge(DEFAULT, {"V9": FAIL}, PETROL, LEAVES).outcome is Outcome.ISOLATE


def test_a_paper_is_judged_on_the_day_the_stay_ends():
    assert not fails(TANK, Answer(CheckResult.PASS, LEAVES), LEAVES)
    assert fails(TANK, Answer(CheckResult.PASS, LEAVES - timedelta(days=1)), LEAVES)


def test_what_may_not_be_passed_over_is_not():
    assert against(LEAK, Answer(CheckResult.NOT_APPLICABLE))[0].word is Refusal.CHECK_NOT_SKIPPED
    assert against(GEAR, Answer(CheckResult.NOT_APPLICABLE)) == ()
    assert against(TANK, Answer(CheckResult.PASS))[0].word is Refusal.CHECK_DATE_MISSING
    assert against(GEAR, Answer(CheckResult.FAIL))[0].word is Refusal.CHECK_REMARK_MISSING


def test_rows_are_asked_of_whom_they_concern_and_the_unknown_is_asked_everything():
    clean = single(None, (), LoadState.EMPTY_CLEAN)
    assert not TANK.applies(clean) and LEAK.applies(clean)
    assert not next(r for r in DEFAULT if r.code == "D3").applies(PETROL)
    unknown = single(None)
    laden = [r for r in DEFAULT if LoadState.LOADED in r.load_states or not r.load_states]
    assert all(r.applies(unknown) for r in laden)


@given(answers)
def test_one_more_failure_never_makes_it_better(given_answers):
    rank = list(Outcome)
    before = judge(DEFAULT, given_answers, PETROL, LEAVES)
    after = judge(DEFAULT, {**given_answers, "V9": FAIL}, PETROL, LEAVES)
    assert rank.index(after.outcome) >= rank.index(before.outcome)


@given(answers)
def test_nothing_is_passed_while_anything_is_open_or_failed(given_answers):
    verdict = judge(DEFAULT, given_answers, PETROL, LEAVES)
    assert (verdict.outcome is Outcome.PASSED) == (not verdict.failed and not verdict.open)


def test_a_park_without_papers_asks_no_dates():
    row = Row("X1", OnFail.HOLD, "甲", "a", document=None)
    assert against(row, Answer(CheckResult.PASS)) == ()
    assert DocumentKind.TANK_INSPECTION is TANK.document
