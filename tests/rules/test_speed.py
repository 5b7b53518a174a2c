"""Speeding by what the terminal says and by what the distance says, each episode once."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from geo.shapes import LayerKind
from parking.vocabulary import Certainty, ViolationKind
from tests.land import after, drive, feature, fix, ground, offences


def speeding(found):
    return [f for f in found if f.kind is ViolationKind.SPEEDING]


def says(fixes, speed):
    return [replace(f, speed_kmh=speed) for f in fixes]


FAST = drive([(0, -450), (0, 380)], kmh=70)


@pytest.mark.parametrize("speed", [None, 0.0, 3.0, 20.0])
def test_a_speed_missing_or_stuck_hides_no_speeding(land, speed):
    (found,) = speeding(offences(land, says(FAST, speed)))
    assert found.certainty is Certainty.INFERRED
    assert found.facts["measured"] and 33 < found.facts["peak_kmh"] <= 70
    assert found.started_at == FAST[0].time


@pytest.mark.parametrize("every", [5, 10, 30])
def test_by_distance_it_is_found_at_every_interval_that_leaves_three_steps(land, every):
    fixes = says(drive([(-450, -200), (450, -200), (450, 300), (-450, 300)], kmh=70, every_s=every), 0.0)
    assert len(speeding(offences(land, fixes))) == 1


def test_the_terminals_own_speed_makes_it_certain(land):
    (found,) = speeding(offences(land, FAST))
    assert found.certainty is Certainty.CERTAIN and not found.facts["measured"]


def test_two_steps_are_not_enough_for_the_distance_alone(land):
    there_and_back = [
        fix(0, 0, 0, 0),
        fix(0, 0, 10, 0),
        fix(0, 140, 20, 0),
        fix(0, 5, 30, 0),
        fix(0, 5, 40, 0),
    ]
    assert speeding(offences(land, there_and_back)) == []


@given(seed=st.integers(0, 10_000), every=st.sampled_from([5.0, 10.0, 20.0]))
def test_jitter_is_no_speed(seed, every):
    """A truck at 25 km/h whose terminal says nothing, with every fix up to the terminal's accuracy off."""
    dice = random.Random(seed)
    honest = drive([(0, -450), (0, 380)], kmh=25, every_s=every)
    jitters = [
        replace(
            f, lon=f.lon + dice.uniform(-1e-4, 1e-4), lat=f.lat + dice.uniform(-1e-4, 1e-4), speed_kmh=None
        )
        for f in honest
    ]
    assert speeding(offences(ground(), jitters)) == []


def test_a_gap_is_no_measured_speed(land):
    fixes = [fix(0, -400 + 200 * n, 100 * n, 0.0) for n in range(4)]
    assert speeding(offences(land, fixes)) == []


def test_outside_the_boundary_nothing_is_measured(land):
    assert speeding(offences(land, says(drive([(0, -1700), (0, -560)], kmh=80), 0.0))) == []


# ── one episode, one violation ──────────────────────────────────────────────────────────────────────────


def zones(*limits):
    """Strips of 100 m from y = -450 northwards, each with its own limit."""
    return ground(
        *(
            feature(
                LayerKind.ZONE, f"Z{n}", box(-200, -450 + 100 * n, 200, -350 + 100 * n), speed_limit_kmh=limit
            )
            for n, limit in enumerate(limits)
        )
    )


def test_through_several_zones_it_is_one_violation(land):
    (found,) = speeding(offences(zones(30, 30, 30, 30), drive([(0, -440), (0, -60)], kmh=60)))
    assert found.subject == "Z0"


def test_the_worst_place_is_told(land):
    (found,) = speeding(offences(zones(30, 30, 10, 30), drive([(0, -440), (0, -60)], kmh=40)))
    assert (found.facts["limit_kmh"], found.facts["zone"], found.facts["band"]) == (10, "Z2", ">=50")


def test_along_the_edge_of_a_slow_zone_it_is_one_violation():
    slow = ground(feature(LayerKind.ZONE, "SLOW", box(0, -450, 200, 400), speed_limit_kmh=10))
    weaves = [fix(6 if n % 4 else -6, -440 + 35 * n, 5 * n, 25) for n in range(24)]
    assert len(speeding(offences(slow, weaves))) == 1


def test_a_short_dip_is_the_same_episode_a_long_one_is_not(land):
    def dipping(slow_fixes):
        speeds = [50] * 5 + [20] * slow_fixes + [50] * 5
        spots = [-450 + sum(speeds[:n]) / 3.6 * 5 for n in range(len(speeds))]
        return [fix(0, y, 5 * n, v) for n, (y, v) in enumerate(zip(spots, speeds, strict=True))]

    assert len(speeding(offences(land, dipping(1)))) == 1
    assert len(speeding(offences(land, dipping(4)))) == 2


def test_after_a_silence_it_is_another_episode(land):
    first = drive([(0, -450), (0, -150)], kmh=50)
    slow = [fix(0, -100, after(first), 20)]
    second = drive([(0, 0), (0, 300)], kmh=50, begin=after(first) + 900)
    assert len(speeding(offences(land, first + slow + second))) == 2


def test_it_ends_when_it_was_last_too_fast(land):
    fast = drive([(0, -450), (0, -100)], kmh=50)
    slow = drive([(0, -80), (0, 100)], kmh=20, begin=after(fast))
    (found,) = speeding(offences(land, fast + slow))
    assert found.ended_at == fast[-2].time
