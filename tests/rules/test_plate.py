"""Plates: one spelling, known shapes, nobody locked out by a typing slip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.rules.plate import PROVINCES, normalise, valid


@pytest.mark.parametrize(
    ("typed", "plate"),
    [
        ("晋M12345", "晋M12345"),
        (" 晋 m·1 2 3 4 5 ", "晋M12345"),
        ("晋Ｍ１２３４５", "晋M12345"),
        ("晋MO1I45", "晋M01145"),
        ("晋M-1234挂", "晋M1234挂"),
        ("晋MD12345", "晋MD12345"),
        ("晋M12345D", "晋M12345D"),
        ("粤Z1234港", "粤Z1234港"),
        ("晋M1234警", "晋M1234警"),
    ],
)
def test_every_common_spelling_becomes_one_valid_plate(typed, plate):
    assert normalise(typed) == plate
    assert valid(plate)


@pytest.mark.parametrize(
    "wrong",
    ["", "晋", "M12345", "晋M1234", "晋M123456", "晋I12345", "晋M12345挂", "晋M1234O", "ABCDEFG", "晋M١٢٣٤٥"],
)
def test_what_is_no_plate_is_not_taken_for_one(wrong):
    assert not valid(wrong)


def test_the_area_letter_is_never_turned_into_a_digit():
    assert normalise("晋O12345") == "晋O12345"


def test_there_are_31_provinces():
    assert len(set(PROVINCES)) == len(PROVINCES) == 31


@given(st.text(st.sampled_from("晋京挂学 ·-ＭＯ１ioIOmz0189")))
def test_normalising_twice_changes_nothing(text):
    once = normalise(text)
    assert normalise(once) == once
