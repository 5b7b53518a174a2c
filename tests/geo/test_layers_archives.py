"""A file that would harm the machine that reads it is refused in clear words."""

import shutil
import sqlite3
import stat
import tempfile
import warnings
import zipfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import geopandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import archive, vectorfile
from geo.layers import SUFFIXES, Declared, Report, read_layer, read_park
from geo.park_checks import check_park
from geo.report import LayerReason, LayerWord
from geo.shapes import LayerKind
from parking.layer_words import sentence

DEMO = Path(__file__).parents[2] / "fixtures" / "park"


@pytest.fixture(scope="module")
def drawn():
    return read_park(DEMO)[0]


def told(drawn, path, kind=LayerKind.CAMERA):
    report = Report()
    read_layer(kind, path, Declared(), drawn, report)
    for item in report.items:
        assert sentence(item, "zh") and sentence(item, "en")
    return [(i.word, i.facts.get("reason")) for i in report.items]


def zipped(path, **parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["../../etc/cron.d/x.shp", "/etc/x.shp", "C:/x.shp", "a\\..\\..\\x.shp"])
def test_a_part_that_leads_out_of_the_archive(drawn, tmp_path, name):
    path = zipped(tmp_path / "camera.zip", **{name: b"x"})
    assert told(drawn, path) == [(LayerWord.ARCHIVE_UNSAFE, LayerReason.PATH_LEADS_OUT)]


def test_a_part_that_is_a_link(drawn, tmp_path):
    link = zipfile.ZipInfo("camera.shp")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "camera.zip", "w") as made:
        made.writestr(link, "/etc/passwd")
    assert told(drawn, tmp_path / "camera.zip") == [(LayerWord.ARCHIVE_UNSAFE, LayerReason.IS_A_LINK)]


def test_an_archive_that_lies_about_its_size(drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "UNPACKED_LIMIT_MB", 1)
    path = zipped(tmp_path / "camera.zip", **{"camera.shp": bytes(3_000_000)})
    assert told(drawn, path)[0][0] is LayerWord.FILE_TOO_LARGE
    content = bytearray(path.read_bytes())
    for at in (content.find(b"PK\x03\x04") + 22, content.find(b"PK\x01\x02") + 24):
        content[at : at + 4] = (1000).to_bytes(4, "little")  # says: a thousand bytes
    path.write_bytes(content)
    assert told(drawn, path)[0][0] in (LayerWord.FILE_UNREADABLE, LayerWord.FORMAT_WRONG)


def test_an_archive_of_many_parts_or_without_a_drawing(drawn, tmp_path):
    many = zipped(tmp_path / "camera.zip", **{f"{n}.txt": b"" for n in range(501)})
    assert told(drawn, many)[0][0] is LayerWord.ARCHIVE_PARTS
    assert (
        told(drawn, zipped(tmp_path / "camera.zip", **{"a.vrt": "<x/>"}))[0][0] is LayerWord.ARCHIVE_WITHOUT
    )
    assert told(drawn, zipped(tmp_path / "camera.kmz", **{"a.shp": "x"}))[0][0] is LayerWord.ARCHIVE_WITHOUT


def test_a_truncated_archive(drawn, tmp_path):
    path = zipped(tmp_path / "camera.zip", **{"camera.shp": bytes(1000)})
    path.write_bytes(path.read_bytes()[:-30])
    assert told(drawn, path)[0][0] is LayerWord.FILE_UNREADABLE


BOMB = """<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY a "{0}"><!ENTITY b "{1}">]>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>&b;</name></Document></kml>"""
FILE = """<?xml version="1.0"?><!DOCTYPE kml [<!ENTITY a SYSTEM "file:///etc/passwd">]><kml>&a;</kml>"""
LINK = """<kml xmlns="http://www.opengis.net/kml/2.2"><Document><NetworkLink><Link>
<href>http://127.0.0.1/x.kml</href></Link></NetworkLink></Document></kml>"""
VRT = """<OGRVRTDataSource><OGRVRTLayer name="camera"><SrcDataSource>/etc/passwd</SrcDataSource>
</OGRVRTLayer></OGRVRTDataSource>"""


@pytest.mark.parametrize(
    "content, word",
    [
        (BOMB.format("x" * 1000, "&a;" * 1000), LayerWord.XML_ENTITIES),
        (FILE, LayerWord.XML_ENTITIES),
        (LINK, LayerWord.LINKS_ELSEWHERE),
        (VRT, LayerWord.FORMAT_WRONG),
        ("<kml>" + "<Folder>" * 5000, LayerWord.NESTED_TOO_DEEP),
        ("<kml><Document>", LayerWord.FILE_UNREADABLE),
    ],
)
@pytest.mark.parametrize("suffix", ["kml", "kmz"])
def test_a_kml_that_attacks_the_reader(drawn, tmp_path, content, word, suffix):
    path = tmp_path / f"camera.{suffix}"
    path.write_text(content) if suffix == "kml" else zipped(path, **{"doc.kml": content})
    assert [w for w, _ in told(drawn, path)] == [word]


def test_a_kml_bomb_in_another_encoding(drawn, tmp_path):
    path = tmp_path / "camera.kml"
    path.write_bytes(FILE.replace("?>", ' encoding="UTF-16"?>', 1).encode("utf-16"))
    assert [w for w, _ in told(drawn, path)] == [LayerWord.XML_ENTITIES]


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "dxf"])
def test_a_file_that_is_not_what_its_name_says(drawn, tmp_path, suffix):
    path = tmp_path / f"camera.{suffix}"
    path.write_text(VRT)
    assert [w for w, _ in told(drawn, path)] == [LayerWord.FORMAT_WRONG]


