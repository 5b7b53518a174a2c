"""Crossings of a path with the edge of an area, on the edge cases too."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box

from geo.crossing import crossings, deepest, depth

SQUARE = box(0, 0, 100, 100)
HOLED = Polygon(SQUARE.exterior.coords, [box(40, 40, 60, 60).exterior.coords])
TWO = MultiPolygon([box(0, 0, 40, 40), box(60, 0, 100, 40)])


def ways(area, *path):
    return [(round(c.x, 6), round(c.y, 6), c.inward) for c in crossings(area, path)]


def test_into_the_area():
    assert ways(SQUARE, (-50, 50), (50, 50)) == [(0, 50, True)]


def test_out_of_the_area():
    assert ways(SQUARE, (50, 50), (150, 50)) == [(100, 50, False)]


def test_straight_through():
    assert ways(SQUARE, (-50, 50), (150, 50)) == [(0, 50, True), (100, 50, False)]


def test_a_corner_cut():
    assert ways(SQUARE, (-10, 90), (10, 110)) == [] and ways(SQUARE, (-10, 80), (20, 110)) == [
        (0, 90, True),
        (10, 100, False),
    ]


def test_touching_a_corner_is_no_crossing():
    assert ways(SQUARE, (-10, 10), (10, -10)) == []


def test_touching_the_edge_from_inside_is_no_crossing():
    notched = Polygon([(0, 0), (100, 0), (100, 100), (50, 50), (0, 100)])
    assert ways(notched, (20, 50), (80, 50)) == []


def test_running_along_the_edge_is_no_crossing():
    assert ways(SQUARE, (0, 10), (0, 90)) == []
    assert ways(SQUARE, (-20, 0), (120, 0)) == []


def test_running_along_a_slanting_edge_is_no_crossing_however_it_is_rounded():
    assert ways(Polygon([(5, 7), (2, 9), (8, 3)]), (-1.0, 11.0), (3.5, 8.0)) == []


def test_starting_on_the_edge_and_going_in_crosses_at_the_start():
    assert ways(SQUARE, (0, 50), (50, 50)) == [(0, 50, True)]
    assert ways(SQUARE, (0, 50), (-50, 50)) == []


def test_a_hole_is_outside():
    assert ways(HOLED, (20, 50), (80, 50)) == [(40, 50, False), (60, 50, True)]


def test_parts_of_a_multipolygon_are_left_and_entered():
    assert ways(TWO, (20, 20), (80, 20)) == [(40, 20, False), (60, 20, True)]


def test_a_path_with_a_bend_is_followed():
    assert ways(SQUARE, (-50, 50), (-50, 200), (50, 200), (50, 50)) == [(50, 100, True)]


def test_standing_still_crosses_nothing():
    assert ways(SQUARE, (0, 50), (0, 50)) == []


def test_depth_is_positive_inside_and_negative_outside():
    assert depth(SQUARE, 10, 50) == pytest.approx(10)
    assert depth(SQUARE, -10, 50) == pytest.approx(-10)
    assert deepest(SQUARE, [(-10, 80), (20, 110)]) == pytest.approx(5, abs=0.1)


NUMBER = st.one_of(
    st.integers(-20, 120).map(float), st.floats(-20, 120), st.sampled_from([0.0, 1e-10, -1e-10, 100.0])
)
SPOT = st.tuples(NUMBER, NUMBER)
AREA = st.sampled_from([SQUARE, HOLED, TWO])


@given(AREA, st.lists(SPOT, min_size=2, max_size=5))
def test_crossings_are_odd_exactly_when_the_ends_lie_on_different_sides(area, path):
    assume(any(path[0] != p for p in path))
    sides = [area.contains_properly(Point(p)) for p in (path[0], path[-1])]
    assert len(crossings(area, path)) % 2 == (sides[0] != sides[1])


@given(AREA, st.lists(SPOT, min_size=2, max_size=4))
def test_crossings_alternate_and_come_in_order(area, path):
    found = crossings(area, path)
    assert [c.share for c in found] == sorted(c.share for c in found)
    assert all(a.inward != b.inward for a, b in pairwise(found))
    assert all(area.boundary.distance(Point(c.x, c.y)) < 1e-6 for c in found)


@given(AREA, SPOT, SPOT)
def test_the_way_back_crosses_the_same_places_the_other_way(area, a, b):
    there, back = crossings(area, [a, b]), crossings(area, [b, a])
    assert len(there) == len(back)
    for one, other in zip(there, reversed(back), strict=True):
        assert one.inward != other.inward
        assert Point(one.x, one.y).distance(Point(other.x, other.y)) < 1e-5
