"""The two published tables, cell by cell, against copies typed a second time in another layout."""

from __future__ import annotations

import pytest

from parking.rules.matrices import TABLES, Matrix, Symbol, columns
from parking.rules.substance import Substance
from parking.vocabulary import GoodsTrait

BOTH_ZONES = ("2.3A", "2.3B")
EXPLOSIVES = ("1.1", "1.3", "1.4", "1.5", "1.6")

#: 49 CFR 177.848(d), by pair: what each class is kept from, above the diagonal.
HIGHWAY_FORBIDDEN = {
    "1.1": "2.1 2.2 2.3A 2.3B 3 4.1 4.2 4.3 5.1 5.2 6.1 7 8",
    "1.3": "2.1 2.3A 2.3B 3 4.2 4.3 5.1 5.2 6.1 8",
    "1.5": "2.1 2.2 2.3A 2.3B 3 4.1 4.2 4.3 5.1 5.2 6.1 7 8",
    "2.1": "2.3A",
    "2.3A": "3 4.1 4.2 4.3 5.1 5.2 8",
    "3": "6.1",
    "4.1": "6.1",
    "4.2": "6.1 8",
    "4.3": "6.1",
    "5.1": "6.1",
    "5.2": "6.1",
    "6.1": "8",
}
HIGHWAY_SEPARATED = {
    "1.4": "2.1 2.3A 2.3B 3 4.2 6.1 8",
    "2.1": "2.3B 6.1 7",
    "2.3B": "3 4.1 4.2 4.3 5.1 5.2 8",
    "3": "5.1",
    "4.1": "8",
    "4.3": "8",
    "5.1": "8",
    "5.2": "8",
}
#: IMDG Code 7.2.4, by class: the classes it must be 1, 2, 3, 4 from. Every pair stands here twice.
SEA = {
    "1.1": ("", "2.2 2.3 6.1 7", "", "2.1 3 4.1 4.2 4.3 5.1 5.2 6.2 8"),
    "1.3": ("", "2.2 2.3 6.1 7 8", "4.1 4.2", "2.1 3 4.3 5.1 5.2 6.2"),
    "1.4": ("2.2 2.3", "2.1 3 4.1 4.2 4.3 5.1 5.2 7 8", "", "6.2"),
    "2.1": ("4.1 8", "1.4 3 4.2 4.3 5.1 5.2 7", "", "1.1 1.3 6.2"),
    "2.2": ("1.4 3 4.2 5.2 7", "1.1 1.3 6.2", "", ""),
    "2.3": ("1.4 7", "1.1 1.3 3 4.2 5.2 6.2", "", ""),
    "3": ("2.2", "1.4 2.1 2.3 4.2 4.3 5.1 5.2 7", "6.2", "1.1 1.3"),
    "4.1": ("2.1 4.2 5.1 8", "1.4 5.2 7", "1.3 6.2", "1.1"),
    "4.2": ("2.2 4.1 4.3 6.1 8", "1.4 2.1 2.3 3 5.1 5.2 7", "1.3 6.2", "1.1"),
    "4.3": ("4.2 8", "1.4 2.1 3 5.1 5.2 6.2 7", "", "1.1 1.3"),
    "5.1": ("4.1 6.1 7", "1.4 2.1 3 4.2 4.3 5.2 8", "6.2", "1.1 1.3"),
    "5.2": ("2.2 6.1", "1.4 2.1 2.3 3 4.1 4.2 4.3 5.1 7 8", "6.2", "1.1 1.3"),
    "6.1": ("4.2 5.1 5.2 6.2", "1.1 1.3", "", ""),
    "6.2": ("6.1", "2.2 2.3 4.3", "3 4.1 4.2 5.1 5.2 7 8", "1.1 1.3 1.4 2.1"),
    "7": ("2.2 2.3 5.1", "1.1 1.3 1.4 2.1 3 4.1 4.2 4.3 5.2 8", "6.2", ""),
    "8": ("2.1 4.1 4.2 4.3", "1.3 1.4 5.1 5.2 7", "6.2", "1.1"),
    "9": ("", "", "", ""),
}


