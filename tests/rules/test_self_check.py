"""The product answers what it knows; a person may be stricter, never milder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from parking.refused import no
from parking.rules import self_check
from parking.rules.checklist import Answer
from parking.rules.self_check import Finding, together
from parking.vocabulary import CheckResult, Refusal

NOW = datetime(2026, 3, 2, tzinfo=UTC)
answers = st.none() | st.builds(Answer, st.sampled_from(CheckResult))
marks = st.frozensets(st.sampled_from("abc"), max_size=3)
findings = st.none() | st.builds(
    Finding, st.none() | st.sampled_from([CheckResult.PASS, CheckResult.FAIL]), st.just(()), marks
)


def passes(answer):
    return answer is not None and answer.result is not CheckResult.FAIL


@given(findings, answers, marks)
def test_nobody_passes_what_the_product_found_bad_and_nobody_passes_what_a_person_found_bad(f, a, aside):
    counts = together(f, a, aside)
    if f is not None and f.stands(aside):
        assert counts is not None and counts.result is CheckResult.FAIL
    if a is not None and a.result is CheckResult.FAIL:
        assert counts is a


@given(findings, marks)
def test_without_a_finding_of_good_order_a_person_has_to_answer(f, aside):
    if f is None or f.result is not CheckResult.PASS:
        assert not passes(together(f, None, aside))


@given(findings, answers, marks, marks)
def test_setting_more_aside_never_makes_a_failure(f, a, aside, more):
    if passes(together(f, a, aside)):
        assert passes(together(f, a, aside | more))


def test_another_ban_of_the_same_name_is_not_covered_by_what_was_set_aside():
    def banned(days):
        return no(Refusal.BANNED, name="晋M1", reason="", until=NOW + timedelta(days=days))

    first = self_check.blacklist([banned(1)], 0)
    assert not first.stands(first.marks)
    assert self_check.blacklist([banned(1), banned(2)], 0).stands(first.marks)


def test_a_terminal_is_on_line_until_the_very_second():
    def found(seconds):
        return self_check.terminal("晋M1", NOW - timedelta(seconds=seconds), NOW, 300).result

    assert [found(0), found(300), found(301)] == [CheckResult.PASS, CheckResult.PASS, CheckResult.FAIL]
    assert self_check.terminal("晋M1", None, NOW, 300).result is CheckResult.FAIL


def test_open_violations_are_for_a_person_to_judge():
    assert self_check.blacklist([], 0).result is CheckResult.PASS
    assert self_check.blacklist([], 3).result is None
