"""Which loads stand how near: what must hold for any loads, each note, and the park's own word."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.rules.matrices import Matrix
from parking.rules.policy import Policy, PolicyWrong
from parking.rules.segregation import Load, Rulebook, Ruling, Substance, Verdict, between, single, within
from parking.rules.segregation_overrides import Override, RuleWrong, read
from parking.rules.substance import specific, state_of
from parking.vocabulary import FireCategory, GoodsTrait, LoadState, SegregationNote

TODAY = date(2026, 3, 2)
CLASSES = [
    *("1.1", "1.2", "1.4S", "2", "2.1", "2.2", "2.3", "3", "4.1", "4.2", "4.3", "5.1", "5.2"),
    *("6.1", "6.2", "7", "8", "9", "?", "x"),
]
classes = st.sampled_from(CLASSES)
substances = st.builds(
    Substance,
    classes,
    st.lists(classes, max_size=2).map(tuple),
    st.sampled_from([None, "1203", "1680", "1830"]),
    st.booleans(),
    st.sampled_from([None, "I", "II", "III"]),
    st.frozensets(st.sampled_from(list(GoodsTrait)), max_size=2),
    st.sampled_from([None, *FireCategory]),
)
loads = st.builds(
    Load,
    st.lists(substances, min_size=1, max_size=3).map(tuple),
    st.sampled_from([LoadState.LOADED, LoadState.EMPTY_UNCLEANED]),
)
overrides = st.lists(
    st.builds(
        Override,
        st.sampled_from(["3", "8", "1203", "1830"]),
        st.sampled_from(["5.1", "6", "1203", "1680"]),
        st.sampled_from(["allowed", "distance", "forbidden"]),
        st.floats(1, 60),
        st.just("稷安〔2026〕1号"),
        st.sampled_from([None, TODAY]),
    ),
    max_size=3,
).map(tuple)
books = st.builds(
    Rulebook,
    matrix=st.sampled_from(list(Matrix)),
    fire_zoning=st.booleans(),
    fire_m=st.sampled_from([5.0, 60.0]),
    overrides=overrides,
)
SODIUM_CYANIDE = Substance("6.1", (), "1689", True, "I", frozenset({GoodsTrait.CYANIDE, GoodsTrait.SOLID}))
SULFURIC = Substance("8", (), "1830", True, "II", frozenset({GoodsTrait.SULFURIC_ACID, GoodsTrait.LIQUID}))
PETROL = Substance("3", (), "1203", True, "II")
METHANOL = Substance("3", ("6.1",), "1230", True, "II")
PHENOL = Substance("6.1", (), "1671", True, "II", frozenset({GoodsTrait.SOLID}))


def one(*substances: Substance) -> Load:
    return Load(substances)


def no_looser(stricter: Verdict, looser: Verdict) -> bool:
    order = [Ruling.ALLOWED, Ruling.DISTANCE, Ruling.FORBIDDEN]
    milder = order.index(stricter.ruling) < order.index(looser.ruling)
    return stricter.needed_m >= looser.needed_m and not milder


@given(loads, loads, books)
def test_it_does_not_matter_who_came_first(first, second, book):
    forth, back = between(first, second, book), between(second, first, book)
    assert (forth.ruling, forth.needed_m) == (back.ruling, back.needed_m)


@given(loads, loads, substances, books)
def test_one_more_substance_never_makes_it_looser(first, second, more, book):
    fuller = replace(first, substances=(*first.substances, more))
    assert no_looser(between(fuller, second, book), between(first, second, book))


@given(substances, loads, classes, books)
def test_one_more_subsidiary_hazard_never_makes_it_looser(substance, other, hazard, book):
    worse = replace(substance, subsidiary=(*substance.subsidiary, hazard), specific=False)
    plain = replace(substance, specific=False)
    assert no_looser(between(one(worse), other, book), between(one(plain), other, book))


@given(substances, loads, books)
def test_knowing_less_never_makes_it_looser(substance, other, book):
    blurred = replace(
        substance,
        packing_group=None,
        specific=False,
        fire_category=None,
        traits=substance.traits - {GoodsTrait.SOLID, GoodsTrait.TIH_ZONE_B, GoodsTrait.TIH_ZONE_C}
        - {GoodsTrait.TIH_ZONE_D},
    )  # fmt: skip
    assert no_looser(between(one(blurred), other, book), between(one(substance), other, book))


@given(loads, loads, books, st.sampled_from(["", "?", "1.9", "none"]))
def test_the_unknown_is_forbidden_beside_everything_whatever_the_park_has_decided(load, other, book, unknown):
    strange = replace(load.substances[0], hazard_class=unknown)
    verdict = between(one(strange), other, book)
    assert verdict.ruling is Ruling.FORBIDDEN and verdict.needed_m >= book.worst_m


@given(loads, books)
def test_whatever_may_not_stand_side_by_side_may_not_share_a_vehicle(load, book):
    """A distance between bays is none between compartments; only fire categories speak of bays alone."""
    plain = replace(book, fire_zoning=False)
    outside = [between(one(a), one(b), plain) for a, b in combinations(load.substances, 2)]
    assert all(no_looser(within(load, book), verdict) for verdict in outside)


@given(loads, loads, books, st.floats(0, 100))
def test_nearer_is_never_safer(first, second, book, metres):
    verdict = between(first, second, book)
    assert not verdict.allows(metres) or verdict.allows(metres + 1)
    assert verdict.needed_m <= book.farthest_m


@given(loads, loads, books)
def test_a_verdict_against_names_what_asks_for_it_and_its_source(first, second, book):
    verdict = between(first, second, book)
    assert verdict.source
    assert (verdict.reason is None) == (verdict.ruling is Ruling.ALLOWED)


@given(loads, books)
def test_a_clean_empty_vehicle_disturbs_nobody(other, book):
    clean = Load(other.substances, LoadState.EMPTY_CLEAN)
    assert between(clean, other, book).ruling is Ruling.ALLOWED
    assert between(clean, clean, book).ruling is Ruling.ALLOWED


@given(loads, loads, books)
def test_uncleaned_counts_as_loaded(first, second, book):
    full = replace(first, load_state=LoadState.LOADED)
    assert between(replace(first, load_state=LoadState.EMPTY_UNCLEANED), second, book) == between(
        full, second, book
    )


@pytest.mark.parametrize("unknown", ["?", "", "10", "2.9", "corrosive", "1.9"])
@pytest.mark.parametrize("known", ["3", "9", "2.2", "?"])
@pytest.mark.parametrize("matrix", list(Matrix))
def test_what_is_not_known_is_kept_from_everything(unknown, known, matrix):
    verdict = between(single(unknown), single(known), Rulebook(matrix))
    assert (verdict.ruling, verdict.note) == (Ruling.FORBIDDEN, SegregationNote.CLASS_UNKNOWN)


def test_a_laden_vehicle_without_a_substance_is_unknown_not_harmless():
    assert between(Load(()), single("9")).ruling is Ruling.FORBIDDEN


@pytest.mark.parametrize(
    ("first", "second", "ruling", "metres"),
    [
        ("3", "5.1", Ruling.DISTANCE, 10),
        ("3", "3", Ruling.ALLOWED, 0),
        ("2.3", "3", Ruling.FORBIDDEN, 25),  # zone not known: read as A
        ("6.1", "8", Ruling.FORBIDDEN, 25),  # packing group not known: read as I, zone A
        ("4.2", "8", Ruling.FORBIDDEN, 25),
        ("8", "5.1", Ruling.DISTANCE, 10),
        ("2", "3", Ruling.FORBIDDEN, 25),  # division not told: the strictest of class 2
        ("9", "5.1", Ruling.ALLOWED, 0),
    ],
)
def test_the_class_alone_is_read_at_its_strictest(first, second, ruling, metres):
    verdict = between(single(first), single(second))
    assert (verdict.ruling, verdict.needed_m) == (ruling, metres)


def test_what_is_known_of_a_substance_is_used():
    """Methanol's 6.1 is packing group II: the highway table asks nothing of it beside petrol."""
    assert between(one(METHANOL), one(PETROL)).ruling is Ruling.ALLOWED
    unknown = replace(METHANOL, packing_group=None)
    assert between(one(unknown), one(PETROL)).reason == ("6.1", "3")
    chlorine = Substance("2.3", ("5.1", "8"), "1017", True, None, frozenset({GoodsTrait.TIH_ZONE_B}))
    assert between(one(chlorine), one(PETROL)).ruling is Ruling.DISTANCE


