"""The ring between boundary and control line: every case for every switch, park-wide and per line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from shapely import box

from geo.shapes import LayerKind
from parking.rules.ground import Ground
from parking.rules.monitor import Journey
from parking.rules.policy import Policy, PolicyWrong
from parking.vocabulary import PassageKind
from tests.land import (
    APPROVAL,
    BOOKED,
    EMPTY,
    STRANGER,
    after,
    drive,
    feature,
    fix,
    ground,
    judged,
    kinds,
    offences,
    park,
    stand,
)

UNKNOWN_LOAD = Journey(booked=True, loaded=None, routes=("R1",), booking_id=1)
ON_ROUTE = drive([(0, -1200), (0, -700)])
OFF_ROUTE = drive([(0, -1200), (0, -900), (300, -900), (300, -650)])
STOPPED = drive([(0, -1200), (0, -800)]) + stand(0, -800, 200, begin=60)


def ring(found):
    return sorted({k for k in kinds(found) if k.startswith("ring_")})


@pytest.mark.parametrize("journey", [BOOKED, EMPTY, UNKNOWN_LOAD, STRANGER])
@pytest.mark.parametrize("way", [ON_ROUTE, OFF_ROUTE, STOPPED])
def test_every_crossing_is_recorded_whatever_the_policy(journey, way):
    land = ground(ring_off_route=False, ring_stop=False, ring_unbooked=False)
    found = judged(land, way, journey).findings
    assert [f.kind for f in found] == [PassageKind.CONTROL_LINE_CROSSING]


@pytest.mark.parametrize(
    "switch, way, journey, expected",
    [
        # on the approved route, booked: no offence, loaded or not
        ({}, ON_ROUTE, BOOKED, []),
        ({}, ON_ROUTE, EMPTY, []),
        # off the route: loaded and unknown offend, empty and clean does not
        ({}, OFF_ROUTE, BOOKED, ["ring_off_route"]),
        ({}, OFF_ROUTE, UNKNOWN_LOAD, ["ring_off_route"]),
        ({}, OFF_ROUTE, EMPTY, []),
        ({"ring_off_route": False}, OFF_ROUTE, BOOKED, []),
        # stopped: everybody offends, or only who is or may be loaded
        ({}, STOPPED, BOOKED, ["ring_stop"]),
        ({}, STOPPED, EMPTY, ["ring_stop"]),
        ({"ring_stop_empty": False}, STOPPED, EMPTY, []),
        ({"ring_stop_empty": False}, STOPPED, BOOKED, ["ring_stop"]),
        ({"ring_stop_empty": False}, STOPPED, UNKNOWN_LOAD, ["ring_stop"]),
        ({"ring_stop": False}, STOPPED, BOOKED, []),
        ({"ring_stop_s": 600}, STOPPED, BOOKED, []),
        # unbooked
        ({}, ON_ROUTE, STRANGER, ["ring_unbooked"]),
        ({"ring_unbooked": False}, ON_ROUTE, STRANGER, []),
        ({}, OFF_ROUTE, STRANGER, ["ring_off_route", "ring_unbooked"]),
        ({"ring_unbooked": False}, OFF_ROUTE, STRANGER, ["ring_off_route"]),
    ],
)
@pytest.mark.parametrize("where", ["park", "line"])
def test_each_case_for_each_switch(switch, way, journey, expected, where):
    """The same switches set for the whole park, or by the control line itself against the park's."""
    land = ground(**switch) if where == "park" else lines(CL=switch)
    assert ring(offences(land, way, journey)) == expected


def lines(policy=None, **own):
    """The little park with its control line's own attributes, and perhaps an outer line ``OUT``."""
    made = park()
    others = tuple(f for f in made.features if f.kind is not LayerKind.CONTROL_LINE)
    drawn = {"CL": box(-1000, -1000, 1000, 1000), "OUT": box(-1600, -1600, 1600, 1600)}
    made_lines = tuple(
        feature(LayerKind.CONTROL_LINE, code, drawn[code], APPROVAL, **switches)
        for code, switches in own.items()
    )
    return Ground(replace(made, features=(*others, *made_lines)), Policy.from_mapping(policy or {}))


