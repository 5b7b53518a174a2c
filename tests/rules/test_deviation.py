"""Off the approved route: one violation, from where it left to where it came back, by the metres driven."""

from datetime import datetime
from math import dist

import pytest
from shapely import LineString

from geo.shapes import LayerKind
from parking.rules.monitor import Journey, State, judge
from parking.vocabulary import Mark
from tests.land import FRAME, LATER, ORIGIN, after, drive, feature, fix, ground, judged, kinds, offences

DETOUR = [(0, -200), (0, 0), (200, 0), (200, 250), (0, 250), (0, 380)]


def place(lon, lat):
    x, y = FRAME.metres([lon], [lat])
    return float(x[0]) - ORIGIN[0], float(y[0]) - ORIGIN[1]


def deviations(found):
    return [f for f in found if f.kind.value in ("route_deviation", "ring_off_route", "wrong_way")]


def test_it_begins_where_the_vehicle_turned_away_and_ends_where_it_came_back(land):
    (found,) = offences(land, drive(DETOUR))
    assert dist(place(found.lon, found.lat), (0, 0)) < 50
    assert dist(place(found.facts["end_lon"], found.facts["end_lat"]), (0, 250)) < 50
    assert found.facts["driven_m"] == pytest.approx(650 - 60, abs=30)
    assert found.facts["largest_offset_m"] == pytest.approx(200, abs=1)
    assert found.facts["reason"] == "off_route"


def test_between_sparse_fixes_it_begins_where_it_left_the_route_not_on_the_straight_line(land):
    way = LineString(DETOUR)
    spots = [way.interpolate(s) for s in (0, 350, 620, 850, 1000)]
    (found,) = offences(land, [fix(p.x, p.y, 45 * n, 25) for n, p in enumerate(spots)])
    assert dist(place(found.lon, found.lat), (0, 0)) < 50
    earliest, latest = (datetime.fromisoformat(found.facts[k]) for k in ("earliest_at", "latest_at"))
    assert earliest <= found.started_at and found.ended_at <= latest


def test_grazing_the_corridor_is_still_the_same_deviation(land):
    graze = [
        (0, -200),
        (0, -100),
        (150, -100),
        (150, 50),
        (40, 60),
        (150, 70),
        (150, 250),
        (0, 250),
        (0, 380),
    ]
    assert kinds(offences(land, drive(graze, every_s=2))) == ["route_deviation"]


def test_who_is_back_for_a_while_and_leaves_again_deviated_twice(land):
    twice = [(0, -450), (0, -400), (200, -400), (200, -200), (0, -200), (0, 0)]
    twice += [(200, 0), (200, 200), (0, 200), (0, 350)]
    assert kinds(offences(land, drive(twice, every_s=2))) == ["route_deviation"] * 2


def test_a_told_deviation_that_is_not_over_has_no_end(land):
    (found,) = offences(land, drive(DETOUR[:4]))
    assert found.ended_at is None


def test_drift_is_not_driven(land):
    """Standing 70 m off the route with a speed of 0: thirty metres to and fro add up to no 200 m."""
    drifting = [fix(70 + (30 if n % 2 else 0), 0, 5 * n, 0.0) for n in range(10)]
    assert deviations(offences(land, drifting)) == []


def test_neither_a_jump_nor_the_time_before_it_counts(land):
    off = [fix(70 + n, -100 + 4 * n, 2 * n, 7) for n in range(20)]
    then = [fix(-480, 480 - 4 * n, 50 + 2 * n, 7) for n in range(8)]
    result = judged(land, off + then)
    assert Mark.TELEPORT in result.marks
    assert deviations(result.findings) == []


def test_metres_of_a_jump_are_not_in_the_length(land):
    off = drive([(0, 0), (150, 0), (150, 300)])
    begin = after(off)
    jumped = [fix(450, -400, begin, 20), fix(450, -395, begin + 5, 20)]
    told = deviations(judged(land, off + jumped).findings)
    assert max(f.facts["driven_m"] for f in told) < 150 + 300 + 120


def test_along_the_edge_of_the_corridor_noise_is_no_deviation(land):
    """At 49 m off, every other fix 3 m outside: never a minute outside in one piece."""
    edge = [fix(49 + (3 if n % 2 else -5), -300 + 3 * n, 10 * n, 5) for n in range(60)]
    assert deviations(offences(land, edge)) == []


ONE_WAY = feature(LayerKind.ROUTE, "OW", LineString([(-300, -480), (-300, 480)]), one_way=True)
ON_OW = Journey(True, True, ("OW",))