def test_cyanides_meet_no_acid_in_either_table():
    for matrix in Matrix:
        verdict = between(one(SODIUM_CYANIDE), one(SULFURIC), Rulebook(matrix))
        assert verdict.ruling is Ruling.FORBIDDEN
        assert verdict.note is SegregationNote.CYANIDE_ACID
        assert verdict.source == "49 CFR 177.848(c)"
    assert between(one(SODIUM_CYANIDE), one(replace(SODIUM_CYANIDE, un_number="1680"))).needed_m == 0


def test_a_cyanide_is_known_by_its_number_and_an_acid_by_not_being_known_for_an_alkali():
    """The rule must not hang on a column of the goods list that somebody forgot to fill."""
    cyanide = Substance("6.1", (), "1689", True, "I", frozenset({GoodsTrait.SOLID}))
    lye, unnamed = Substance("8", (), "1824", True, "II"), Substance("8", (), "1760", False, "II")
    aqueous = Substance("6.1", ("3",), "3294", True, "I")
    assert between(one(cyanide), one(unnamed)).note is SegregationNote.CYANIDE_ACID
    assert between(one(cyanide), single("3", ("8",))).note is SegregationNote.CYANIDE_ACID
    assert between(one(cyanide), one(lye)).ruling is Ruling.ALLOWED
    assert between(one(aqueous), one(SULFURIC)).note is SegregationNote.CYANIDE_ACID
    assert between(one(aqueous), one(aqueous)).ruling is Ruling.ALLOWED
    both = Substance("6.1", ("8",), "1935", True, "II")
    assert between(one(both), one(both)).ruling is Ruling.ALLOWED, "a solution is not kept from itself"


