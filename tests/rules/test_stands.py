"""A stop is a stop though the receiver wanders; a wrong bay is one only when the positions leave no doubt."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from geo.shapes import LayerKind
from parking.rules.monitor import Journey
from parking.vocabulary import Certainty, Mark, ViolationKind
from tests.land import after, drive, feature, fix, ground, judged, kinds, offences, stand


def stops(findings):
    return [f for f in findings if f.kind is ViolationKind.ILLEGAL_STOP]


@pytest.mark.parametrize("speed", [None, 0.0, 6.0])
@pytest.mark.parametrize("far", [35, 70, 120])
def test_one_stray_each_200_seconds_hides_no_stop(land, speed, far):
    fixes = [
        fix(0, 100 + (far if n % 10 == 5 else 0), 20 * n, speed if n % 10 == 5 else 0.0) for n in range(61)
    ]
    (stop,) = stops(offences(land, fixes))
    assert stop.ended_at is None and stop.facts["seconds"] == 1200


def test_a_stray_into_the_lot_does_not_excuse_a_stop_beside_it(land):
    fixes = stand(-180, -325, 600)
    fixes[12] = fix(-210, -325, 240, 0)
    assert len(stops(offences(land, fixes))) == 1


def test_a_stray_out_of_the_lot_makes_no_stop(land):
    fixes = stand(-210, -325, 3600)
    for n in range(5, 180, 9):
        fixes[n] = fix(-170, -325, 20 * n, None)
    assert stops(offences(land, fixes)) == []


def test_driving_to_and_fro_is_no_standing(land):
    """Every other fix at the same place: a shuttle, not a stop with strays."""
    fixes = [fix(0, 100 if n % 2 else 250, 30 * n, 18) for n in range(40)]
    assert stops(offences(land, fixes)) == []


def test_a_stop_ends_where_the_vehicle_was_last_seen_standing(land):
    standing = stand(0, 100, 400)
    leaves = drive([(0, 100), (0, 300)], begin=after(standing, 20))
    (stop,) = stops(offences(land, standing + leaves))
    assert stop.ended_at is not None and stop.ended_at <= leaves[5].time


def test_moving_up_by_eighty_metres_is_another_stop(land):
    fixes = stand(0, 60, 200) + stand(0, 140, 260, begin=220)
    assert stops(offences(land, fixes)) == []


@given(seed=st.integers(0, 10_000), sigma=st.sampled_from([1.0, 4.0, 8.0]))
def test_a_parked_vehicle_that_wanders_is_one_stop(seed, sigma):
    """Within the drift real parked vehicles show, whatever the dice say, ten minutes are one stop."""
    dice, land = random.Random(seed), ground()
    wanders = [fix(dice.gauss(0, sigma), 100 + dice.gauss(0, sigma), 15 * n, 0.0) for n in range(41)]
    assert len(stops(offences(land, wanders))) == 1


# ── the wrong bay ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def lot():
    """Twenty bays of 4 × 20 m side by side, from x = -400."""
    bays = [
        feature(LayerKind.BAY, f"B{n:02d}", box(-400 + 4 * n, -360, -396 + 4 * n, -340)) for n in range(20)
    ]
    return ground(*bays)


def assigned(bay):
    return Journey(booked=True, loaded=True, routes=("R1",), booking_id=1, visit_id=1, bay=bay)


def in_bay(number, dx=0.0, dy=0.0, **more):
    return stand(-398 + 4 * number + dx, -350 + dy, 900, **more)


def wrong(findings):
    return [f for f in findings if f.kind is ViolationKind.WRONG_BAY]


def test_standing_in_another_bay_is_told_once_and_never_as_certain(lot):
    (found,) = wrong(offences(lot, in_bay(12), assigned("B02")))
    assert (found.subject, found.facts["near"], found.certainty) == ("B02", "B12", Certainty.INFERRED)
    assert found.facts["away_m"] == 38 and found.ended_at is None


@pytest.mark.parametrize("other", [2, 3, 5, 8])
def test_a_bay_within_the_drift_of_ones_own_proves_nothing(lot, other):
    assert wrong(offences(lot, in_bay(other), assigned("B02"))) == []


def test_ten_minutes_are_needed(lot):
    assert wrong(offences(lot, in_bay(12)[:30], assigned("B02"))) == []
    assert len(wrong(offences(lot, in_bay(12)[:31], assigned("B02")))) == 1


def test_standing_on_the_aisle_of_the_lot_is_in_no_other_bay(lot):
    assert wrong(offences(lot, in_bay(12, dy=50), assigned("B02"))) == []


@pytest.mark.parametrize("bay", [None, "X99"])
def test_without_an_assigned_bay_that_is_drawn_nothing_is_wrong(lot, bay):
    assert wrong(offences(lot, in_bay(12), assigned(bay))) == []


@given(seed=st.integers(0, 10_000))
def test_drift_in_ones_own_bay_accuses_nobody(seed):
    dice = random.Random(seed)
    bays = [
        feature(LayerKind.BAY, f"B{n:02d}", box(-400 + 4 * n, -360, -396 + 4 * n, -340)) for n in range(20)
    ]
    bias = dice.uniform(-12, 12)
    fixes = [fix(-390 + bias + dice.gauss(0, 8), -350 + dice.gauss(0, 8), 20 * n, 0.0) for n in range(60)]
    assert wrong(offences(ground(*bays), fixes, assigned("B02"))) == []


def test_it_ends_when_the_vehicle_leaves_or_the_bay_is_assigned_anew(lot):
    leaves = drive([(-350, -330), (-300, -260)], kmh=8, begin=920)
    (left,) = wrong(offences(lot, in_bay(12) + leaves, assigned("B02")))
    assert left.ended_at is not None
    state = judged(lot, in_bay(12), assigned("B02")).state
    (mended,) = wrong(judged(lot, [fix(-350, -350, 920, 0)], assigned("B12"), state).findings)
    assert mended.ended_at is not None


def test_the_metres_and_minutes_are_the_parks_own():
    bays = [
        feature(LayerKind.BAY, f"B{n:02d}", box(-400 + 4 * n, -360, -396 + 4 * n, -340)) for n in range(20)
    ]
    strict = ground(*bays, wrong_bay_m=10, wrong_bay_min=2)
    assert len(wrong(offences(strict, in_bay(6)[:8], assigned("B02")))) == 1


def test_a_drift_fix_is_not_counted_into_the_middle(lot):
    fixes = in_bay(2)
    fixes[20] = replace(fixes[20], lon=fixes[20].lon + 0.002)
    result = judged(lot, fixes, assigned("B02"))
    assert result.marks.count(Mark.DRIFT) == 1 and kinds(result.findings) == []
