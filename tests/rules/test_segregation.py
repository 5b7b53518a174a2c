"""Which loads stand how near: the whole table against a second copy, and what must hold for any loads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.rules.policy import Policy
from parking.rules.segregation import (
    COLUMNS,
    TABLE,
    UNRESTRICTED,
    Distances,
    Load,
    Symbol,
    between,
    of_classes,
    substance,
)
from parking.vocabulary import LoadState

#: The same table typed a second time, by pair: what each class is kept from, above the diagonal.
FORBIDDEN = {
    "1.1": "2.1 2.2 2.3A 2.3B 3 4.1 4.2 4.3 5.1 5.2 6.1 7 8",
    "1.3": "2.1 2.3A 2.3B 3 4.2 4.3 5.1 5.2 6.1 8",
    "1.4": "",
    "1.5": "2.1 2.2 2.3A 2.3B 3 4.1 4.2 4.3 5.1 5.2 6.1 7 8",
    "1.6": "",
    "2.1": "2.3A",
    "2.2": "",
    "2.3A": "3 4.1 4.2 4.3 5.1 5.2 8",
    "2.3B": "",
    "3": "6.1",
    "4.1": "6.1",
    "4.2": "6.1 8",
    "4.3": "6.1",
    "5.1": "6.1",
    "5.2": "6.1",
    "6.1": "8",
    "7": "",
    "8": "",
}
SEPARATED = {
    "1.4": "2.1 2.3A 2.3B 3 4.2 6.1 8",
    "2.1": "2.3B 6.1 7",
    "2.3B": "3 4.1 4.2 4.3 5.1 5.2 8",
    "3": "5.1",
    "4.1": "8",
    "4.3": "8",
    "5.1": "8",
    "5.2": "8",
}
EXPLOSIVES = ("1.1", "1.3", "1.4", "1.5", "1.6")

classes = st.sampled_from(
    ["1.1", "1.2", "1.4S", "2", "2.1", "2.2", "2.3", "3", *COLUMNS[10:], *UNRESTRICTED, "?", "x"]
)
loads = st.builds(
    Load,
    classes,
    st.lists(classes, max_size=3).map(tuple),
    st.sampled_from([LoadState.LOADED, LoadState.EMPTY_UNCLEANED]),
)


def second_copy(one: str, other: str) -> Symbol:
    if one in EXPLOSIVES and other in EXPLOSIVES:
        return Symbol.FORBIDDEN  # compatibility groups; no public lot takes class 1
    first, second = sorted((one, other), key=COLUMNS.index)
    if second in FORBIDDEN.get(first, "").split():
        return Symbol.FORBIDDEN
    return Symbol.SEPARATED if second in SEPARATED.get(first, "").split() else Symbol.FREE


def test_the_whole_table_agrees_with_the_copy_typed_twice():
    assert len(TABLE) == 18 * 18
    assert {pair: second_copy(*pair) for pair in TABLE} == TABLE


@given(loads, loads)
def test_it_does_not_matter_who_came_first(one, other):
    assert between(one, other).symbol == between(other, one).symbol
    assert between(one, other).needed_m == between(other, one).needed_m


@given(loads, loads, classes)
def test_one_more_hazard_never_makes_it_looser(one, other, hazard):
    worse = Load(one.hazard_class, (*one.subsidiary, hazard), one.load_state)
    assert between(worse, other).needed_m >= between(one, other).needed_m


@given(loads, loads, st.floats(0, 100))
def test_nearer_is_never_safer(one, other, metres):
    verdict = between(one, other)
    assert not verdict.allows(metres) or verdict.allows(metres + 1)


@given(loads, loads)
def test_a_verdict_names_the_hazards_that_ask_for_it(one, other):
    verdict = between(one, other)
    assert (verdict.reason is None) == (verdict.symbol is Symbol.FREE)
    if verdict.reason:
        assert verdict.reason[0] in one.hazards and verdict.reason[1] in other.hazards


@given(loads)
def test_a_clean_empty_vehicle_disturbs_nobody(other):
    assert between(Load(None, (), LoadState.EMPTY_CLEAN), other).symbol is Symbol.FREE


@given(loads, loads)
def test_uncleaned_counts_as_loaded(one, other):
    full = Load(one.hazard_class, one.subsidiary, LoadState.LOADED)
    assert between(Load(one.hazard_class, one.subsidiary, LoadState.EMPTY_UNCLEANED), other) == between(
        full, other
    )


@pytest.mark.parametrize("unknown", ["?", "", "10", "2.9", "corrosive", "1.9"])
@pytest.mark.parametrize("known", ["3", "9", "2.2", "?"])
def test_what_is_not_known_is_kept_from_everything(unknown, known):
    assert of_classes(unknown, known) is Symbol.FORBIDDEN


def test_a_loaded_vehicle_without_a_class_is_unknown_not_harmless():
    assert between(Load(None), Load("9")).symbol is Symbol.FORBIDDEN


@pytest.mark.parametrize(
    ("one", "other", "symbol"),
    [
        ("3", "5.1", "O"),
        ("3", "3", ""),
        ("2.3", "3", "X"),  # taken as zone A
        ("6.1", "8", "X"),  # taken as packing group I, zone A
        ("4.2", "8", "X"),
        ("8", "5.1", "O"),
        ("2", "3", "X"),  # division not told: the strictest of class 2
        ("9", "5.1", ""),
    ],
)
def test_the_class_alone_is_read_at_its_strictest(one, other, symbol):
    assert of_classes(one, other) == symbol


def test_methanol_is_judged_by_its_poison_too():
    assert between(Load("3", ("6.1",)), Load("3")).reason == ("6.1", "3")


def test_one_substance_is_not_kept_from_itself_but_two_of_a_generic_name_are():
    methanol = Load("3", ("6.1",), goods=substance("1230", "Methanol"))
    generic = Load("3", ("6.1",), goods=substance("1992", "Flammable liquid, toxic, n.o.s."))
    assert between(methanol, methanol).symbol is Symbol.FREE
    assert between(generic, generic).symbol is Symbol.FORBIDDEN
    assert between(methanol, generic).symbol is Symbol.FORBIDDEN
    assert substance(None, "Methanol") is None


def test_a_park_sets_its_own_distances_but_forbidden_is_never_nearer_than_separated():
    wide = Distances.from_policy(Policy.from_mapping({"segregation_separated_m": 15}))
    assert between(Load("3"), Load("5.1"), wide).needed_m == 15
    odd = Distances.from_policy(
        Policy.from_mapping({"segregation_forbidden_m": 5, "segregation_separated_m": 15})
    )
    assert odd == Distances(15, 15)
    for nonsense in ((5, 15), (float("nan"), 1), (1, -1)):
        with pytest.raises(ValueError):
            Distances(*nonsense)
