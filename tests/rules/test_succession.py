"""Whatever follows whatever: of one shape no two versions bind on one day, and no day loses its line."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from geo.shapes import SINCE_EVER, Approval, Feature, LayerKind
from parking.rules.succession import changed, succession
from parking.vocabulary import SuccessionWord
from tests import land

DAY = date(2026, 1, 1)
KIND = LayerKind.CONTROL_LINE


def version(code, begin, end, number=0):
    act = Approval(f"doc{number}", "b", DAY, begin, end)
    shape = box(-1000 - number, -1000, 1000, 1000)
    return Feature(KIND, code, code, code, land.placed(shape), act)


def park(*versions):
    made = land.park()
    kept = [f for f in made.features if f.kind is not KIND]
    return replace(made, features=(*kept, *versions))


def binding(made, code, day):
    return [f for f in made.of(KIND) if f.code == code and (f.approval is None or f.approval.in_force(day))]


days = st.integers(0, 40).map(lambda n: DAY + timedelta(days=n))
spans = st.tuples(days, st.one_of(st.none(), st.integers(1, 30))).map(
    lambda s: (s[0], s[1] and s[0] + timedelta(days=s[1]))
)
steps = st.lists(st.tuples(st.sampled_from("AB"), spans, st.booleans()), min_size=1, max_size=6)


@given(steps)
@settings(max_examples=60)
def test_versions_never_overlap_and_a_day_once_covered_stays_covered(handed_in):
    made = park()
    for number, (code, (begin, end), whole) in enumerate(handed_in):
        before = made
        new = version(code, begin, end, number)
        made = changed(made, succession(made, [new], whole))
        for n in range(80):
            day = DAY + timedelta(days=n - 2)
            for one in "AB":
                now, was = binding(made, one, day), binding(before, one, day)
                assert len(now) <= 1
                if one == code and new.approval.in_force(day):
                    assert now[0].approval.document == new.approval.document
                elif not (whole and one != code and day >= begin):
                    assert [f.approval.document for f in now] == [f.approval.document for f in was]
                else:
                    assert now == []


def test_the_same_drawing_twice_changes_nothing():
    new = version("A", DAY, None)
    once = changed(park(), succession(park(), [new], False))
    again = succession(once, [new], False)
    assert [c.word for c in again] == [SuccessionWord.SAME]
    assert changed(once, again) == once


def test_what_was_drawn_without_a_date_binds_until_the_new_one_begins():
    old = replace(version("A", DAY, None), approval=None)
    made = changed(park(old), succession(park(old), [version("A", DAY, None, 1)], False))
    (before,) = binding(made, "A", DAY - timedelta(days=1))
    assert before.approval.effective_from == SINCE_EVER and before.approval.document == ""
    assert binding(made, "A", DAY)[0].approval.document == "doc1"
