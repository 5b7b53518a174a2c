"""Suggestions: what is offered may be taken, what is blocked says by whom."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from parking.rules.assignment import NAMED, BayFacts, Occupant, against, rank
from parking.rules.segregation import between, single
from parking.vocabulary import Advice, LoadState, Refusal

ALL = ("loaded", "empty_uncleaned", "empty_clean")


def bay(number: int, classes: tuple[str, ...], **changes) -> BayFacts:
    x = 4.0 * number
    values = {
        "id": number, "code": f"B{number:02d}", "zone": "Z" + "".join(classes), "hazard_classes": classes,
        "load_states": ALL, "isolation": False, "length_m": 20.0, "width_m": 4.0, "out_of_service": None,
        "shape": box(x, 0, x + 4, 20), **changes,
    }  # fmt: skip
    return BayFacts(**values)


LOT = [
    *(bay(n, ("3",)) for n in range(4)),
    *(bay(n, ("2", "3", "5.1", "8", "6.1")) for n in range(4, 8)),
    *(bay(n, ("5.1",)) for n in range(8, 11)),
    bay(11, ("3",), isolation=True),
    bay(12, ("3",), out_of_service="closed"),
    bay(60, ("2", "3", "5.1", "8", "6.1")),
]
PETROL, OXIDISER = single("3"), single("5.1")
loads = st.builds(single, st.sampled_from(["2.1", "2.3", "3", "5.1", "8", "6.1"]))
occupants = st.lists(
    st.builds(Occupant, st.sampled_from([b.id for b in LOT]), st.just("晋M00001"), loads), max_size=6
)


@given(loads, occupants)
def test_every_possible_suggestion_keeps_its_distance_to_everyone(load, there):
    shapes = {b.id: b.shape for b in LOT}
    for suggestion in rank(load, LOT, there):
        if suggestion.possible:
            for o in there:
                apart = shapes[suggestion.bay_id].distance(shapes[o.bay_id])
                assert o.bay_id != suggestion.bay_id
                assert apart >= between(load, o.load).needed_m


@given(loads, occupants)
def test_possible_ones_come_first_and_isolation_never(load, there):
    ranked = rank(load, LOT, there)
    assert [s.possible for s in ranked] == sorted((s.possible for s in ranked), reverse=True)
    assert {s.bay_id for s in ranked} == {b.id for b in LOT} - {11}


@given(
    loads, occupants, st.builds(Occupant, st.sampled_from([b.id for b in LOT]), st.just("晋M00002"), loads)
)
def test_one_more_vehicle_never_frees_a_bay(load, there, another):
    before = {s.bay_id for s in rank(load, LOT, there) if s.possible}
    after = {s.bay_id for s in rank(load, LOT, [*there, another]) if s.possible}
    assert after <= before


@given(loads, loads)
def test_two_loads_refuse_each_other_alike(one, other):
    """Whoever comes second hears the same answer."""
    for a in LOT[:11]:
        for b in LOT[:11]:
            if a.id != b.id:
                first = any(
                    r.word is Refusal.BAY_NEIGHBOUR
                    for r in against(one, a, LOT, [Occupant(b.id, "p", other)])
                )
                second = any(
                    r.word is Refusal.BAY_NEIGHBOUR
                    for r in against(other, b, LOT, [Occupant(a.id, "p", one)])
                )
                assert first == second


def test_a_zone_meant_for_the_class_is_preferred():
    best = rank(PETROL, LOT, [])[0]
    assert best.zone == "Z3"
    assert {r.word for r in best.reasons} == {
        Advice.ZONE_SPECIFIC,
        Advice.NOTHING_INCOMPATIBLE,
        Advice.ROOM_ENOUGH,
        Advice.ISOLATION_KEPT,
    }


def test_among_equal_bays_the_one_farther_from_the_oxidiser_is_better():
    ranked = [s.bay_id for s in rank(PETROL, LOT, [Occupant(8, "晋M00001", OXIDISER)]) if s.zone == "Z3"]
    assert ranked.index(0) < ranked.index(2)


def test_a_blocked_bay_names_the_neighbour_its_class_and_both_distances():
    blocked = against(OXIDISER, LOT[5], LOT, [Occupant(3, "晋M00001", PETROL)])
    assert [dict(r.facts) for r in blocked] == [
        {
            "bay": "B05", "neighbour": "B03", "plate": "晋M00001", "hazard_class": "5.1",
            "neighbour_class": "3", "distance_m": 4.0, "needed_m": 10.0, "source": "49 CFR 177.848(d)",
        }
    ]  # fmt: skip


def test_a_shortfall_of_a_centimetre_is_not_rounded_away():
    near = bay(70, ("5.1",), shape=box(9.99 + 4, 0, 18, 20))
    (reason,) = against(OXIDISER, near, [*LOT, near], [Occupant(0, "晋M00001", PETROL)])
    assert reason.facts["distance_m"] == 9.9


def test_a_bay_says_everything_that_is_wrong_with_it():
    wrong = bay(20, ("8",), out_of_service="closed", isolation=True, load_states=("empty_clean",))
    assert [r.word for r in against(PETROL, wrong, [wrong], [Occupant(20, "p", PETROL)])] == [
        Refusal.BAY_OUT_OF_SERVICE,
        Refusal.BAY_ISOLATION,
        Refusal.BAY_CLASS,
        Refusal.BAY_LOAD_STATE,
        Refusal.BAY_TAKEN,
    ]


def test_a_class_is_matched_by_division_not_by_letters():
    assert against(single("2.1"), bay(1, ("2",)), [], []) == ()
    assert against(single("1.4S"), bay(1, ("1.4",)), [], []) != ()
    assert against(single("3", (), LoadState.EMPTY_CLEAN), bay(1, ()), [], []) == ()
    assert against(single("3"), bay(1, ()), [], []) != ()


@given(loads, occupants)
def test_the_fast_ranking_says_of_each_bay_what_the_slow_question_says_and_names_the_worst(load, there):
    by_id = {b.id: b for b in LOT}
    for suggestion in rank(load, LOT, there):
        slow = against(load, by_id[suggestion.bay_id], LOT, there)
        near = [r for r in slow if r.word is Refusal.BAY_NEIGHBOUR]
        named = [r for r in suggestion.blocked if r.word is Refusal.BAY_NEIGHBOUR]
        assert [r for r in suggestion.blocked if r not in named] == [r for r in slow if r not in near]
        assert len(named) == min(NAMED, len(near))
        assert all(r in near for r in named)
        assert sorted(map(lack, named)) == sorted(map(lack, near))[-len(named) :][: len(named)]


def lack(reason) -> float:
    """Metres short, to the decimetre the sentence says."""
    return round(float(reason.facts["needed_m"] - reason.facts["distance_m"]), 1)


def test_a_shorter_way_counts_when_all_else_is_equal():
    ways = {b.id: 1000.0 - b.id for b in LOT}
    ranked = rank(PETROL, LOT, [], ways=ways)
    assert ranked[0].bay_code == "B03"
    assert [r.facts["metres"] for r in ranked[0].reasons if r.word is Advice.WAY] == [997]
