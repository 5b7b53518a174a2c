"""Whatever a file holds, the door answers with a report and never with a traceback."""

import json
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.layers import read_park
from geo.report import LayerReason, LayerWord
from parking.layer_words import REASONS, SENTENCES, sentence

DEMO = Path(__file__).parents[2] / "fixtures" / "park"
KINDS = ("boundary", "control_line", "zone", "gate", "bay", "route", "dock", "camera")
PROPERTIES = [
    "code",
    "name_zh",
    "name_en",
    "document",
    "issuing_body",
    "approved_on",
    "effective_from",
    "effective_to",
    "zone_kind",
    "gate_kind",
    "hazard_classes",
    "load_states",
    "isolation",
    "length_m",
    "width_m",
    "zone",
    "half_width_m",
    "direction",
    "speed_limit_kmh",
]
FIELDS = [
    "code",
    "name_zh",
    "notice_zh",
    "metric_crs",
    "watch_area",
    "official",
    "timezone",
    "policy",
    "datum",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@contextmanager
def park_folder():
    with tempfile.TemporaryDirectory() as made:
        yield Path(shutil.copytree(DEMO, Path(made) / "park"))


def said(report):
    """Every complaint in both languages: the sentences must find their facts."""
    lines = [sentence(item, lang) for item in report.items for lang in ("zh", "en")]
    assert not any("{" in line and "}" in line and "—" in line for line in lines)
    return lines


@given(st.sampled_from(KINDS), st.sampled_from(PROPERTIES), JSON)
@SLOW
def test_any_value_of_any_property_gets_an_answer(kind, name, value):
    with park_folder() as folder:
        path = folder / f"{kind}.geojson"
        data = json.loads(path.read_text(encoding="utf-8"))
        data["features"][0]["properties"][name] = value
        path.write_text(json.dumps(data), encoding="utf-8")
        said(read_park(folder)[1])


@given(st.sampled_from(KINDS), JSON)
@SLOW
def test_any_geometry_gets_an_answer(kind, value):
    with park_folder() as folder:
        path = folder / f"{kind}.geojson"
        data = json.loads(path.read_text(encoding="utf-8"))
        data["features"][0]["geometry"]["coordinates"] = value
        path.write_text(json.dumps(data), encoding="utf-8")
        report = read_park(folder)[1]
        assert report.errors
        said(report)


@given(st.sampled_from(FIELDS), JSON)
@SLOW
def test_any_field_of_park_json_gets_an_answer(name, value):
    with park_folder() as folder:
        path = folder / "park.json"
        path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {name: value}))
        said(read_park(folder)[1])


@pytest.mark.parametrize("text", ["[" * 100_000, '{"features": [1, null, "x"]}', '{"a":\n1,\n}', "", "null"])
@pytest.mark.parametrize("name", ["park.json", "bay.geojson"])
def test_broken_json_is_an_error_never_a_traceback(name, text):
    with park_folder() as folder:
        (folder / name).write_text(text, encoding="utf-8")
        report = read_park(folder)[1]
        assert report.errors[0].file == name
        said(report)


def test_a_broken_layer_tells_the_line():
    with park_folder() as folder:
        (folder / "bay.geojson").write_text(
            '{"type": "FeatureCollection",\n"features": [,]}', encoding="utf-8"
        )
        first = read_park(folder)[1].errors[0]
        assert first.word is LayerWord.FILE_UNREADABLE and "line 2" in first.facts["reason"]


def test_one_broken_layer_does_not_make_every_bay_complain():
    with park_folder() as folder:
        (folder / "zone.geojson").write_text("oops", encoding="utf-8")
        assert {i.file for i in read_park(folder)[1].errors} == {"zone.geojson"}


def test_every_word_and_reason_has_its_sentence():
    assert set(SENTENCES) == set(LayerWord) and set(REASONS) == set(LayerReason)
