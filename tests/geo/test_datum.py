"""Degrees and metres are two spellings of one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod
from shapely import Polygon

from geo.datum import LocalFrame, gcj02_from_wgs84, wgs84_from_gcj02

FRAME = LocalFrame("EPSG:4546")
LON, LAT = st.floats(110.8, 111.1), st.floats(35.4, 35.9)


@given(LON, LAT)
def test_there_and_back_is_the_same_place(lon, lat):
    back = FRAME.degrees(*FRAME.metres([lon], [lat]))
    assert (back[0][0], back[1][0]) == pytest.approx((lon, lat), abs=1e-9)


@given(LON, LAT, st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_plane_distances_agree_with_the_ellipsoid_within_a_few_centimetres(lon, lat, east, north):
    x, y = FRAME.metres([lon, lon + east], [lat, lat + north])
    plane = ((x[1] - x[0]) ** 2 + (y[1] - y[0]) ** 2) ** 0.5
    geodesic = Geod(ellps="WGS84").inv(lon, lat, lon + east, lat + north)[2]
    assert plane == pytest.approx(geodesic, abs=0.05, rel=5e-5)


def test_x_is_east_and_y_is_north_whatever_the_crs_says():
    x, y = FRAME.metres([110.98, 110.99], [35.6, 35.6])
    assert x[1] > x[0] and 490_000 < x[0] < 510_000 and 3_900_000 < y[0] < 4_000_000


def test_shapes_keep_their_form():
    square = Polygon([(110.9, 35.6), (110.91, 35.6), (110.91, 35.61), (110.9, 35.61)])
    assert FRAME.to_degrees(FRAME.to_metres(square)).equals_exact(square, 1e-9)


def test_gcj02_is_where_map_makers_put_it():
    lon, lat = gcj02_from_wgs84(116.404, 39.915)
    assert (float(lon), float(lat)) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-9)


CHINA = st.floats(74, 135), st.floats(18, 53)


@given(*CHINA)
def test_gcj02_there_and_back_is_the_same_place(lon, lat):
    back = wgs84_from_gcj02(*gcj02_from_wgs84([lon], [lat]))
    assert (back[0][0], back[1][0]) == pytest.approx((lon, lat), abs=1e-9)


@given(*CHINA)
def test_a_forgotten_gcj02_moves_a_truck_by_a_block_never_by_a_county(lon, lat):
    moved = gcj02_from_wgs84(lon, lat)
    assert 20 < Geod(ellps="WGS84").inv(lon, lat, float(moved[0]), float(moved[1]))[2] < 1500
