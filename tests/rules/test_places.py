"""Who is two: connections and positions that take turns; who only roams or jumps is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.rules.places import KEPT, Arrival, Spot, alternate, distance_m, remember, take_turns

START = datetime(2026, 3, 2, tzinfo=UTC)
WITHIN = timedelta(minutes=10)


def history(*came):
    """(second, source[, over]) of each connection."""
    kept = ()
    for second, source, *over in came:
        kept = remember(kept, Arrival(START + timedelta(seconds=second), source, bool(over)))
    return kept


def turns(*came, at=300):
    return take_turns(history(*came), START + timedelta(seconds=at), WITHIN, 3)


def test_two_addresses_that_come_back_in_turn_are_two_devices():
    assert turns((0, "a"), (60, "b"), (90, "a"), (120, "b")) == ("a", "b")


def test_a_lorry_that_roams_from_address_to_address_is_one():
    assert turns((0, "a"), (60, "b"), (90, "c"), (120, "d")) == ()


def test_coming_back_once_or_over_hours_is_no_turn_taking():
    assert turns((0, "a"), (60, "b"), (90, "a")) == ()
    assert turns((0, "a"), (3600, "b"), (7200, "a"), (10800, "b"), at=10900) == ()


def test_behind_one_balancer_devices_that_throw_each_other_out_are_seen_too():
    assert turns((0, "a"), (5, "a", 1), (10, "a", 1), (15, "a", 1)) == ("a",)
    assert turns((0, "a"), (100, "a", 1), (200, "a", 1), (290, "a", 1)) == (), (
        "a bad line leaves old connections"
    )


def test_the_history_is_short_and_a_reconnect_from_the_same_place_adds_nothing():
    assert len(history(*((n, "a") for n in range(50)))) == 1
    assert len(history(*((n, f"a{n}") for n in range(50)))) == KEPT


def spots(*places, every=30):
    return [Spot(START + timedelta(seconds=every * n), *p) for n, p in enumerate(places)]


HERE, THERE = (110.92, 35.68), (110.92, 36.68)


def test_two_tracks_that_interleave_are_two_devices():
    pair = alternate(spots(*[HERE, THERE] * 4), 160, 3)
    assert pair is not None and {p.lat for p in pair} == {35.68, 36.68}
    assert distance_m(*pair) == pytest.approx(111_195, rel=0.01)


def test_a_jump_or_a_long_ferry_is_one_device():
    assert alternate(spots(HERE, HERE, THERE, HERE, HERE, HERE), 160, 3) is None
    assert alternate(spots(HERE, THERE, THERE, THERE, THERE), 160, 3) is None
    assert alternate(spots(HERE, THERE, HERE, THERE, HERE, every=3600), 160, 3) is None


@given(st.lists(st.floats(-0.001, 0.001), min_size=2, max_size=40))
def test_a_drivable_track_never_is(steps):
    lat, track = 35.68, []
    for step in steps:
        lat += step
        track.append((110.92, lat))
    assert alternate(spots(*track), 160, 3) is None
