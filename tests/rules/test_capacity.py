"""The indicator Σ q/Q: exact over time, honest about residues, and never higher than a limit allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.rules import capacity
from parking.rules.capacity import Amount, Content
from parking.rules.park_rules import IndexLimit
from parking.vocabulary import Advice, LoadState, Refusal

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LIMIT = IndexLimit(0.8, 1.0)
LOADED = LoadState.LOADED
AMMONIA = Content("1005", 25_000, 10.0)
METHANOL = Content("1230", 30_000, 500.0)


def at(hour):
    return NOW + timedelta(hours=hour)


def amount(n, share, begins, ends, zone="Z"):
    return Amount(n, f"P{n}", zone, share, at(begins), None if ends is None else at(ends))


@st.composite
def amounts(draw):
    made = []
    for n in range(draw(st.integers(0, 7))):
        begins = draw(st.integers(0, 20))
        ends = draw(st.none() | st.integers(begins + 1, 24))
        made.append(amount(n + 1, draw(st.integers(0, 40)) / 100, begins, ends, draw(st.sampled_from("XYZ"))))
    return made


def slow(made, zone, begins, ends):
    """Look at every hour of the period: obviously right, since everything here begins on the hour."""
    sums = [
        sum(
            a.share
            for a in made
            if (zone is None or a.zone == zone) and a.begins <= at(h) and (a.ends is None or at(h) < a.ends)
        )
        for h in range(begins, ends)
    ]
    return max(sums, default=0.0)


def test_a_tanker_of_ammonia_is_two_and_a_half_lots_and_one_of_methanol_a_sixteenth():
    assert capacity.share([AMMONIA], LOADED, 500) == 2.5
    assert capacity.share([METHANOL], LOADED, 500) == pytest.approx(0.06)


def test_an_emptied_tank_holds_its_residue_and_a_cleaned_one_nothing():
    residue = Content("1005", 0, 10.0, residue=True)
    assert capacity.share([residue], LoadState.EMPTY_UNCLEANED, 500) == pytest.approx(0.05)
    assert capacity.share([AMMONIA], LoadState.EMPTY_UNCLEANED, 500) == pytest.approx(0.05)
    told = Content("1005", 800, 10.0, residue=True)
    assert capacity.share([told], LoadState.EMPTY_UNCLEANED, 500) == pytest.approx(0.08)
    assert capacity.share([AMMONIA], LoadState.EMPTY_CLEAN, 500) == 0


def test_compartments_add_up_and_goods_without_a_critical_quantity_are_counted_apart():
    mixed = [METHANOL, Content("3082", 20_000, None), METHANOL]
    assert capacity.share(mixed, LOADED, 500) == pytest.approx(0.12)
    assert capacity.unlisted(mixed) == 1


@given(amounts(), st.sampled_from([None, "X", "Y"]), st.integers(0, 20), st.integers(1, 6))
def test_the_peak_is_what_a_slow_look_at_every_instant_finds(made, zone, begins, hours):
    found = capacity.peak(made, zone, at(begins), at(begins + hours))
    assert found.total == pytest.approx(slow(made, zone, begins, begins + hours))
    assert sum(a.share for a in found.parts) == pytest.approx(found.total)


@given(amounts(), st.randoms())
def test_the_order_of_stays_does_not_matter(made, chance):
    shuffled = made.copy()
    chance.shuffle(shuffled)
    assert capacity.peak(made, None, NOW, at(24)).total == pytest.approx(
        capacity.peak(shuffled, None, NOW, at(24)).total
    )


@given(amounts(), st.integers(1, 60), st.integers(0, 20), st.integers(1, 6))
def test_whoever_is_accepted_exceeds_no_limit_at_any_instant(made, percent, begins, hours):
    newcomer = amount(99, percent / 100, begins, begins + hours, "X")
    if not capacity.against(newcomer, made, LIMIT, IndexLimit(0.5, 0.6)):
        assert slow([*made, newcomer], None, begins, begins + hours) <= 1.0 + 1e-6
        assert slow([*made, newcomer], "X", begins, begins + hours) <= 0.6 + 1e-6


@given(amounts(), amounts())
def test_one_more_stay_never_lowers_the_sum(made, more):
    assert (
        capacity.peak([*made, *more], None, NOW, at(24)).total
        >= capacity.peak(made, None, NOW, at(24)).total - 1e-9
    )


def test_an_overdue_vehicle_goes_on_counting():
    overdue = amount(1, 0.9, 0, None)
    reasons = capacity.against(amount(2, 0.2, 20, 22), [overdue], LIMIT, LIMIT)
    assert [r.word for r in reasons] == [Refusal.INDEX_LOT, Refusal.INDEX_ZONE]
    assert reasons[0].facts["index"] == "1.10"


def test_what_adds_nothing_is_not_refused_for_what_others_hold():
    assert capacity.against(amount(2, 0.0, 0, 5), [amount(1, 5.0, 0, 9)], LIMIT, LIMIT) == ()


def test_a_limit_is_never_said_to_be_kept_by_rounding():
    reasons = capacity.against(amount(1, 1.0001, 0, 5), [], LIMIT, LIMIT)
    assert reasons[0].facts["index"] == "1.01"


def test_beside_an_acceptance_the_sum_is_said_and_from_the_warning_on_loudly():
    assert capacity.advice(amount(1, 0.5, 0, 5), [], LIMIT, LIMIT)[0].word is Advice.INDEX_LOW
    high = capacity.advice(amount(1, 0.5, 0, 5), [amount(2, 0.4, 3, 9)], LIMIT, LIMIT)
    assert high[0].word is Advice.INDEX_HIGH
