"""One vector file as numbered rows in WGS-84, or complaints. Nothing is guessed, dropped or mended.

A file that cannot be understood without guessing (several layers, texts in an unknown encoding, an old
datum nobody can convert accurately, northing before easting undeclared) is refused as a whole.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas
import numpy as np
import pyogrio
import shapely
from shapely.geometry.base import BaseGeometry

from geo.archive import unpacked
from geo.content import content_right
from geo.declared import Declared
from geo.dxf import UNCLOSED, read_as_written, shapes_of
from geo.placing import Area, crs_name, in_wgs84, with_crs
from geo.report import LayerWord, Report

FILE_LIMIT_MB = 50
#: Features and vertices of one file: a hundred times what a large park has.
FEATURE_LIMIT = 50_000
FILE_VERTEX_LIMIT = 1_000_000
#: Shapefiles cut names to ten letters; these are the stumps GDAL and ArcGIS leave, and sensible short names.
_SHAPEFILE_NAMES = {
    "issuing_bo": "issuing_body",
    "approved_o": "approved_on",
    "effective_": "effective_from",
    "effectiv_1": "effective_to",
    "eff_from": "effective_from",
    "eff_to": "effective_to",
    "hazard_cla": "hazard_classes",
    "load_state": "load_states",
    "speed_limi": "speed_limit_kmh",
    "half_width": "half_width_m",
}
#: Columns GDAL adds to every KML file.
_KML_NOISE = frozenset(
    {
        "id",
        "name",
        "description",
        "timestamp",
        "begin",
        "end",
        "altitudemode",
        "tessellate",
        "extrude",
        "visibility",
        "draworder",
        "icon",
        "snippet",
    }
)
#: Signs of the Latin-1 supplement that do occur in Chinese and English names.
_INNOCENT = frozenset("·°×±²³")


@dataclass(frozen=True, slots=True)
class Row:
    """One feature of a file: its number in the file (from 1), its shape in WGS-84.

    ``unclosed``: a ring of it was open in the file; in ``geometry`` it is closed. ``crs``: the file's.
    """

    number: int
    properties: Mapping[str, Any]
    geometry: BaseGeometry | None
    unclosed: bool = False
    crs: str = ""


@dataclass(frozen=True, slots=True)
class Scanned:
    """Numbers of features with coordinates nobody can use, and of those with an open ring."""

    broken: frozenset[int] = frozenset()
    unclosed: frozenset[int] = frozenset()


def read_rows(
    path: Path, declared: Declared, watch_area: Area, areas: bool, report: Report
) -> list[Row] | None:
    """The rows of ``path``; those already complained about are left out. None: the file is refused.

    ``areas``: polygons are wanted, so that closed lines of a DXF become some.
    """
    if not _size_right(path, report):
        return None
    with TemporaryDirectory(prefix="hazpark-") as folder:
        inside = unpacked(path, Path(folder), report)
        if inside is None or not content_right(inside, path.name, report):
            return None
        with read_as_written(inside):
            return _read(inside, path.name, declared, watch_area, areas, report)


def _read(
    path: Path, file: str, declared: Declared, watch_area: Area, areas: bool, report: Report
) -> list[Row] | None:
    scanned = _scan(path, file, report)
    layer = _layer_name(path, file, report) if scanned is not None else None
    if scanned is None or layer is None or not _counts_right(path, layer, file, report):
        return None
    frame = _frame(path, layer, file, report)
    if frame is None:
        return None
    if not _texts_readable(frame, path, file, report):
        return None
    if path.suffix.lower() == ".dxf":
        frame = shapes_of(frame, declared, areas, file, report)
        if frame is None or not len(frame):
            report.error(LayerWord.NO_FEATURES, file) if frame is not None else None
            return None
    frame = with_crs(frame, declared, file, report)
    if frame is None:
        return None
    crs = crs_name(frame.crs, declared)
    placed = in_wgs84(frame, declared, file, watch_area, report)
    if placed is None:
        return None
    return list(_rows(placed, path, declared, scanned, crs))


def _rows(placed: Any, path: Path, declared: Declared, scanned: Scanned, crs: str) -> Iterator[Row]:
    shapes, columns = list(placed.geometry), placed.drop(columns=placed.geometry.name)
    for n, properties in enumerate(columns.to_dict("records"), 1):
        unclosed = bool(properties.pop(UNCLOSED, False)) or n in scanned.unclosed
        if n not in scanned.broken:
            named = {**declared.properties, **_named(properties, path)}
            yield Row(n, named, shapes[n - 1], unclosed, crs)


def label_of(properties: Mapping[str, Any], number: int) -> str:
    """How a feature is called in complaints: its code, else its number in the file."""
    return str(properties.get("code") or f"#{number}")[:60]


def _size_right(path: Path, report: Report) -> bool:
    try:
        megabytes = path.stat().st_size / 1e6
    except OSError as broken:
        report.error(LayerWord.FILE_UNREADABLE, path.name, reason=str(broken))
        return False
    if megabytes > FILE_LIMIT_MB:
        report.error(LayerWord.FILE_TOO_LARGE, path.name, megabytes=round(megabytes), limit=FILE_LIMIT_MB)
    return megabytes <= FILE_LIMIT_MB


def _scan(path: Path, file: str, report: Report) -> Scanned | None:
    """GeoJSON features whose coordinates are broken (GDAL tells neither which nor where)."""
    if path.suffix.lower() not in (".geojson", ".json"):
        return Scanned()
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        features = data.get("features", ()) if isinstance(data, dict) else ()
        broken = {n for n, shape in enumerate(features, 1) if not _finite(shape, n, file, report)}
        unclosed = {n for n, shape in enumerate(features, 1) if n not in broken and _open(shape)}
    except (ValueError, OSError, RecursionError) as unreadable:
        report.error(LayerWord.FILE_UNREADABLE, file, reason=str(unreadable))
        return None
    except (AttributeError, TypeError, IndexError, KeyError):
        return Scanned()  # JSON, but no GeoJSON: GDAL says so better
    return Scanned(frozenset(broken), frozenset(unclosed))


def _finite(feature: Mapping[str, Any], number: int, file: str, report: Report) -> bool:
    coordinates = (feature.get("geometry") or {}).get("coordinates", ())
    if all(math.isfinite(value) for value in _numbers(coordinates)):
        return True
    report.error(LayerWord.NOT_A_NUMBER, file, label_of(feature.get("properties") or {}, number))
    return False


def _open(feature: Mapping[str, Any]) -> bool:
    return any(ring and ring[0][:2] != ring[-1][:2] for ring in _rings(feature.get("geometry") or {}))


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, list):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, (int, float)):
        yield float(value) if abs(value) < 1e300 else math.inf


def _rings(geometry: Mapping[str, Any]) -> Iterator[Any]:
    coordinates = geometry.get("coordinates") or ()
    if geometry.get("type") == "Polygon":
        yield from coordinates
    elif geometry.get("type") == "MultiPolygon":
        for polygon in coordinates:
            yield from polygon


def _layer_name(path: Path, file: str, report: Report) -> str | None:
    """The one layer with shapes; of several, the one called like the file."""
    try:
        names = [str(name) for name, shape in pyogrio.list_layers(path) if shape is not None]
    except Exception as broken:
        report.error(LayerWord.FILE_UNREADABLE, file, reason=_first_line(broken, path, file))
        return None
    if not names:
        report.error(LayerWord.NO_FEATURES, file)
        return None
    if len(names) > 1 and path.stem not in names:
        report.error(LayerWord.SEVERAL_LAYERS, file, names=names[:20], expected=path.stem)
        return None
    return path.stem if len(names) > 1 else names[0]


def _counts_right(path: Path, layer: str, file: str, report: Report) -> bool:
    """Whether there are few enough features to be held in memory."""
    try:
        count = int(pyogrio.read_info(path, layer=layer, force_feature_count=True)["features"])
    except UnicodeDecodeError:
        return True  # the reading itself says which text
    except Exception as broken:
        report.error(LayerWord.FILE_UNREADABLE, file, reason=_first_line(broken, path, file))
        return False
    if count > FEATURE_LIMIT:
        report.error(LayerWord.TOO_MANY_FEATURES, file, count=count, limit=FEATURE_LIMIT)
    return count <= FEATURE_LIMIT


def _frame(path: Path, layer: str, file: str, report: Report) -> Any:
    """The features, open rings closed and marked in a column of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            frame = geopandas.read_file(path, engine="pyogrio", layer=layer, on_invalid="ignore")
            if isinstance(frame, geopandas.GeoDataFrame) and frame.geometry.isna().any():
                frame = _mended(frame, path, layer)
        except UnicodeDecodeError as broken:
            report.error(LayerWord.TEXT_GARBLED, file, property="", value=str(broken))
            return None
        except Exception as broken:
            report.error(LayerWord.FILE_UNREADABLE, file, reason=_first_line(broken, path, file))
            return None
    if not isinstance(frame, geopandas.GeoDataFrame) or not len(frame):
        report.error(LayerWord.NO_FEATURES, file)
        return None
    vertices = int(shapely.get_num_coordinates(frame.geometry.values).sum())
    if vertices > FILE_VERTEX_LIMIT:
        report.error(LayerWord.TOO_MANY_VERTICES, file, count=vertices, limit=FILE_VERTEX_LIMIT)
        return None
    return frame


