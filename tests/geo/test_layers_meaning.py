"""A drawing may be well formed and still be dangerous; the door looks at what it means."""

import json

import pytest

from geo.layers import read_park
from geo.report import LayerWord, Severity


def change(folder, kind, code, **properties):
    """Set properties (None: remove) of the features called ``code``; "*" is every feature."""
    path = folder / f"{kind}.geojson"
    data = json.loads(path.read_text(encoding="utf-8"))
    for feature in data["features"]:
        if code in ("*", feature["properties"]["code"]):
            feature["properties"] |= properties
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def complaints(folder):
    return {(i.severity, i.word, i.file, i.feature) for i in read_park(folder)[1].items}


def error(word, kind, code=""):
    return (Severity.ERROR, word, f"{kind}.geojson", code)


def warning(word, kind, code=""):
    return (Severity.WARNING, word, f"{kind}.geojson", code)


@pytest.mark.parametrize("classes", ["3;4.1", "3，4.1", "三", "甲类", "12", "1.1", "7", "3.0"])
def test_a_bay_for_a_class_that_is_none(folder, classes):
    change(folder, "bay", "A01", hazard_classes=classes)
    assert error(LayerWord.PROPERTY_WRONG, "bay", "A01") in complaints(folder)


@pytest.mark.parametrize("kind, code", [("bay", "A01"), ("zone", "A")])
@pytest.mark.parametrize("name", ["hazard_classes", "load_states"])
def test_a_bay_or_class_zone_without_its_classes_and_load_states(folder, kind, code, name):
    change(folder, kind, code, **{name: None})
    assert error(LayerWord.PROPERTY_MISSING, kind, code) in complaints(folder)


def test_a_dock_that_lists_no_classes_takes_everything_and_that_is_said(folder):
    change(folder, "dock", "JH1", hazard_classes=None)
    assert complaints(folder) == {warning(LayerWord.PROPERTY_MISSING, "dock", "JH1")}


@pytest.mark.parametrize("value, isolated", [("false", 0), (0, 0), (False, 0), ("true", 74), (1, 74)])
def test_isolation_is_what_is_written_not_whether_something_is(folder, value, isolated):
    change(folder, "bay", "*", isolation=value)
    park, report = read_park(folder)
    assert sum(b.attributes["isolation"] is True for b in park.features if b.kind == "bay") == isolated
    assert not report.errors


def test_isolation_maybe_is_refused(folder):
    change(folder, "bay", "A01", isolation="maybe")
    assert error(LayerWord.PROPERTY_WRONG, "bay", "A01") in complaints(folder)


@pytest.mark.parametrize(
    "kind, code, name, value",
    [
        ("route", "R01", "half_width_m", 5000),  # everything would be on the route
        ("zone", "Z1", "speed_limit_kmh", 300),
        ("bay", "A01", "length_m", 2000),
        ("route", "R01", "direction", "sideways"),
    ],
)
def test_values_that_would_switch_a_rule_off_are_refused(folder, kind, code, name, value):
    change(folder, kind, code, **{name: value})
    assert complaints(folder) == {error(LayerWord.PROPERTY_WRONG, kind, code)}


def test_a_bay_that_names_another_zone(folder):
    change(folder, "bay", "A01", zone="C")
    assert complaints(folder) == {error(LayerWord.BAY_OUTSIDE_ZONE, "bay", "A01")}


def test_a_bay_in_a_closed_zone_is_in_no_class_zone(folder):
    change(folder, "bay", "A01", zone="Z1")
    assert complaints(folder) == {error(LayerWord.BAY_OUTSIDE_ZONE, "bay", "A01")}


def test_a_bay_for_more_than_its_zone(folder):
    change(folder, "bay", "A01", hazard_classes="3,5.1")
    assert complaints(folder) == {warning(LayerWord.BAY_BEYOND_ZONE, "bay", "A01")}


def test_a_bay_drawn_smaller_than_it_says(folder):
    change(folder, "bay", "A01", length_m=24)
    assert complaints(folder) == {warning(LayerWord.BAY_SIZE, "bay", "A01")}