def test_note_a_is_said_and_not_applied():
    nitrate, fuse = Substance("5.1", (), "1942", True, "III"), Substance("1.1D", (), "0081", True)
    verdict = between(one(nitrate), one(fuse))
    assert (verdict.ruling, verdict.note) == (Ruling.FORBIDDEN, SegregationNote.NITRATE_EXPLOSIVE)
    assert between(single("5.1"), one(fuse)).note is None


@pytest.mark.parametrize(("first", "second"), [("4.2", "8"), ("6.1", "3"), ("6.1", "5.2"), ("6.1", "8")])
def test_what_is_forbidden_twice_names_both_paragraphs(first, second):
    verdict = between(single(first), single(second))
    assert (verdict.ruling, verdict.source) == (Ruling.FORBIDDEN, "49 CFR 177.848(c), (d)")


def test_the_name_tells_solid_and_liquid_and_a_doubtful_one_tells_nothing_that_helps():
    assert state_of("Potassium cyanide, solid") == {GoodsTrait.SOLID}
    assert state_of("Phenol, molten") == state_of("Ammonia solution (10–35 %)") == {GoodsTrait.LIQUID}
    assert state_of("Solids containing corrosive liquid, n.o.s.") == {GoodsTrait.SOLID, GoodsTrait.LIQUID}
    assert state_of("Calcium carbide") == state_of(None) == frozenset()


def test_corrosive_liquids_beside_classes_4_and_5_carry_the_note():
    assert between(one(SULFURIC), single("5.1")).note is SegregationNote.CORROSIVE_ADJACENT
    assert between(one(SULFURIC), single("4.2")).ruling is Ruling.FORBIDDEN


