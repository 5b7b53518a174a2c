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
