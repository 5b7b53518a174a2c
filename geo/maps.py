"""Maps: folium makes the shell, our own static script draws the records.

No tile, script, style or font comes from anywhere but this server, nothing a person typed ever becomes
code (no folium popups or tooltips: their text is executed as a JavaScript template), and the parts fit a
page with a strict nonce CSP.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import folium
from branca.element import MacroElement
from jinja2 import Template
from shapely.geometry import mapping

from geo.shapes import Feature, LayerKind

#: Zoom levels: a whole county down to a single bay.
ZOOM = (9, 21)


@dataclass(frozen=True, slots=True)
class MapParts:
    """``body`` goes where the map shall stand, ``script`` behind leaflet.js and map.js."""

    element: str
    body: str
    script: str


class _Records(MacroElement):
    """Hands the map and the id of its data block to the drawing script."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "hazparkMap.draw({{ this._parent.get_name() }}, document.getElementById('{{ this.data_id }}'));"
        "{% endmacro %}"
    )

    def __init__(self, data_id: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Records"
        self.data_id = data_id


def draw(data: Mapping[str, Any], bounds: Sequence[float], nonce: str, label: str) -> MapParts:
    """A map of ``data`` (see ``map_data``) framed by ``bounds`` [west, south, east, north], degrees.

    ``nonce`` is the page's CSP nonce; ``label`` names the map for screen readers.
    """
    west, south, east, north = bounds
    shell = folium.Map(
        location=[(south + north) / 2, (west + east) / 2],
        tiles=None,
        zoom_start=15,
        control_scale=False,
        prefer_canvas=True,
        minZoom=ZOOM[0],
        maxZoom=ZOOM[1],
        zoomSnap=0.25,
        attributionControl=False,
    )
    shell.default_js, shell.default_css = [], []
    element = shell.get_name()
    _Records(f"{element}_data").add_to(shell)
    figure = shell.get_root()
    figure.render()
    framed = {**data, "bounds": [[south, west], [north, east]], "label": label}
    return MapParts(element, _body(figure, element, framed), _script(figure, nonce))


def _body(figure: Any, element: str, data: Mapping[str, Any]) -> str:
    block = f'<script type="application/json" id="{element}_data">{_safe(data)}</script>'
    return f"{figure.html.render()}{block}"


def _script(figure: Any, nonce: str) -> str:
    return f'<script nonce="{nonce}">{figure.script.render()}</script>'


def _safe(data: Mapping[str, Any]) -> str:
    """JSON that cannot end its own script element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def map_data(
    layers: Iterable[Mapping[str, Any]] = (),
    track: Iterable[Sequence[Any]] = (),
    points: Iterable[Mapping[str, Any]] = (),
    vehicles: Iterable[Mapping[str, Any]] = (),
    legend: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What map.js draws.

    ``layers``: from ``layer``. ``track``: [seconds since 1970, lon, lat, km/h or None, label] in order of
    time. ``points``: {lon, lat, title, lines, tone}. ``vehicles``: {id, plate, lon, lat, heading, lines,
    tone}. ``legend``: kind → word, in the page's language.
    """
    return {
        "layers": list(layers),
        "track": [list(p) for p in track],
        "points": list(points),
        "vehicles": list(vehicles),
        "legend": dict(legend or {}),
    }


def layer(feature: Feature, name: str, emphasis: bool = False, tone: str = "") -> dict[str, Any]:
    """One shape for ``map_data``; ``emphasis`` makes it stand out (the line that was crossed)."""
    return {
        "kind": str(feature.attributes.get("zone_kind") or feature.kind),
        "code": feature.code,
        "name": name,
        "emphasis": emphasis,
        "tone": tone,
        "geometry": mapping(feature.geometry),
    }


def drawn(kind: str, name: str, code: str, geometry: Mapping[str, Any]) -> dict[str, Any]:
    """A shape for ``map_data`` that is no feature of a layer; ``geometry``: GeoJSON, degrees."""
    return {"kind": kind, "code": code, "name": name, "emphasis": False, "tone": "", "geometry": geometry}


def order(features: Iterable[Feature]) -> list[Feature]:
    """Large shapes first, so that small ones lie on top."""
    ranks = {
        kind: n
        for n, kind in enumerate(
            (
                LayerKind.CONTROL_LINE,
                LayerKind.BOUNDARY,
                LayerKind.ZONE,
                LayerKind.ROUTE,
                LayerKind.GATE,
                LayerKind.DOCK,
                LayerKind.BAY,
                LayerKind.CAMERA,
            )
        )
    }
    return sorted(features, key=lambda f: (ranks[f.kind], -f.geometry.area))


def bounds_of(features: Iterable[Feature], points: Iterable[tuple[float, float]] = ()) -> list[float]:
    """[west, south, east, north] around shapes and (lon, lat) points, with a margin."""
    boxes = [f.geometry.bounds for f in features] + [(lon, lat, lon, lat) for lon, lat in points]
    west, south = min(b[0] for b in boxes), min(b[1] for b in boxes)
    east, north = max(b[2] for b in boxes), max(b[3] for b in boxes)
    pad_x, pad_y = max(0.001, (east - west) * 0.06), max(0.001, (north - south) * 0.06)
    return [west - pad_x, south - pad_y, east + pad_x, north + pad_y]


def track_point(time: datetime, lon: float, lat: float, speed_kmh: float | None, label: str) -> list[Any]:
    return [int(time.timestamp()), round(lon, 6), round(lat, 6), speed_kmh, label]