def highway(one: str, other: str) -> Symbol:
    if one in EXPLOSIVES and other in EXPLOSIVES:
        return Symbol.FORBIDDEN  # compatibility groups; no public lot takes class 1
    first, second = sorted((one, other), key=TABLES[Matrix.HIGHWAY].columns.index)
    if second in HIGHWAY_FORBIDDEN.get(first, "").split():
        return Symbol.FORBIDDEN
    return Symbol.SEPARATED if second in HIGHWAY_SEPARATED.get(first, "").split() else Symbol.FREE


def sea(one: str, other: str) -> Symbol:
    if one in EXPLOSIVES and other in EXPLOSIVES:
        return Symbol.FORBIDDEN
    levels = [i for i, classes in enumerate(SEA[one], 1) if other in classes.split()]
    return Symbol(str(levels[0])) if levels else Symbol.FREE


def test_the_highway_table_agrees_with_the_copy_typed_twice():
    cells = TABLES[Matrix.HIGHWAY].cells
    assert len(cells) == 18 * 18
    assert {pair: highway(*pair) for pair in cells} == cells


def test_the_sea_table_agrees_with_the_copy_typed_twice():
    cells = TABLES[Matrix.SEA].cells
    assert len(cells) == 17 * 17
    assert {pair: sea(*pair) for pair in cells} == cells


@pytest.mark.parametrize("matrix", list(Matrix))
def test_a_table_means_the_same_read_either_way(matrix):
    cells = TABLES[matrix].cells
    assert [pair for pair in cells if cells[pair] is not cells[pair[1], pair[0]]] == []


@pytest.mark.parametrize(
    ("matrix", "hazard", "expected"),
    [
        (Matrix.HIGHWAY, "2", ("2.1", "2.2", "2.3A", "2.3B")),
        (Matrix.HIGHWAY, "2.3", ("2.3A", "2.3B")),
        (Matrix.HIGHWAY, "1.2", ("1.1",)),
        (Matrix.HIGHWAY, "1.4S", ("1.4",)),
        (Matrix.HIGHWAY, "9", ()),
        (Matrix.HIGHWAY, "6.2", ()),
        (Matrix.SEA, "1.5", ("1.1",)),
        (Matrix.SEA, "1.6", ("1.3",)),
        (Matrix.SEA, "9", ("9",)),
        *((m, bad, None) for m in Matrix for bad in ("?", "", "10", "2.9", "corrosive", "1.9")),
    ],
)
def test_a_class_finds_its_columns_and_what_is_none_finds_nothing(matrix, hazard, expected):
    assert columns(matrix, Substance(hazard), hazard) == expected


@pytest.mark.parametrize(
    ("substance", "hazard", "expected"),
    [
        (Substance("2.3", traits=frozenset({GoodsTrait.TIH_ZONE_B})), "2.3", ("2.3B",)),
        (Substance("2.3", traits=frozenset({GoodsTrait.TIH_ZONE_D})), "2.3", ("2.3B",)),
        (Substance("2.3", traits=frozenset({GoodsTrait.TIH_ZONE_A})), "2.3", BOTH_ZONES),
        (
            Substance("2.3", traits=frozenset({GoodsTrait.TIH_ZONE_A, GoodsTrait.TIH_ZONE_B})),
            "2.3",
            BOTH_ZONES,
        ),
        (Substance("6.1"), "6.1", ("6.1",)),
        (Substance("6.1", packing_group="I", traits=frozenset({GoodsTrait.TIH_ZONE_B})), "6.1", ()),
        (Substance("6.1", packing_group="II", traits=frozenset({GoodsTrait.TIH_ZONE_A})), "6.1", ("6.1",)),
        (Substance("6.1", packing_group="I"), "6.1", ("6.1",)),
        (Substance("6.1", packing_group="II"), "6.1", ()),
        (Substance("8"), "8", ("8",)),
        (Substance("8", traits=frozenset({GoodsTrait.SOLID})), "8", ()),
        (Substance("8", traits=frozenset({GoodsTrait.SOLID, GoodsTrait.LIQUID})), "8", ("8",)),
    ],
)
def test_only_what_is_known_takes_a_substance_out_of_a_column(substance, hazard, expected):
    assert columns(Matrix.HIGHWAY, substance, hazard) == expected
