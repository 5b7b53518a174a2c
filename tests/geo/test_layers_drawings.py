"""KMZ and DXF come in like the other formats; what a drawing does not say is declared, never guessed."""

import json
import warnings

import geopandas
import pytest
import shapely
from shapely import LineString

from geo.layers import Declared, Report, geometry_hash, read_layer, read_park
from geo.report import LayerWord
from geo.shapes import LayerKind
from tests.demo_park import DEMO

GATE = {"name_zh": "卡口", "name_en": "gate", "gate_kind": "hazmat_only"}


@pytest.fixture(scope="module")
def drawn():
    return read_park(DEMO)[0]


def settings(folder, **more):
    path = folder / "park.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | more), encoding="utf-8")


def cad(frame, path, crs="EPSG:4546", code="code"):
    """A drawing as a surveyor hands it in: outlines on one layer, texts on another, metres, no CRS."""
    placed = frame.to_crs(crs)
    lines = [LineString(shapely.get_coordinates(g)) for g in placed.geometry.boundary]
    rows = [{"Layer": "GATES", "Text": None, "geometry": line} for line in lines]
    rows += [
        {"Layer": "NAMES", "Text": c, "geometry": g.representative_point()}
        for c, g in zip(frame[code], placed.geometry, strict=True)
    ]
    path.unlink(missing_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        geopandas.GeoDataFrame(rows, geometry="geometry").to_file(path, driver="DXF")


def words(report):
    return {i.word for i in report.items}


def test_a_kmz_is_read_like_the_kml_inside_it(folder, drawn):
    frame = geopandas.read_file(folder / "control_line.geojson")
    (folder / "control_line.geojson").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_file(folder / "control_line.kmz", driver="LIBKML")
    again, report = read_park(folder)
    assert report.items == []
    one, other = drawn.of(LayerKind.CONTROL_LINE), again.of(LayerKind.CONTROL_LINE)
    assert [f.approval for f in one] == [f.approval for f in other]
    assert geometry_hash(one) == geometry_hash(other)


@pytest.mark.parametrize("crs", ["EPSG:4546", "EPSG:4525", "EPSG:4490"])
def test_closed_lines_of_a_declared_dxf_layer_become_areas(folder, drawn, crs, tmp_path):
    frame = geopandas.read_file(folder / "dock.geojson")[:1]
    path = tmp_path / "dock.dxf"
    cad(frame, path, crs)
    properties = {"code": "D9", "name_zh": "台", "name_en": "dock", "hazard_classes": "3"}
    report = Report()
    declared = Declared(crs=crs, dxf_layers=("GATES",), properties=properties)
    (made,) = read_layer(LayerKind.DOCK, path, declared, drawn, report)
    assert report.items == [] and made.code == "D9" and made.attributes["hazard_classes"] == "3"
    assert made.geometry.normalize().equals_exact(frame.geometry.iloc[0].normalize(), 1e-7)


def test_a_dxf_in_the_park_folder_is_declared_in_park_json(folder):
    frame = geopandas.read_file(folder / "control_line.geojson")
    said = json.loads((folder / "control_line.geojson").read_text(encoding="utf-8"))["features"][0][
        "properties"
    ]
    (folder / "control_line.geojson").unlink()
    cad(frame, folder / "control_line.dxf")
    declared = {"crs": "EPSG:4546", "dxf_layers": ["GATES"], "properties": said}
    settings(folder, drawings={"control_line": declared})
    park, report = read_park(folder)
    assert report.items == [] and park.of(LayerKind.CONTROL_LINE)[0].approval.document == said["document"]


def test_a_dxf_without_declarations_says_which_layers_there_are(folder, drawn, tmp_path):
    path = tmp_path / "gate.dxf"
    cad(geopandas.read_file(folder / "gate.geojson"), path)
    for declared, word in (
        (Declared(), LayerWord.DXF_LAYERS_MISSING),
        (Declared(dxf_layers=("OTHER",)), LayerWord.DXF_LAYER_ABSENT),
        (Declared(dxf_layers=("GATES",)), LayerWord.CRS_UNKNOWN),
    ):
        report = Report()
        assert read_layer(LayerKind.GATE, path, declared, drawn, report) == []
        assert words(report) == {word}


def text_dxf(*entities, version="AC1027", page="ANSI_1252"):
    body = "".join(f"  0\n{kind}\n" + "".join(f"{c}\n{v}\n" for c, v in pairs) for kind, pairs in entities)
    header = f"  9\n$ACADVER\n  1\n{version}\n  9\n$DWGCODEPAGE\n  3\n{page}\n"
    sections = [("HEADER", header), ("ENTITIES", body)]
    return (
        "".join(f"  0\nSECTION\n  2\n{name}\n{text}  0\nENDSEC\n" for name, text in sections) + "  0\nEOF\n"
    )


def polyline(layer, points, closed):
    pairs = [(8, layer), (100, "AcDbEntity"), (100, "AcDbPolyline"), (90, len(points)), (70, int(closed))]
    return ("LWPOLYLINE", pairs + [pair for x, y in points for pair in ((10, x), (20, y))])


def text(layer, x, y, said):
    return (
        "TEXT",
        [(8, layer), (100, "AcDbEntity"), (100, "AcDbText"), (10, x), (20, y), (40, 2.5), (1, said)],
    )


X, Y = 498_000.0, 3_950_000.0


def square(x, y, size=20.0):
    return [(X + x, Y + y), (X + x + size, Y + y), (X + x + size, Y + y + size), (X + x, Y + y + size)]


def read_dxf(drawn, tmp_path, *entities, consent=False, **declared):
    path = tmp_path / "gate.dxf"
    path.write_text(text_dxf(*entities), encoding="utf-8")
    report = Report()
    said = {"crs": "EPSG:4546", "dxf_layers": ("卡口",), "properties": GATE, **declared}
    return read_layer(LayerKind.GATE, path, Declared(**said), drawn, report, consent), report


def test_the_text_inside_an_outline_is_its_code(drawn, tmp_path):
    made, report = read_dxf(
        drawn, tmp_path,
        polyline("卡口", square(0, 0), True), text("注记", X + 5, Y + 5, "G1"),
        polyline("卡口", square(50, 0), True), text("注记", X + 55, Y + 5, "G2"),
        polyline("别的", square(90, 0), True),
    )  # fmt: skip
    assert report.items == [] and sorted(f.code for f in made) == ["G1", "G2"]


def test_an_outline_left_open_is_told_and_closed_only_with_consent(drawn, tmp_path):
    drawing = (polyline("卡口", square(0, 0), False), text("注记", X + 5, Y + 5, "G1"))
    made, report = read_dxf(drawn, tmp_path, *drawing)
    assert made == [] and words(report) == {LayerWord.RING_NOT_CLOSED} and len(report.repairs) == 1
    (mended,), report = read_dxf(drawn, tmp_path, *drawing, consent=True)
    assert words(report) == {LayerWord.REPAIRED} and mended.code == "G1"
    assert report.repairs[0].after_m2 == pytest.approx(400, rel=1e-3)


@pytest.mark.parametrize("encoding, page, right", [("gbk", "ANSI_936", True), ("gbk", "ANSI_1252", False)])
def test_chinese_layer_names_of_old_drawings_are_read_or_refused(drawn, tmp_path, encoding, page, right):
    content = text_dxf(polyline("卡口", square(0, 0), True), version="AC1015", page=page)
    (tmp_path / "gate.dxf").write_bytes(content.encode(encoding))
    report = Report()
    declared = Declared("EPSG:4546", dxf_layers=("卡口",), properties={**GATE, "code": "G1"})
    made = read_layer(LayerKind.GATE, tmp_path / "gate.dxf", declared, drawn, report)
    assert (len(made), words(report)) == ((1, set()) if right else (0, {LayerWord.TEXT_GARBLED}))


def test_lines_that_meet_end_to_end_make_one_outline(drawn, tmp_path):
    corners = square(0, 0)
    pieces = [
        polyline("卡口", [a, b], False) for a, b in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    (made,), report = read_dxf(drawn, tmp_path, *pieces, text("注记", X + 5, Y + 5, "G1"))
    assert report.items == [] and made.geometry.geom_type == "Polygon"


def test_northing_first_is_taken_when_it_is_declared_and_told_when_not(drawn, tmp_path):
    turned = [(y, x) for x, y in square(0, 0)]
    label = text("注记", Y + 5, X + 5, "G1")
    _, report = read_dxf(drawn, tmp_path, polyline("卡口", turned, True), label)
    assert words(report) == {LayerWord.NORTHING_FIRST}
    (made,), report = read_dxf(drawn, tmp_path, polyline("卡口", turned, True), label, northing_first=True)
    (straight,), _ = read_dxf(
        drawn, tmp_path, polyline("卡口", square(0, 0), True), text("注记", X + 5, Y + 5, "G1")
    )
    assert report.items == [] and geometry_hash([made]) == geometry_hash([straight])


@pytest.mark.parametrize(
    "said, right, shift", [("EPSG:4546", "EPSG:4525", 37e6), ("EPSG:4525", "EPSG:4546", 0)]
)
def test_the_wrong_kind_of_zone_is_told_with_the_right_one(drawn, tmp_path, said, right, shift):
    numbered = [(x + shift, y) for x, y in square(0, 0)]
    _, report = read_dxf(drawn, tmp_path, polyline("卡口", numbered, True), crs=said)
    assert [(i.word, i.facts["crs"]) for i in report.items] == [(LayerWord.ZONE_NUMBER, right)]


def test_a_binary_dxf_is_refused_in_a_word(drawn, tmp_path):
    path = tmp_path / "gate.dxf"
    path.write_bytes(b"AutoCAD Binary DXF\r\n\x1a\x00" + bytes(100))
    report = Report()
    read_layer(LayerKind.GATE, path, Declared(), drawn, report)
    assert words(report) == {LayerWord.DXF_BINARY}


@pytest.mark.parametrize(
    "drawings, field",
    [
        (3, "drawings"),
        ({"moat": {}}, "drawings.moat"),
        ({"gate": {"crs": "EPSG:999999"}}, "drawings.gate.crs"),
        ({"gate": {"datum": "mars"}}, "drawings.gate.datum"),
        ({"gate": {"dxf_layers": "GATES"}}, "drawings.gate.dxf_layers"),
        ({"gate": {"scale": 2}}, "drawings.gate.scale"),
    ],
)
def test_a_wrong_declaration_is_named(folder, drawings, field):
    settings(folder, drawings=drawings)
    park, report = read_park(folder)
    assert park is None and [i.facts["field"] for i in report.errors] == [field]


def test_what_leaves_the_county_is_told_with_the_place(folder):
    settings(folder, county=[110.80, 35.58, 110.90, 35.78])
    _, report = read_park(folder)
    told = {i.file for i in report.errors if i.word is LayerWord.OUTSIDE_COUNTY}
    assert "control_line.geojson" in told and words(report) == {LayerWord.OUTSIDE_COUNTY}
    ring = [[110.8, 35.58], [111.04, 35.58], [111.04, 35.78], [110.8, 35.78], [110.8, 35.58]]
    settings(folder, county={"type": "Polygon", "coordinates": [ring]})
    park, report = read_park(folder)
    assert report.items == [] and park.county["type"] == "Polygon"


@pytest.mark.parametrize("county", [[1, 2, 3], "Jishan", {"type": "Point", "coordinates": [1, 2]}])
def test_a_county_that_is_none_is_told(folder, county):
    settings(folder, county=county)
    _, report = read_park(folder)
    assert [i.facts["field"] for i in report.errors] == ["county"]


def test_two_docks_on_one_place_are_told(folder):
    path = folder / "dock.geojson"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["features"][1]["geometry"] = data["features"][0]["geometry"]
    path.write_text(json.dumps(data), encoding="utf-8")
    (item,) = read_park(folder)[1].errors
    assert item.word is LayerWord.SHAPES_OVERLAP and item.facts["area_m2"] > 1


def test_any_kind_may_have_versions_in_time(folder):
    path = folder / "gate.geojson"
    data = json.loads(path.read_text(encoding="utf-8"))
    act = {
        "document": "函1",
        "issuing_body": "管委会",
        "approved_on": "2026-03-01",
        "effective_from": "2026-04-01",
    }
    before = data["features"][0]
    after = json.loads(json.dumps(before))
    before["properties"] |= {**act, "approved_on": "2023-01-01", "effective_from": "2023-01-01"}
    after["properties"] |= act
    before["properties"]["effective_to"] = "2026-04-01"
    data["features"].append(after)
    path.write_text(json.dumps(data), encoding="utf-8")
    park, report = read_park(folder)
    assert report.items == []
    code = after["properties"]["code"]
    from datetime import UTC, datetime

    for day, document in (
        (datetime(2026, 3, 31, 12, tzinfo=UTC), "2023-01-01"),
        (datetime(2026, 4, 1, tzinfo=UTC), "2026-03-01"),
    ):
        (one,) = [f for f in park.in_force(LayerKind.GATE, day) if f.code == code]
        assert one.approval.approved_on.isoformat() == document
    before["properties"]["effective_to"] = None
    path.write_text(json.dumps(data), encoding="utf-8")
    assert LayerWord.VERSIONS_OVERLAP in words(read_park(folder)[1])