def test_one_line_may_be_strict_and_the_other_not():
    land = lines(OUT={"ring_unbooked": False}, CL={})
    found = offences(land, drive([(0, -1700), (0, -700)]), STRANGER)
    assert [f.subject for f in found if f.kind == "ring_unbooked"] == ["CL"]
    both = offences(lines(OUT={}, CL={}), drive([(0, -1700), (0, -700)]), STRANGER)
    assert [f.subject for f in both if f.kind == "ring_unbooked"] == ["OUT"]


def test_where_two_rings_overlap_the_stricter_one_holds():
    inner = stand(0, -800, 200)
    assert ring(offences(lines(OUT={"ring_stop": False}, CL={}), inner)) == ["ring_stop"]
    assert ring(offences(lines(OUT={"ring_stop": False}, CL={"ring_stop": False}), inner)) == []
    outer = stand(0, -1300, 200)
    assert ring(offences(lines(OUT={"ring_stop": False}, CL={}), outer)) == []
    assert ring(offences(lines(OUT={}, CL={}), outer)) == ["ring_stop"]


@pytest.mark.parametrize(
    "word, expected", [("false", False), ("0", False), (0, False), ("Yes", True), (True, True)]
)
def test_a_drawing_writes_true_and_false_in_its_own_way(word, expected):
    assert Policy().of_line({"ring_stop": word}).ring_stop is expected


def test_an_empty_cell_says_nothing():
    assert Policy(ring_stop=False).of_line({"ring_stop": None, "ring_stop_s": ""}) == Policy(ring_stop=False)


@pytest.mark.parametrize("attributes", [{"ring_stop": "maybe"}, {"ring_stop_s": "long"}, {"ring_stop_s": -1}])
def test_a_wrong_attribute_of_a_line_is_named(attributes):
    with pytest.raises(PolicyWrong, match=next(iter(attributes))):
        Policy().of_line(attributes)


# ── one stay, one violation ─────────────────────────────────────────────────────────────────────────────


def unbooked(found):
    return [f for f in found if f.kind == "ring_unbooked"]


def test_wandering_over_the_control_line_and_back_is_one_stay():
    edge = [fix(-600 + 20 * n, -1000 + (25 if n % 3 else -25), 15 * n, 6) for n in range(40)]
    (stay,) = unbooked(offences(ground(), edge, STRANGER))
    assert stay.ended_at is None


def test_who_leaves_for_more_than_a_minute_and_returns_has_been_there_twice():
    there = drive([(0, -1200), (0, -900)])
    away = drive([(0, -900), (0, -1500)], begin=after(there))
    back = drive([(0, -1500), (0, -900)], begin=after(away, 60))
    found = unbooked(offences(ground(), there + away + back, STRANGER))
    assert len(found) == 2 and found[0].ended_at is not None and found[1].ended_at is None
    assert found[0].ended_at <= away[-1].time


def test_a_silence_outside_ends_a_stay_too():
    seen = [fix(0, -900, 0, 20), fix(0, -950, 10, 20), fix(0, -1100, 30, 20), fix(0, -900, 900, 20)]
    assert len(unbooked(offences(ground(), seen, STRANGER))) == 2


def test_two_lines_one_inside_the_other_are_one_stay():
    weaves = [fix(-600 + 20 * n, -1000 + (25 if n % 3 else -25), 15 * n, 6) for n in range(40)]
    assert [f.subject for f in unbooked(offences(lines(CL={}, OUT={}), weaves, STRANGER))] == ["OUT"]


def test_a_booking_ends_it_at_once():
    state = judged(ground(), ON_ROUTE, STRANGER).state
    (ended,) = unbooked(judged(ground(), [fix(0, -690, 200, 20)], BOOKED, state).findings)
    assert ended.ended_at is not None


def test_the_very_first_fix_accuses_nobody_the_second_does():
    one = [fix(0, -900, 0, 20)]
    assert offences(ground(), one, STRANGER) == []
    (told,) = offences(ground(), [*one, fix(0, -880, 5, 20)], STRANGER)
    assert told.started_at == one[0].time