def test_a_geopackage_with_a_virtual_table(drawn, tmp_path):
    path = Path(shutil.copy(DEMO / "camera.geojson", tmp_path / "c.geojson"))
    geopandas.read_file(path).to_file(tmp_path / "camera.gpkg")
    assert told(drawn, tmp_path / "camera.gpkg") == []
    opened = sqlite3.connect(tmp_path / "camera.gpkg")
    opened.execute("PRAGMA writable_schema=ON")
    sql = "CREATE VIRTUAL TABLE v USING VirtualOGR('/etc/passwd')"
    opened.execute("INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 0, ?)", (sql,))
    opened.commit()
    opened.close()
    assert [w for w, _ in told(drawn, tmp_path / "camera.gpkg")] == [LayerWord.LINKS_ELSEWHERE]


def test_too_many_features_and_too_many_vertices(drawn, tmp_path, monkeypatch):
    path = Path(shutil.copy(DEMO / "bay.geojson", tmp_path / "bay.geojson"))
    monkeypatch.setattr(vectorfile, "FILE_VERTEX_LIMIT", 100)
    assert [w for w, _ in told(drawn, path, LayerKind.BAY)] == [LayerWord.TOO_MANY_VERTICES]
    monkeypatch.setattr(vectorfile, "FEATURE_LIMIT", 10)
    assert [w for w, _ in told(drawn, path, LayerKind.BAY)] == [LayerWord.TOO_MANY_FEATURES]


def test_a_file_over_the_limit_is_not_even_opened(drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(vectorfile, "FILE_LIMIT_MB", 0)
    path = Path(shutil.copy(DEMO / "bay.geojson", tmp_path / "bay.geojson"))
    assert [w for w, _ in told(drawn, path, LayerKind.BAY)] == [LayerWord.FILE_TOO_LARGE]


def test_a_crowd_of_complaints_ends_and_no_error_hides_behind_warnings(drawn):
    report = Report()
    for n in range(3000):
        report.warning(LayerWord.BAY_SIZE, "bay.geojson", str(n))
    report.error(LayerWord.NO_FEATURES, "bay.geojson")
    assert len(report.warnings) == 1000 and len(report.errors) == 1 and not report.full


def test_thousands_of_shapes_on_one_place_are_told_and_end(drawn):
    dock = drawn.of(LayerKind.DOCK)[0]
    park = replace(drawn, features=tuple(replace(dock, code=str(n)) for n in range(5000)))
    report = Report()
    check_park(park, {kind: f"{kind}.geojson" for kind in LayerKind}, report)
    assert report.full


@given(st.binary(max_size=300), st.sampled_from(SUFFIXES))
@settings(max_examples=60, deadline=None)
def test_any_bytes_under_any_name_get_an_answer(content, suffix):
    park = read_park_once()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"camera{suffix}"
        path.write_bytes(content)
        report = Report()
        made = read_layer(LayerKind.CAMERA, path, Declared(), park, report)
        assert made == [] and report.errors
        assert not any(folder in str(i.facts) for i in report.items)


@given(
    st.sampled_from(["gpkg", "kmz", "zip", "kml", "dxf"]),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=20),
)
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_gets_an_answer(suffix, damage):
    """Right files with some bytes changed: read, or refused, never a traceback."""
    content = bytearray(sound(suffix))
    for place, byte in damage:
        content[int(place * (len(content) - 1))] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"camera.{suffix}"
        path.write_bytes(content)
        read_layer(
            LayerKind.CAMERA, path, Declared("EPSG:4326", dxf_layers=("0",)), read_park_once(), Report()
        )


@lru_cache
def read_park_once():
    return read_park(DEMO)[0]


@lru_cache
def sound(suffix):
    frame = geopandas.read_file(DEMO / "camera.geojson")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if suffix == "zip":
            frame.to_file(Path(folder) / "camera.shp")
            with zipfile.ZipFile(Path(folder) / "camera.zip", "w") as made:
                for part in Path(folder).glob("camera.[!z]*"):
                    made.write(part, part.name)
        elif suffix == "dxf":
            frame[["geometry"]].to_file(Path(folder) / "camera.dxf", driver="DXF")
        else:
            driver = {"gpkg": "GPKG", "kmz": "LIBKML", "kml": "LIBKML"}[suffix]
            frame.to_file(Path(folder) / f"camera.{suffix}", driver=driver)
        return (Path(folder) / f"camera.{suffix}").read_bytes()


def test_a_part_whose_compression_is_damaged(drawn, tmp_path):
    content = bytearray(sound("kmz"))
    start = content.find(b"PK\x03\x04", 60) + 60
    content[start : start + 40] = b"\xff" * 40
    (tmp_path / "camera.kmz").write_bytes(content)
    assert told(drawn, tmp_path / "camera.kmz")[0][0] is LayerWord.FILE_UNREADABLE


def test_a_kml_in_an_encoding_nobody_knows(drawn, tmp_path):
    (tmp_path / "camera.kml").write_text('<?xml version="1.0" encoding="OTF-8"?><kml/>')
    assert told(drawn, tmp_path / "camera.kml")[0][0] is LayerWord.FILE_UNREADABLE