def _mended(frame: Any, path: Path, layer: str) -> Any:
    """The frame with the shapes only closing their rings makes readable."""
    fixed = geopandas.read_file(path, engine="pyogrio", layer=layer, on_invalid="fix")
    unreadable = frame.geometry.isna() & fixed.geometry.notna()
    return fixed.assign(**{UNCLOSED: unreadable.to_numpy()})


def _first_line(broken: Exception, path: Path, file: str) -> str:
    """What GDAL says, with the file's own name and not where it was unpacked."""
    first = (str(broken).splitlines() or [type(broken).__name__])[0]
    return first.replace(str(path), file).replace(str(path.parent), "")[:300]


def _texts_readable(frame: Any, path: Path, file: str, report: Report) -> bool:
    """False when Chinese texts were taken for Latin-1, as in files without a declared encoding."""
    if path.suffix.lower() not in (".shp", ".dxf"):
        return True
    for column in frame.columns.drop(frame.geometry.name):
        for value in frame[column]:
            if isinstance(value, str) and _garbled(value):
                report.error(LayerWord.TEXT_GARBLED, file, property=str(column), value=value[:40])
                return False
    return True


def _garbled(text: str) -> bool:
    return sum("\u0080" <= sign <= "\u00ff" and sign not in _INNOCENT for sign in text) > 1


def _named(properties: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Properties that are there, under the names the door knows."""
    there = {k: _plain(v) for k, v in properties.items() if not _nothing(v)}
    suffix = path.suffix.lower()
    if suffix == ".kml":
        return {k: v for k, v in there.items() if k.lower() not in _KML_NOISE}
    if suffix == ".shp":
        return {_SHAPEFILE_NAMES.get(k.lower(), k.lower()): v for k, v in there.items()}
    return there


def _plain(value: Any) -> Any:
    """A value JSON knows: dates as ISO texts, numpy's numbers as Python's."""
    if isinstance(value, np.generic):
        value = value.item()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float, bool, list, dict)) else str(value)


def _nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or str(value) in ("NaT", "<NA>")
