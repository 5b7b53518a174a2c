"""The door of layers tells a GIS clerk what to mend; it never mends by itself."""

import json
import shutil

import geopandas
import pytest

from geo.layers import feature_hash, read_park, to_geojson
from geo.report import LayerWord
from geo.shapes import LayerKind
from tests.demo_park import DEMO, edit


def words(folder):
    return {i.word for i in read_park(folder)[1].items}


def test_the_park_we_ship_is_clean_and_says_that_it_is_not_official():
    park, report = read_park(DEMO)
    assert report.items == []
    assert park.official is False
    assert "示意" in park.notice_zh and "非官方" in park.notice_zh and "not official" in park.notice_en


def test_the_park_we_ship_has_what_a_park_needs():
    park, _ = read_park(DEMO)
    bays = park.of(LayerKind.BAY)
    assert len(bays) >= 60 and any(b.attributes["isolation"] for b in bays)
    assert len({b.attributes["zone"] for b in bays}) >= 8
    assert len(park.of(LayerKind.ROUTE)) >= 8
    assert len(park.of(LayerKind.DOCK)) == 12
    assert {g.attributes["gate_kind"] for g in park.of(LayerKind.GATE)} == {
        "hazmat_only",
        "general",
        "unmanned",
        "emergency",
    }
    assert len(park.of(LayerKind.CAMERA)) >= 8


def test_lines_are_versioned_and_dated():
    park, _ = read_park(DEMO)
    dates = sorted(b.approval.effective_from.isoformat() for b in park.of(LayerKind.BOUNDARY))
    assert dates == ["2015-06-01", "2023-02-21"]
    assert "运政函〔2023〕2号" in park.of(LayerKind.BOUNDARY)[1].approval.document


def test_a_folder_that_is_not_there(tmp_path):
    assert words(tmp_path / "nowhere") == {LayerWord.FOLDER_MISSING}


def test_no_park_json(folder):
    (folder / "park.json").unlink()
    assert words(folder) == {LayerWord.FILE_MISSING}


@pytest.mark.parametrize(
    "field, value",
    [
        ("metric_crs", "EPSG:4326"),
        ("metric_crs", "nonsense"),
        ("watch_area", [1, 2, 3]),
        ("official", "no"),
        ("watch_area", [111, 35, 110, 36]),
        ("timezone", "Mars/Base"),
        ("name_zh", ""),
    ],
)
def test_a_wrong_field_of_park_json_is_named(folder, field, value):
    settings = json.loads((folder / "park.json").read_text(encoding="utf-8"))
    (folder / "park.json").write_text(json.dumps({**settings, field: value}), encoding="utf-8")
    park, report = read_park(folder)
    assert park is None
    assert [(i.word, i.facts["field"]) for i in report.items] == [(LayerWord.PARK_FIELD_WRONG, field)]


def test_broken_json_tells_the_line(folder):
    (folder / "park.json").write_text('{"code": "x",\n oops}', encoding="utf-8")
    report = read_park(folder)[1]
    assert report.items[0].word is LayerWord.FILE_UNREADABLE and "line 2" in report.items[0].facts["reason"]


def test_a_layer_file_that_is_garbage(folder):
    (folder / "gate.geojson").write_bytes(b"\x00\xff not a layer")
    assert LayerWord.FILE_UNREADABLE in words(folder)


def test_a_bow_tie(folder):
    def twist(feature):
        ring = feature["geometry"]["coordinates"][0]
        ring[1], ring[2] = ring[2], ring[1]

    edit(folder, "bay", twist)
    assert LayerWord.SELF_CROSSING in words(folder)


def test_a_ring_that_is_not_closed(folder):
    edit(folder, "gate", lambda f: f["geometry"]["coordinates"][0].pop())
    assert LayerWord.RING_NOT_CLOSED in words(folder)


def test_swapped_axes(folder):
    def swap(feature):
        feature["geometry"]["coordinates"] = [[[y, x] for x, y in feature["geometry"]["coordinates"][0]]]

    edit(folder, "gate", swap)
    assert LayerWord.AXES_SWAPPED in words(folder)


def test_the_wrong_hemisphere(folder):
    def flip(feature):
        feature["geometry"]["coordinates"] = [[[x, -y] for x, y in feature["geometry"]["coordinates"][0]]]

    edit(folder, "gate", flip)
    assert LayerWord.WRONG_HEMISPHERE in words(folder)


