"""A DXF drawing as a frame of shapes: lines on the declared layers become areas, texts name them.

A DXF knows neither its coordinate system nor what its layers mean: both are declared, nothing is guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import geopandas
import numpy as np
import pyogrio
import shapely
from shapely import LineString, Point, Polygon
from shapely.geometry.base import BaseGeometry

from geo.declared import Declared
from geo.report import LayerWord, Report

#: Ends of a polyline this close are one point, drawing units (metres in a survey drawing): CAD rounds.
SNAP = 0.001
#: Column that marks shapes whose ring was open in the file.
UNCLOSED = "hazpark:unclosed"
_LINES = ("LineString", "MultiLineString")
_AREAS = ("Polygon", "MultiPolygon")


_encoding = Lock()
_VERSION = re.compile(rb"\$ACADVER\s+1\s+AC(\d{4})")
#: Since AutoCAD 2007 a DXF is UTF-8 whatever its code page says; GDAL believes the code page.
_UTF8_SINCE = 1021


@contextmanager
def read_as_written(path: Path) -> Iterator[None]:
    """While GDAL reads ``path``: a DXF's texts are decoded as its version says. GDAL's switch is global."""
    if path.suffix.lower() != ".dxf":
        yield
        return
    with path.open("rb") as file:
        version = _VERSION.search(file.read(65_536))
    modern = version is not None and int(version[1]) >= _UTF8_SINCE
    with _encoding:
        pyogrio.set_gdal_config_options({"DXF_ENCODING": "UTF-8" if modern else None})
        try:
            yield
        finally:
            pyogrio.set_gdal_config_options({"DXF_ENCODING": None})


def shapes_of(frame: Any, declared: Declared, areas: bool, file: str, report: Report) -> Any:
    """The shapes of the declared layers with their labels as ``code``; None and a complaint when none are.

    ``areas``: closed lines become polygons. A line left open is closed here and marked in UNCLOSED, so that
    the door can refuse it and show what would mend it.
    """
    present = Counter(str(name) for name in frame["Layer"])
    listed = [f"{name} ({count})" for name, count in sorted(present.items())][:40]
    if not declared.dxf_layers:
        report.error(LayerWord.DXF_LAYERS_MISSING, file, names=listed)
        return None
    for name in declared.dxf_layers:
        if name not in present:
            report.error(LayerWord.DXF_LAYER_ABSENT, file, name=name, names=listed)
            return None
    drawn = frame[frame["Layer"].isin(declared.dxf_layers)]
    lines = [g for g in drawn.geometry if g is not None and g.geom_type in _LINES]
    whole = [g for g in drawn.geometry if g is not None and g.geom_type in _AREAS]
    odd = Counter(
        g.geom_type for g in drawn.geometry if g is not None and g.geom_type not in (*_LINES, *_AREAS)
    )
    if odd - Counter({"Point": odd["Point"]}):
        del odd["Point"]
        report.warning(LayerWord.DXF_OTHERS, file, count=sum(odd.values()), types=sorted(odd))
    made, unclosed = _closed(lines) if areas else ([*shapely.get_parts(_merged(lines))], set())
    shapes = [*whole, *made] if areas else made
    open_ones = [areas and n - len(whole) in unclosed for n in range(len(shapes))]
    codes = _codes(shapes, _texts(frame, declared), areas)
    return geopandas.GeoDataFrame({"code": codes, UNCLOSED: open_ones}, geometry=shapes or [], crs=frame.crs)


def _merged(lines: Sequence[BaseGeometry]) -> BaseGeometry:
    """Pieces that meet end to end as one line."""
    parts = [shapely.force_2d(part) for line in lines for part in shapely.get_parts(line)]
    snapped = [LineString(np.round(shapely.get_coordinates(p) / SNAP) * SNAP) for p in parts]
    if not snapped:
        return shapely.GeometryCollection()
    return shapely.line_merge(shapely.multilinestrings(snapped))


def _closed(lines: Sequence[BaseGeometry]) -> tuple[list[BaseGeometry], set[int]]:
    """Polygons, and the numbers of those that had to be closed. A line of two points encloses nothing."""
    made: list[BaseGeometry] = []
    unclosed: set[int] = set()
    own = [part for line in lines for part in shapely.get_parts(line)]
    rings = [part for part in own if part.is_closed]
    loose = [part for part in own if not part.is_closed]
    for part in [*rings, *shapely.get_parts(_merged(loose))]:
        corners = shapely.get_coordinates(part)
        if len(corners) < 3:
            made.append(part)
            continue
        if not part.is_closed:
            unclosed.add(len(made))
        made.append(Polygon(corners))
    return made, unclosed


def _texts(frame: Any, declared: Declared) -> list[tuple[Point, str]]:
    named = frame[frame["Text"].notna()] if "Text" in frame.columns else frame[:0]
    if declared.label_layers:
        named = named[named["Layer"].isin(declared.label_layers)]
    pairs = zip(named.geometry, named["Text"], strict=True) if len(named) else ()
    return [(g, str(text).strip()) for g, text in pairs if isinstance(g, Point) and str(text).strip()]


def _codes(
    shapes: Sequence[BaseGeometry], texts: Sequence[tuple[Point, str]], areas: bool
) -> list[str | None]:
    """The one text that stands inside a shape; none when there is none or several."""
    if not areas or not texts or not shapes:
        return [None] * len(shapes)
    tree = shapely.STRtree([point for point, _ in texts])
    found: list[str | None] = []
    for shape in shapes:
        inside = tree.query(shape, predicate="intersects").tolist() if shape.is_valid else []
        found.append(texts[int(inside[0])][1] if len(inside) == 1 else None)
    return found
