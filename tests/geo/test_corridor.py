"""Approved routes: how far off, and the road between two fixes."""

import pytest
from shapely import LineString

from geo.corridor import Corridor, Corridors

ROADS = Corridors(
    [
        Corridor("main", LineString([(0, 0), (0, 500), (500, 500)]), 50.0),
        Corridor("wide", LineString([(300, 0), (300, 400)]), 100.0),
    ]
)


def test_the_nearest_is_the_one_least_left():
    offset = ROADS.nearest(160, 100)
    assert (offset.code, offset.offset_m, offset.beyond_m) == ("wide", 140, 40)


def test_inside_a_corridor_nothing_is_beyond():
    assert ROADS.nearest(30, 200).beyond_m == -20


def test_only_the_named_routes_count():
    assert ROADS.only(("wide",)).nearest(0, 100).code == "wide"
    assert len(ROADS.only(())) == 2


def test_no_route_no_offset():
    assert Corridors([]).nearest(0, 0) is None
    assert Corridors([]).road((0, 0), (5, 5)) == [(0, 0), (5, 5)]


def test_between_two_fixes_the_road_bends_as_the_route_does():
    road = ROADS.road((10, 400), (100, 510))
    assert (0.0, 500.0) in road
    assert LineString(road).length > 190


def test_the_way_back_takes_the_bend_backwards():
    there, back = ROADS.road((10, 400), (100, 510)), ROADS.road((100, 510), (10, 400))
    assert there == back[::-1]


def test_off_the_route_the_road_is_straight():
    assert ROADS.road((100, 100), (200, 200)) == [(100, 100), (200, 200)]


def test_a_way_round_far_longer_than_the_straight_one_is_not_assumed():
    loop = Corridors([Corridor("loop", LineString([(0, 0), (0, 900), (40, 900), (40, 0)]), 50.0)])
    assert loop.road((0, 10), (40, 10)) == [(0, 10), (40, 10)]
    assert len(loop.road((0, 800), (40, 880))) > 2


@pytest.mark.parametrize("along", [0, 250, 700])
def test_chainage_is_metres_from_the_start(along):
    point = LineString([(0, 0), (0, 500), (500, 500)]).interpolate(along)
    assert ROADS.only(("main",)).nearest(point.x, point.y).along_m == pytest.approx(along)


BEND = [(0, 0), (0, 500), (500, 500)]
TURN = Corridors([Corridor("turn", LineString(BEND), 50.0)])


def test_who_drives_beside_the_route_is_not_led_over_to_it():
    """Forty metres beside it, perhaps behind a fence: the road bends with the route, twenty-five beside."""
    road = TURN.road((-40, 400), (100, 540))
    assert len(road) == 3
    assert LineString(BEND).distance(LineString(road)) > 15


def test_two_fixes_close_together_are_joined_by_a_straight_line():
    assert TURN.road((-12, 200), (11, 208)) == [(-12, 200), (11, 208)]


def test_a_way_longer_than_anybody_can_have_driven_is_not_assumed():
    assert TURN.road((0, 400), (100, 500), reach_m=150) == [(0, 400), (100, 500)]
    assert len(TURN.road((0, 400), (100, 500), reach_m=250)) == 3


def test_against_a_one_way_route():
    one_way = Corridors([Corridor("in", LineString(BEND), 50.0, one_way=True)])
    assert one_way.against((10, 300), (10, 200)) == "in"
    assert one_way.against((10, 200), (10, 300)) is None
    assert one_way.against((200, 200), (10, 200)) is None
    assert TURN.against((10, 300), (10, 200)) is None


def test_a_route_there_and_back_may_be_driven_both_ways():
    loop = LineString([(0, 0), (0, 400), (0, 0)])
    there_and_back = Corridors([Corridor("loop", loop, 50.0, one_way=True)])
    assert there_and_back.against((5, 300), (5, 200)) is None
    assert there_and_back.against((5, 200), (5, 300)) is None


def test_a_line_with_a_vertex_drawn_twice_is_measured_all_the_same():
    twice = Corridors([Corridor("twice", LineString([(0, 0), (0, 500), (0, 500), (500, 500)]), 50.0)])
    assert twice.road((10, 400), (100, 510)) == TURN.road((10, 400), (100, 510))