def test_metres_without_a_coordinate_system(folder):
    edit(folder, "camera", lambda f: f["geometry"].update(coordinates=[498187.7, 3941160.7]))
    assert LayerWord.NOT_DEGREES in words(folder)


def test_the_wrong_type_of_shape(folder):
    edit(folder, "route", lambda f: f.update(geometry={"type": "Point", "coordinates": [110.92, 35.68]}))
    assert LayerWord.GEOMETRY_TYPE in words(folder)


def test_an_empty_shape(folder):
    edit(folder, "dock", lambda f: f.update(geometry=None))
    assert LayerWord.GEOMETRY_EMPTY in words(folder)


def test_a_line_without_its_document(folder):
    edit(folder, "control_line", lambda f: f["properties"].pop("document"))
    report = read_park(folder)[1]
    assert ("document", "CL") in {(i.facts.get("property"), i.feature) for i in report.errors}


def test_a_date_that_is_none(folder):
    edit(folder, "control_line", lambda f: f["properties"].update(effective_from="8 March"))
    assert LayerWord.PROPERTY_WRONG in words(folder)


def test_two_versions_in_force_at_once(folder):
    edit(folder, "boundary", lambda f: f["properties"].update(effective_to="2024-01-01"))
    assert LayerWord.VERSIONS_OVERLAP in words(folder)


def test_a_code_used_twice(folder):
    edit(folder, "gate", lambda f: f["properties"].update(code="G2"))
    assert LayerWord.CODE_TWICE in words(folder)


def test_a_gate_away_from_the_boundary(folder):
    def move(feature):
        feature["geometry"]["coordinates"] = [
            [[x, y + 0.003] for x, y in feature["geometry"]["coordinates"][0]]
        ]

    edit(folder, "gate", move)
    assert LayerWord.GATE_OFF_BOUNDARY in words(folder)


def test_overlapping_bays_and_bays_outside_the_lot(folder):
    def copy_of(feature):
        data = json.loads((folder / "bay.geojson").read_text(encoding="utf-8"))
        feature["geometry"] = data["features"][1]["geometry"]

    edit(folder, "bay", copy_of)
    assert LayerWord.BAYS_OVERLAP in words(folder)
    edit(
        folder,
        "bay",
        lambda f: f["geometry"].update(
            coordinates=[[[x + 0.01, y] for x, y in f["geometry"]["coordinates"][0]]]
        ),
    )
    assert LayerWord.BAY_OUTSIDE_LOT in words(folder)


def test_a_kind_of_gate_nobody_knows(folder):
    edit(folder, "gate", lambda f: f["properties"].update(gate_kind="secret"))
    assert LayerWord.PROPERTY_WRONG in words(folder)


@pytest.mark.parametrize("driver, suffix", [("GPKG", "gpkg"), ("KML", "kml")])
def test_other_formats_and_a_chinese_metric_crs_come_in_too(folder, driver, suffix):
    frame = geopandas.read_file(folder / "camera.geojson")
    (folder / "camera.geojson").unlink()
    moved = frame.to_crs("EPSG:4546") if driver == "GPKG" else frame
    moved.to_file(folder / f"camera.{suffix}", driver=driver)
    park, report = read_park(folder)
    assert report.errors == []
    assert len(park.of(LayerKind.CAMERA)) == len(frame)


def test_two_files_for_one_layer_are_refused(folder):
    shutil.copy(folder / "camera.geojson", folder / "camera.json")
    assert LayerWord.SEVERAL_FILES in words(folder)


def test_the_hash_tells_versions_apart_and_nothing_else():
    park, _ = read_park(DEMO)
    again, _ = read_park(DEMO)
    old, new = park.of(LayerKind.BOUNDARY)
    assert feature_hash(old) != feature_hash(new)
    assert feature_hash(old) == feature_hash(again.of(LayerKind.BOUNDARY)[0])


def test_what_goes_out_comes_in_again(folder):
    park, _ = read_park(DEMO)
    features = [to_geojson(f) for f in park.of(LayerKind.ZONE)]
    (folder / "zone.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    again, report = read_park(folder)
    assert report.errors == []
    assert [feature_hash(f) for f in again.of(LayerKind.ZONE)] == [
        feature_hash(f) for f in park.of(LayerKind.ZONE)
    ]
