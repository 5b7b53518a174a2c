"""What a small device holds of a shape contains it, whatever the shape; and the loss is stated truly."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Polygon, box

from geo.datum import LocalFrame
from geo.outward import MARGIN_M, TooManyTurns, outward, parts, thin

FRAME = LocalFrame("EPSG:4546")
EAST, NORTH = (float(v[0]) for v in FRAME.metres([110.92], [35.68]))


def grid(spots):
    """A terminal's: whole millionths of a degree."""
    lon, lat = FRAME.degrees(spots[:, 0], spots[:, 1])
    return np.column_stack(FRAME.metres(np.round(lon, 6), np.round(lat, 6)))


def here(shape):
    return shapely.transform(shape, lambda xy: xy + np.array([EAST, NORTH]))


def star(spikes: int, wobble: float, radius: float = 800.0, seed: int = 1) -> Polygon:
    random = np.random.default_rng(seed)
    angles = np.sort(random.uniform(0, 2 * np.pi, spikes))
    reach = radius * random.uniform(1 - wobble, 1, spikes)
    return Polygon(np.column_stack([EAST + reach * np.cos(angles), NORTH + reach * np.sin(angles)])).buffer(0)


@settings(max_examples=25)
@given(st.integers(3, 150), st.floats(0, 0.9), st.integers(4, 100), st.integers(0, 2**32 - 1))
def test_the_held_outline_contains_the_original_with_no_more_vertices_than_allowed(
    spikes, wobble, most, seed
):
    drawn = max(parts(star(spikes, wobble, seed=seed), 8), key=lambda p: p.area)
    held = outward(drawn, most, grid)
    assert held.shape.is_valid and held.shape.covers(drawn)
    assert len(held.shape.exterior.coords) - 1 <= most
    assert held.added_m2 == pytest.approx(held.shape.area - drawn.area) and held.added_m2 >= 0
    again = grid(np.array(held.shape.exterior.coords))
    assert np.allclose(again, held.shape.exterior.coords, atol=1e-4), "its vertices lie on the grid"


def test_a_simple_outline_loses_next_to_nothing():
    square = here(box(-500, -500, 500, 500))
    held = outward(square, 100, grid)
    assert len(held.shape.exterior.coords) == 5
    assert held.farthest_m < 2 * MARGIN_M and held.added_m2 < 4 * 1000 * 2 * MARGIN_M


def test_a_hole_is_filled_and_counted():
    ring = here(box(-500, -500, 500, 500) - box(-100, -100, 100, 100))
    held = outward(ring, 100, grid)
    assert held.holes == 1 and held.added_m2 >= 200 * 200


def test_parts_beyond_what_is_allowed_share_one_hull():
    boxes = MultiPolygon([box(x, 0, x + 10 + x / 100, 10) for x in range(0, 1000, 100)])
    kept = parts(boxes, 4)
    assert len(kept) == 4 and all(shapely.union_all(kept).covers(b) for b in boxes.geoms)
    assert len(parts(boxes, 10)) == 10 and len(parts(box(0, 0, 1, 1), 8)) == 1


@settings(max_examples=20)
@given(st.integers(2, 200), st.integers(0, 2**32 - 1))
def test_a_thinned_line_stays_as_near_as_it_says(count, seed):
    random = np.random.default_rng(seed)
    steps = np.cumsum(random.normal((20, 0), (3, 8), (count, 2)), axis=0)
    road = here(LineString(steps))
    try:
        thinned = thin(road, 40, 25.0, grid)
    except TooManyTurns:
        return
    assert len(thinned.line.coords) <= 40 and thinned.deviation_m <= 25.0
    for spots, other in ((road, thinned.line), (thinned.line, road)):
        dense = shapely.points(shapely.get_coordinates(spots.segmentize(0.3)))
        assert max(shapely.distance(dense, other)) <= thinned.deviation_m


def test_a_road_that_winds_too_much_is_said_to():
    zigzag = here(LineString([(10 * n, 100 * (n % 2)) for n in range(200)]))
    with pytest.raises(TooManyTurns, match="no 40 points stay within 20 m"):
        thin(zigzag, 40, 20.0, grid)