def test_a_one_way_route_driven_backwards_is_a_violation_of_its_own(land):
    (found,) = offences(ground(ONE_WAY), drive([(-300, 400), (-300, 0)]), ON_OW)
    assert (found.kind.value, found.subject) == ("wrong_way", "OW")
    assert found.facts["reason"] == "backwards"
    assert found.facts["driven_m"] >= 200


@pytest.mark.parametrize(
    "way, policy",
    [
        ([(-300, -230), (-300, 400)], {}),  # the right way
        ([(-300, 400), (-300, 260)], {}),  # not far enough
        ([(-300, 400), (-300, 0)], {"wrong_way": False}),  # the park does not mind
    ],
)
def test_the_right_way_a_short_way_back_and_what_the_park_allows_are_none(way, policy):
    assert deviations(offences(ground(ONE_WAY, **policy), drive(way), ON_OW)) == []


def test_standing_on_a_one_way_route_drifts_into_no_wrong_way():
    drift = [fix(-300 + 7 * (n % 4), 100 - 25 * (n % 3), 10 * n, 0) for n in range(20)]
    assert deviations(offences(ground(ONE_WAY), drift, ON_OW)) == []


def test_a_route_there_and_back_on_one_road_is_driven_both_ways():
    both = feature(LayerKind.ROUTE, "TB", LineString([(-300, -480), (-300, 440), (-300, -480)]), one_way=True)
    way = [(-300, -200), (-300, 430), (-300, -200)]
    assert deviations(offences(ground(both), drive(way), Journey(True, True, ("TB",)))) == []


def test_another_allowed_route_explains_the_way_back():
    back = feature(LayerKind.ROUTE, "BK", LineString([(-290, 480), (-290, -480)]), one_way=True)
    journey = Journey(True, True, ("OW", "BK"))
    assert deviations(offences(ground(ONE_WAY, back), drive([(-300, 400), (-300, -200)]), journey)) == []


def detour(**more):
    told = {"detour": True, "valid_from": "2026-03-02T08:00", "valid_to": "2026-03-02T09:00"}
    line = LineString([(0, -20), (0, 0), (200, 0), (200, 250), (0, 250), (0, 300)])
    return feature(LayerKind.ROUTE, "DT", line, **{**told, "approval_note": "封路 2026-7", **more})


@pytest.mark.parametrize("begin, expected", [(0, []), (3700, ["route_deviation"])])
def test_a_detour_may_be_driven_while_it_is_valid(begin, expected):
    """08:00 in the park is 00:00 UTC, when the drive begins."""
    assert kinds(offences(ground(detour()), drive(DETOUR, begin=begin))) == expected


def test_a_detour_is_for_the_routes_it_names():
    assert kinds(offences(ground(detour(detour_for="R2")), drive(DETOUR))) == ["route_deviation"]
    assert offences(ground(detour(detour_for="R2,R1")), drive(DETOUR)) == []


def test_a_route_nobody_drew_does_not_free_a_vehicle_from_every_route(land):
    lost = Journey(True, True, ("R9",))
    assert kinds(offences(land, drive(DETOUR), lost)) == ["route_deviation"]


def test_either_of_several_routes_will_do():
    other = feature(LayerKind.ROUTE, "R3", LineString([(0, -20), (0, 0), (200, 0), (200, 250), (0, 250)]))
    assert offences(ground(other), drive(DETOUR), Journey(True, True, ("R1", "R3"))) == []


@pytest.mark.parametrize("cut", [3, 7, 11, 17, 23])
def test_the_answer_does_not_depend_on_where_the_stream_is_cut(cut):
    land = ground(ONE_WAY, detour())
    fixes = drive([(0, 0), (200, 0), (200, 150), (-300, 150), (-300, -300)], every_s=5)
    journey = Journey(True, True, ("R1", "OW"))
    whole = judged(land, fixes, journey)
    first = judge(land, State.new(), fixes[:cut], lambda _: journey, LATER)
    state = State.from_json(first.state.to_json())
    then = judge(land, state, fixes[cut:], lambda _: journey, LATER)
    assert then.state == whole.state
    assert {f.key: f for f in (*first.findings, *then.findings)} == {f.key: f for f in whole.findings}


def test_of_a_vehicle_on_its_route_nothing_is_remembered(land):
    assert judged(land, drive([(12, -900), (12, -700)], every_s=1)).state.deviation is None