def test_one_substance_is_not_kept_from_itself_but_two_of_a_generic_name_are():
    generic = Substance("3", ("6.1",), "1992", specific("Flammable liquid, toxic, n.o.s."), "I")
    assert between(one(METHANOL), one(METHANOL)).note is SegregationNote.SAME_SUBSTANCE
    assert between(one(generic), one(generic)).ruling is Ruling.FORBIDDEN
    other = replace(METHANOL, subsidiary=("5.1",))
    assert between(one(METHANOL), one(other)).needed_m > 0, "one number, yet classified as two things"
    strange = replace(METHANOL, hazard_class="?")
    assert between(one(strange), one(strange)).note is SegregationNote.CLASS_UNKNOWN
    assert between(one(METHANOL), one(METHANOL), Rulebook(Matrix.SEA)).source == "49 CFR 176.83(a)(8)"
    assert not specific(None)


def test_two_compartments_that_may_not_travel_together_are_found():
    assert within(one(PETROL, METHANOL)).ruling is Ruling.ALLOWED
    assert within(one(SULFURIC, SODIUM_CYANIDE)).ruling is Ruling.FORBIDDEN
    assert within(one(PETROL)).ruling is Ruling.ALLOWED
    assert within(Load((SULFURIC, SODIUM_CYANIDE), LoadState.EMPTY_UNCLEANED)).ruling is Ruling.FORBIDDEN


def test_fire_categories_and_approvals_for_bays_change_nothing_inside_a_vehicle():
    diesel = Substance("3", (), "1202", True, "III", frozenset(), FireCategory.B)
    petrol = replace(PETROL, fire_category=FireCategory.A)
    assert within(one(diesel, petrol), Rulebook(fire_zoning=True)).ruling is Ruling.ALLOWED
    nitrate = Substance("5.1", (), "1942", True, "III")
    approved = Rulebook(overrides=ruled(a="1942", b="1203", ruling="allowed", approved_on="2026-02-01"))
    assert between(one(nitrate), one(PETROL), approved).ruling is Ruling.ALLOWED
    assert within(one(nitrate, PETROL), approved).ruling is Ruling.DISTANCE
    stern = Rulebook(overrides=ruled(a="1202", b="1203", ruling="distance", distance_m=20))
    assert within(one(diesel, PETROL), stern).ruling is Ruling.DISTANCE


def test_the_sea_table_speaks_when_a_park_chooses_it():
    book = Rulebook.from_policy(Policy.from_mapping({"segregation_imdg": True, "imdg_2_m": 30}))
    verdict = between(one(PETROL), single("5.1"), book)
    assert (verdict.source, verdict.symbol, verdict.needed_m) == ("IMDG Code 7.2.4", "2", 30)
    assert between(single("6.2"), one(PETROL), book).needed_m == 30, "a higher level is never nearer"


def test_fire_categories_stand_apart_where_the_park_says_so_and_an_unknown_one_is_the_worst():
    book = Rulebook(fire_zoning=True)
    a, c = replace(PETROL, fire_category=FireCategory.A), replace(PHENOL, fire_category=FireCategory.C)
    assert between(one(a), one(c), book).note is SegregationNote.FIRE_CATEGORY
    assert between(one(a), one(replace(c, fire_category=None)), book).reason == (FireCategory.A, "?")
    assert between(one(a), one(a), book).ruling is Ruling.ALLOWED
    untold = replace(c, fire_category=None)
    assert between(one(untold), one(replace(untold, un_number="1547")), book).reason == ("?", "?")
    assert between(one(a), one(c)).ruling is Ruling.ALLOWED


def ruled(**entry):
    return read([{"document": "稷安〔2026〕1号", **entry}], TODAY)


def test_a_park_may_be_stricter_freely():
    book = Rulebook(overrides=ruled(a="3", b="6.1", ruling="distance", distance_m=40))
    verdict = between(one(PETROL), one(PHENOL), book)
    assert (verdict.needed_m, verdict.note) == (40, SegregationNote.PARK_OVERRIDE)
    assert verdict.source == "稷安〔2026〕1号"


