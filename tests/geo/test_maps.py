"""A map loads no byte from elsewhere, and what people typed stays text."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from geo import maps
from geo.layers import read_park
from geo.shapes import LayerKind

DEMO = Path(__file__).parents[2] / "fixtures" / "park"
HOSTILE = (
    "</script><script>alert(1)</script>${alert(2)}`+alert(3)+`<img src=x onerror=alert(4)>\\u2028 C:\\2026"
)


@pytest.fixture(scope="module")
def park():
    return read_park(DEMO)[0]


def drawn(park, text="晋M12345"):
    features = maps.order(park.features)
    data = maps.map_data(
        [maps.layer(f, text) for f in features],
        track=[maps.track_point(datetime(2026, 3, 2, tzinfo=UTC), 110.92, 35.68, 20.0, text)],
        points=[{"lon": 110.92, "lat": 35.68, "title": text, "lines": [text], "tone": "stop"}],
        vehicles=[
            {
                "id": 1,
                "plate": text,
                "lon": 110.92,
                "lat": 35.68,
                "heading": 0,
                "lines": [text],
                "tone": "calm",
            }
        ],
        legend={"boundary": text},
    )
    return maps.draw(data, maps.bounds_of(features), "n0nce", text)


def test_no_remote_address(park):
    parts = drawn(park)
    assert not re.search(r"(https?:)?//[a-z0-9.-]+\.[a-z]{2,}", parts.body + parts.script)


def test_every_script_that_runs_carries_the_nonce(park):
    parts = drawn(park)
    scripts = re.findall(r"<script[^>]*>", parts.body + parts.script)
    assert sorted(scripts) == sorted(
        [f'<script type="application/json" id="{parts.element}_data">', '<script nonce="n0nce">']
    )
    assert not re.search(r"\son\w+=", parts.script)


def test_hostile_text_never_reaches_the_code(park):
    parts = drawn(park, HOSTILE)
    assert "alert" not in parts.script
    block = parts.body.split('_data">')[1]
    assert block.count("</script>") == 1
    assert "<" not in block.removesuffix("</script>")


def test_large_shapes_lie_below_small_ones(park):
    ranks = [f.kind for f in maps.order(park.features)]
    assert ranks[0] is LayerKind.CONTROL_LINE
    assert ranks.index(LayerKind.ZONE) < ranks.index(LayerKind.BAY)


def test_bounds_hold_everything_with_a_margin(park):
    west, _, east, _ = maps.bounds_of(park.features, [(111.0, 35.7)])
    assert west < park.of(LayerKind.CONTROL_LINE)[0].geometry.bounds[0]
    assert east > 111.0


def test_nothing_that_executes_text_is_used_anywhere():
    house = Path(__file__).parents[2]
    banned = re.compile(r"folium\.(Popup|Tooltip|GeoJsonPopup|GeoJsonTooltip|DivIcon|GeoJson)\b|\.explore\(")
    files = [p for room in ("geo", "parking", "workers", "web") for p in (house / room).rglob("*.py")]
    assert [str(p) for p in files if banned.search(p.read_text(encoding="utf-8"))] == []
