"""The map of zones answers as shapely does for every pair, also on edges and corners."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Polygon, box

from geo.corridor import Chains, Corridor, Corridors, road
from geo.pieces import Piece, Roads, pieces
from geo.zonemap import Areas, Room, Strips, ZoneMap

HOLED = Polygon([(0, 0), (40, 0), (40, 40), (0, 40)], [[(10, 10), (30, 10), (30, 30), (10, 30)]])
SHAPES = [
    HOLED,
    box(16, 16, 24, 24),
    MultiPolygon([box(50, 0, 60, 10), box(60, 10, 70, 20)]),
    box(8, 8, 8.5, 8.5),
]

#: Places on a grid, so that edges, corners and cell limits are really met.
spots = st.lists(
    st.tuples(st.integers(-20, 180).map(lambda v: v / 2), st.integers(-20, 100).map(lambda v: v / 2)),
    min_size=1,
    max_size=60,
)


def found(index: ZoneMap, x, y) -> set[tuple[int, int]]:
    return set(zip(*(column.tolist() for column in index.pairs(x, y)), strict=True))


def arrays(places):
    return np.array([p[0] for p in places], dtype=float), np.array([p[1] for p in places], dtype=float)


@pytest.mark.parametrize(("closed", "asked"), [(True, shapely.intersects_xy), (False, shapely.contains_xy)])
@given(places=spots)
def test_polygons_hold_what_shapely_says(closed, asked, places):
    x, y = arrays(places)
    index = ZoneMap(Areas(SHAPES, closed))
    expected = {(n, k) for n in range(len(x)) for k, s in enumerate(SHAPES) if asked(s, x[n], y[n])}
    assert found(index, x, y) == expected
    assert found(index, x, y) == expected  # the second time from known cells


@given(places=spots)
def test_strips_hold_all_within_their_width(places):
    lines = [LineString([(0, 0), (40, 0), (40, 40)]), box(50, 20, 60, 30), LineString([(-5, 30), (70, 30)])]
    widths = [4.0, 15.0, 0.5]
    x, y = arrays(places)
    expected = {
        (n, k)
        for n in range(len(x))
        for k, line in enumerate(lines)
        if shapely.distance(line, shapely.points(x[n], y[n])) <= widths[k]
    }
    assert found(ZoneMap(Strips(lines, widths)), x, y) == expected


def test_a_map_of_nothing_holds_nothing():
    for regions in (Areas([]), Strips([], [])):
        assert found(ZoneMap(regions), np.array([0.0, 1e9]), np.array([0.0, -1e9])) == set()


def test_places_that_are_none_are_nowhere():
    x, y = np.array([np.nan, np.inf, -np.inf, 1e300]), np.array([0.0, 5.0, 5.0, -1e300])
    assert found(ZoneMap(Areas(SHAPES)), x, y) == set()


@given(places=spots)
def test_room_is_never_more_than_the_distance(places):
    x, y = arrays(places)
    edges = shapely.unary_union([s.boundary for s in SHAPES])
    room = Room(edges, (-20.0, -20.0, 90.0, 60.0), cell_m=4.0)
    assert (room.at(x, y) <= shapely.distance(edges, shapely.points(x, y)) + 1e-9).all()


def test_far_out_there_is_much_room():
    edges = shapely.unary_union([s.boundary for s in SHAPES])
    west, south, east, north = edges.bounds
    room = Room(edges, (-20.0, -20.0, 90.0, 60.0), cell_m=4.0)
    x, y = np.array([west - 5000, east + 30, 0.0]), np.array([south, north + 40, north + 9000])
    assert room.at(x, y).tolist() == pytest.approx([5000, 50, 9000])


ROUTES = [
    Corridor("a", LineString([(0, 0), (100, 0), (200, 0), (200, 80)]), 10.0),
    Corridor("b", LineString([(0, 0), (100, 0), (200, 0), (300, -50)]), 10.0),
    Corridor("c", LineString([(300, -50), (200, 0), (100, 0)]), 10.0),
]


def test_a_road_that_routes_share_is_one_piece():
    made = pieces(ROUTES)
    assert len(made) == 4
    assert sum(p.line.length for p in made) == pytest.approx(100 + 100 + 80 + np.hypot(100, 50))
    assert all(p.once for p in made)


def test_a_road_driven_twice_by_one_route_is_marked():
    there_and_back = Corridor("d", LineString([(0, 0), (50, 0), (50, 9), (50, 0), (0, 0)]), 10.0)
    assert not any(p.once for p in pieces([there_and_back]))


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(-9, 9), st.integers(0, 300), st.integers(-9, 9)),
        min_size=1,
    )
)
def test_a_way_along_a_piece_that_is_told_clear_meets_no_line(ways):
    edges = shapely.unary_union([box(40, -30, 60, 30).boundary, box(190, 12, 400, 40).boundary])
    line = LineString([(0, 0), (120, 0), (300, 0)])
    chain = Corridor("", line, 10.0)
    roads = Roads([Piece(line, 10.0, once=True, routes=frozenset({0}))], edges, slack_m=5.0)
    begin = shapely.points([(w[0], w[1]) for w in ways])
    end = shapely.points([(w[2], w[3]) for w in ways])
    met = roads.meets(np.zeros(len(ways), dtype=np.intp), begin, end)
    for n, (x, y, to_x, to_y) in enumerate(ways):
        driven = road([chain], (x, y), (to_x, to_y), math.inf, 5.0)
        assert met[n] or not shapely.intersects(edges, LineString(driven))


@settings(max_examples=80)
@given(st.integers(0, 300), st.integers(-9, 60), st.integers(0, 300), st.integers(-50, 9), st.integers(3, 20))
def test_many_lines_measured_at_once_are_measured_as_one_by_one(x, y, to_x, to_y, slack):
    there_and_back = LineString([(0, 0), (150, 4), (300, 0), (150, -4), (0, 0)])
    routes = [
        *ROUTES,
        Corridor("d", there_and_back, 60.0),
        Corridor("e", LineString([(0, 0), (9, 0)]), 400.0),
    ]
    every = np.arange(len(routes))
    places = np.array([(-700.0, 9.0), (x, y)])
    spots = Chains([r.chain for r in routes], 500.0).passings(places, np.ones_like(every), every, slack)
    for route, found in zip(routes, spots.of_pairs(len(routes)), strict=True):
        along, aside = route.chain.spots(x, y, slack)
        assert found == list(zip(along.tolist(), aside.tolist(), strict=True))
    wide = [Corridor(r.code, r.line, 500.0) for r in routes]
    expected = road(wide, (x, y), (to_x, to_y), math.inf, slack)
    assert Corridors(wide).road((x, y), (to_x, to_y), math.inf, slack) == expected