def test_a_park_without_routes_or_docks_says_what_is_not_judged(folder):
    (folder / "route.geojson").unlink()
    (folder / "dock.geojson").unlink()
    assert complaints(folder) == {
        warning(LayerWord.LAYER_ABSENT, "route"),
        warning(LayerWord.LAYER_ABSENT, "dock"),
    }


def test_a_park_no_hazmat_vehicle_may_enter(folder):
    change(folder, "gate", "*", gate_kind="general")
    assert complaints(folder) == {warning(LayerWord.NO_HAZMAT_GATE, "gate")}


def test_a_control_line_that_lapses_is_told_before_nothing_is_judged(folder):
    change(folder, "control_line", "CL", effective_to="2024-01-01")
    report = read_park(folder)[1]
    assert [(i.word, i.facts["since"]) for i in report.items] == [(LayerWord.NOTHING_IN_FORCE, "2024-01-01")]


def test_days_between_two_versions_are_told(folder):
    path = folder / "boundary.geojson"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["features"][0]["properties"]["effective_to"] = "2022-12-31"
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    (item,) = read_park(folder)[1].items
    assert item.word is LayerWord.NOTHING_IN_FORCE
    assert dict(item.facts) == {"since": "2022-12-31", "until": "2023-02-21"}


def test_a_boundary_outside_the_control_line_of_its_time_is_found_even_if_both_end(folder):
    for kind in ("boundary", "control_line"):
        path = folder / f"{kind}.geojson"
        data = json.loads(path.read_text(encoding="utf-8"))
        newest = data["features"][-1]
        newest["properties"]["effective_to"] = "2030-01-01"
        if kind == "boundary":
            ring = newest["geometry"]["coordinates"][0]
            ring[4][1] -= 0.02
        path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    assert error(LayerWord.BOUNDARY_OUTSIDE_CONTROL_LINE, "boundary", "BD") in complaints(folder)


def test_a_gate_left_standing_on_the_old_boundary(folder):
    path = folder / "boundary.geojson"
    data = json.loads(path.read_text(encoding="utf-8"))
    old, new = data["features"]
    old["geometry"], new["geometry"] = new["geometry"], old["geometry"]
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
    assert error(LayerWord.GATE_OFF_BOUNDARY, "gate", "G3") in complaints(folder)


def test_a_line_in_force_before_it_was_approved(folder):
    change(folder, "control_line", "CL", approved_on="2023-06-01")
    assert complaints(folder) == {warning(LayerWord.EFFECTIVE_BEFORE_APPROVED, "control_line", "CL")}


@pytest.mark.parametrize("value", ["2023-03-0899", "2023-13-01", "2023年3月8日", 45000])
def test_a_day_that_is_none_is_not_cut_to_fit(folder, value):
    change(folder, "control_line", "CL", effective_from=value)
    assert error(LayerWord.PROPERTY_WRONG, "control_line", "CL") in complaints(folder)


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:32632", "EPSG:4326", 4546, {"a": 1}])
def test_a_metric_crs_in_which_metres_are_no_metres_here(folder, crs):
    settings = json.loads((folder / "park.json").read_text(encoding="utf-8"))
    (folder / "park.json").write_text(json.dumps(settings | {"metric_crs": crs}), encoding="utf-8")
    park, report = read_park(folder)
    assert park is None
    assert [(i.word, i.facts["field"]) for i in report.items] == [(LayerWord.PARK_FIELD_WRONG, "metric_crs")]


@pytest.mark.parametrize("crs", ["EPSG:4525", "EPSG:32649", "EPSG:4508"])
def test_neighbouring_zones_are_metric_enough(folder, crs):
    settings = json.loads((folder / "park.json").read_text(encoding="utf-8"))
    (folder / "park.json").write_text(json.dumps(settings | {"metric_crs": crs}), encoding="utf-8")
    assert read_park(folder)[1].items == []


def test_texts_longer_than_memory_keeps(folder):
    change(folder, "camera", "C-G1", name_zh="长" * 121)
    assert complaints(folder) == {error(LayerWord.PROPERTY_TOO_LONG, "camera", "C-G1")}