def test_a_park_is_laxer_only_for_two_named_goods_with_an_approval():
    named = {"a": "1830", "b": "1942", "ruling": "allowed", "approved_on": "2026-02-01"}
    nitrate = Substance("5.1", (), "1942", True, "III")
    assert between(one(SULFURIC), one(nitrate)).needed_m == 10
    assert between(one(SULFURIC), one(nitrate), Rulebook(overrides=ruled(**named))).needed_m == 0
    for less in ({**named, "a": "8"}, {**named, "approved_on": None}):
        assert between(one(SULFURIC), one(nitrate), Rulebook(overrides=ruled(**less))).needed_m == 10
    poison = ruled(a="1830", b="1689", ruling="allowed", approved_on="2026-02-01")
    assert between(one(SULFURIC), one(SODIUM_CYANIDE), Rulebook(overrides=poison)).needed_m == 25


def test_nothing_a_park_decides_lets_cyanide_stand_with_acid():
    """Not even where its own fire distance is the wider one and would be what is eased."""
    poison = ruled(a="1830", b="1689", ruling="allowed", approved_on="2026-02-01")
    book = Rulebook(fire_zoning=True, fire_m=60, overrides=poison)
    verdict = between(one(SULFURIC), one(SODIUM_CYANIDE), book)
    assert (verdict.ruling, verdict.needed_m) == (Ruling.FORBIDDEN, 25)


def test_a_word_about_two_goods_without_an_approval_does_not_undo_a_stricter_one_about_their_classes():
    both = read(
        [
            {"a": "3", "b": "5.1", "ruling": "distance", "distance_m": 40, "document": "甲"},
            {"a": "1203", "b": "1942", "ruling": "distance", "distance_m": 15, "document": "乙"},
        ],
        TODAY,
    )
    nitrate = Substance("5.1", (), "1942", True, "III")
    verdict = between(one(PETROL), one(nitrate), Rulebook(overrides=both))
    assert (verdict.needed_m, verdict.source) == (40, "甲")


def test_a_park_that_asks_for_more_metres_does_not_turn_forbidden_into_a_mere_distance():
    wide = Rulebook(overrides=ruled(a="4.2", b="8", ruling="distance", distance_m=50))
    verdict = between(single("4.2"), single("8"), wide)
    assert (verdict.ruling, verdict.needed_m) == (Ruling.FORBIDDEN, 50)


@pytest.mark.parametrize("name", ["segregation_separated_m", "segregation_forbidden_m", "imdg_1_m"])
def test_a_distance_is_not_switched_off_by_writing_zero(name):
    with pytest.raises(PolicyWrong):
        Policy.from_mapping({name: 0})


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ({"a": "12345"}, "segregation[0].a"),
        ({"b": None}, "segregation[0].b"),
        ({"ruling": "maybe"}, "segregation[0].ruling"),
        ({"distance_m": float("nan")}, "segregation[0].distance_m"),
        ({"distance_m": 0}, "segregation[0].distance_m"),
        ({"document": " "}, "segregation[0].document"),
        ({"approved_on": "2027-01-01"}, "segregation[0].approved_on"),
        ({"approved_on": "yesterday"}, "segregation[0].approved_on"),
        ({"colour": "red"}, "segregation[0].colour"),
    ],
)
def test_a_wrong_rule_is_refused_naming_its_field(entry, where):
    good = {"a": "3", "b": "5.1", "ruling": "distance", "distance_m": 12, "document": "x"}
    assert read([good], TODAY)
    with pytest.raises(RuleWrong) as wrong:
        read([{**good, **entry}], TODAY)
    assert wrong.value.where == where


def test_the_same_pair_is_not_ruled_on_twice():
    good = {"a": "3", "b": "5.1", "ruling": "distance", "distance_m": 12, "document": "x"}
    with pytest.raises(RuleWrong):
        read([good, {**good, "a": "5.1", "b": "3", "distance_m": 30}], TODAY)


def test_a_park_sets_its_own_distances_but_forbidden_is_never_nearer_than_separated():
    odd = Rulebook.from_policy(
        Policy.from_mapping({"segregation_forbidden_m": 5, "segregation_separated_m": 15})
    )
    assert (odd.forbidden_m, odd.separated_m) == (15, 15)
