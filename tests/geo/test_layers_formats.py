"""What GIS programs write comes in unchanged, or is refused with the reason; nothing is guessed."""

import json
import shutil
import warnings
import zipfile

import geopandas
import numpy
import pandas
import pytest
import shapely
from pyproj import CRS

from geo.datum import gcj02_from_wgs84
from geo.layers import read_park
from geo.report import LayerWord
from geo.shapes import LayerKind

DATES = ("approved_on", "effective_from", "effective_to")


def taken(folder, kind):
    """The layer as a frame; its file is gone."""
    frame = geopandas.read_file(folder / f"{kind}.geojson")
    (folder / f"{kind}.geojson").unlink()
    return frame


def shapefile(frame, path, **how):
    """A zipped Shapefile, as people send it."""
    parts = path.parent / f"_{path.stem}"
    parts.mkdir()
    frame.to_file(parts / f"{path.stem}.shp", **how)
    with zipfile.ZipFile(path, "w") as archive:
        for part in parts.iterdir():
            archive.write(part, part.name)
    shutil.rmtree(parts)


def write(frame, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.suffix == ".zip":
            shapefile(frame, path)
        else:
            frame.to_file(path, driver={".kml": "KML", ".gpkg": "GPKG"}[path.suffix])


def as_web_maps_show(xy):
    return numpy.column_stack(gcj02_from_wgs84(xy[:, 0], xy[:, 1]))


def complaints(folder):
    return [(i.word, i.file) for i in read_park(folder)[1].items]


@pytest.mark.parametrize("as_dates", [False, True])
@pytest.mark.parametrize("suffix", ["gpkg", "kml", "zip"])
def test_every_layer_comes_in_the_same_from_every_format(folder, suffix, as_dates):
    drawn, _ = read_park(folder)
    for kind in LayerKind:
        frame = taken(folder, kind)
        if as_dates:
            for name in set(DATES) & set(frame.columns):
                frame[name] = pandas.to_datetime(frame[name])
        write(frame, folder / f"{kind}.{suffix}")
    again, report = read_park(folder)
    assert report.items == []
    for one, other in zip(drawn.features, again.features, strict=True):
        assert (one.code, one.approval, dict(one.attributes)) == (
            other.code,
            other.approval,
            dict(other.attributes),
        )
        assert one.geometry.normalize().equals_exact(other.geometry.normalize(), 1e-9)


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:4546", "EPSG:4525", "EPSG:32649", "EPSG:3857"])
def test_a_declared_crs_is_converted_to_the_centimetre(folder, crs):
    drawn, _ = read_park(folder)
    taken(folder, "gate").to_crs(crs).to_file(folder / "gate.gpkg")
    again, report = read_park(folder)
    assert report.items == []
    for one, other in zip(drawn.of(LayerKind.GATE), again.of(LayerKind.GATE), strict=True):
        assert one.geometry.equals_exact(other.geometry, 1e-7)


@pytest.mark.parametrize("crs", ["EPSG:4610", "EPSG:2380", "EPSG:4214", "EPSG:2432"])
def test_old_datums_nobody_can_convert_accurately_are_refused(folder, crs):
    taken(folder, "gate").to_crs(crs).to_file(folder / "gate.gpkg")
    assert complaints(folder) == [(LayerWord.CRS_INACCURATE, "gate.gpkg")]


def test_a_plant_grid_is_refused(folder):
    grid = CRS.from_wkt('LOCAL_CS["plant grid",UNIT["metre",1]]')
    taken(folder, "gate").set_crs(grid, allow_override=True).to_file(folder / "gate.gpkg")
    assert complaints(folder) == [(LayerWord.CRS_INACCURATE, "gate.gpkg")]


def test_a_drawing_with_the_northing_first_is_told_so(folder):
    frame = taken(folder, "gate").to_crs("EPSG:4546")
    turned = shapely.transform(frame.geometry.values, lambda xy: xy[:, ::-1])
    frame.set_geometry(turned, crs="EPSG:4546").to_file(folder / "gate.gpkg")
    assert complaints(folder) == [(LayerWord.NORTHING_FIRST, "gate.gpkg")]


def test_bays_in_a_second_layer_of_the_file_are_not_forgotten(folder):
    frame = taken(folder, "bay")
    frame[:30].to_file(folder / "bay.gpkg", layer="row A")
    frame[30:].to_file(folder / "bay.gpkg", layer="row B")
    assert complaints(folder) == [(LayerWord.SEVERAL_LAYERS, "bay.gpkg")]


def test_of_several_layers_the_one_named_like_the_file_is_meant(folder):
    frame = taken(folder, "bay")
    frame[:3].to_file(folder / "bay.gpkg", layer="old")
    frame.to_file(folder / "bay.gpkg", layer="bay")
    park, report = read_park(folder)
    assert report.items == [] and len(park.of(LayerKind.BAY)) == len(frame)


def test_chinese_names_in_an_undeclared_encoding_are_refused_not_garbled(folder):
    shapefile(taken(folder, "camera"), folder / "camera.zip", encoding="GBK")
    assert read_park(folder)[0].of(LayerKind.CAMERA)[0].name_zh.endswith("摄像机")
    with zipfile.ZipFile(folder / "camera.zip") as archive:
        kept = {n: archive.read(n) for n in archive.namelist() if not n.endswith(".cpg")}
    with zipfile.ZipFile(folder / "camera.zip", "w") as archive:
        for name, content in kept.items():
            archive.writestr(name, content)
    assert complaints(folder) == [(LayerWord.TEXT_GARBLED, "camera.zip")]


def test_a_small_archive_that_unpacks_to_gigabytes_is_refused(folder):
    taken(folder, "camera")
    megabyte = bytes(1_000_000)
    with zipfile.ZipFile(folder / "camera.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(250):
            archive.writestr(f"camera{n}.shp", megabyte)
    assert complaints(folder) == [(LayerWord.FILE_TOO_LARGE, "camera.zip")]


def test_a_drawing_in_gcj02_is_moved_only_when_it_says_so(folder):
    drawn, _ = read_park(folder)
    for kind in LayerKind:
        frame = taken(folder, kind)
        moved = shapely.transform(frame.geometry.values, as_web_maps_show)
        frame.set_geometry(moved, crs=frame.crs).to_file(folder / f"{kind}.gpkg")
    undeclared = read_park(folder)[0].of(LayerKind.GATE)[0].geometry
    settings = json.loads((folder / "park.json").read_text(encoding="utf-8"))
    (folder / "park.json").write_text(json.dumps(settings | {"datum": "gcj02"}), encoding="utf-8")
    again, report = read_park(folder)
    assert {i.word for i in report.items} == {LayerWord.DATUM_CONVERTED} and not report.errors
    gate = drawn.of(LayerKind.GATE)[0].geometry
    assert gate.equals_exact(again.of(LayerKind.GATE)[0].geometry, 1e-8)
    assert gate.distance(undeclared) > 0.003


def test_a_datum_nobody_declared_properly_is_refused(folder):
    settings = json.loads((folder / "park.json").read_text(encoding="utf-8"))
    (folder / "park.json").write_text(json.dumps(settings | {"datum": "bd09"}), encoding="utf-8")
    assert complaints(folder) == [(LayerWord.PARK_FIELD_WRONG, "park.json")]


def test_values_a_database_cannot_keep_become_plain_ones(folder):
    frame = taken(folder, "camera")
    frame["seen"] = pandas.Timestamp("2026-03-02T08:00:00")
    frame.to_file(folder / "camera.gpkg")
    park, report = read_park(folder)
    assert report.items == []
    json.dumps([dict(c.attributes) for c in park.of(LayerKind.CAMERA)], allow_nan=False)
