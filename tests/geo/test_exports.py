"""What leaves as a file can be read again, whatever its properties are called."""

import json

import geopandas
import pytest
from shapely import Point, box

from geo import exports

ROWS = [
    (
        {"fid": 7, "Code": "A", "code": "B", "geometry": "x", "list": [1, 2], "none": None},
        box(110, 35, 111, 36),
    ),
    ({"code": "C"}, None),
]


def test_a_geopackage_keeps_every_property_under_a_name_of_its_own(tmp_path):
    path = tmp_path / "x.gpkg"
    path.write_bytes(exports.geopackage({"one": ROWS, "two": [({"a": 1}, Point(1, 2))], "empty": []}))
    one = geopandas.read_file(path, layer="one")
    assert {"fid_2", "Code", "code_2", "geometry_2", "list"} <= set(one.columns)
    assert json.loads(one["list"][0]) == [1, 2] and one.geometry[1] is None
    assert len(geopandas.read_file(path, layer="two")) == 1


def test_geojson_says_what_it_is_told_about_itself():
    made = json.loads(exports.geojson(ROWS, {"official": False}))
    assert made["type"] == "FeatureCollection" and made["official"] is False
    assert made["features"][0]["properties"]["list"] == [1, 2] and made["features"][1]["geometry"] is None


def test_nothing_is_no_geopackage():
    with pytest.raises(ValueError, match="nothing"):
        exports.geopackage({"empty": []})
