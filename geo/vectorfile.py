"""One vector file as numbered rows in WGS-84, or complaints. Nothing is guessed, dropped or mended.

A file that cannot be understood without guessing (several layers, texts in an unknown encoding, an old
datum nobody can convert accurately, northing before easting) is refused as a whole.
"""

from __future__ import annotations

import json
import math
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import geopandas
import numpy as np
import pyogrio
import shapely
from pyproj import CRS
from pyproj.aoi import AreaOfInterest
from pyproj.exceptions import ProjError
from pyproj.transformer import TransformerGroup
from shapely import box

from geo.datum import Datum, wgs84_from_gcj02
from geo.report import LayerWord, Report

FILE_LIMIT_MB = 50
#: What an archive may grow to when it is unpacked.
UNPACKED_LIMIT_MB = 200
#: A drawing's coordinates must be convertible to WGS-84 at least this well, metres.
CONVERSION_LIMIT_M = 3.0
#: Datums within centimetres of WGS-84.
_SAME_DATUM = frozenset({"China 2000", "World Geodetic System 1984", "World Geodetic System 1984 ensemble"})
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


#: West, south, east, north, degrees.
Area = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One feature of a file: its number in the file (from 1), GeoJSON-like, WGS-84."""

    number: int
    properties: Mapping[str, Any]
    geometry: Any


def read_rows(path: Path, datum: Datum, watch_area: Area, report: Report) -> list[Row] | None:
    """The rows of ``path``; those already complained about are left out. None: the file is refused."""
    if not _size_right(path, report):
        return None
    faulty = _scan(path, report)
    layer = _layer_name(path, report) if faulty is not None else None
    if faulty is None or layer is None:
        return None
    frame = _frame(path, layer, bool(faulty), report)
    if frame is None or not _texts_readable(frame, path, report):
        return None
    placed = _in_wgs84(frame, path, watch_area, report)
    if placed is None:
        return None
    if datum is Datum.GCJ02:
        report.warning(LayerWord.DATUM_CONVERTED, path.name)
        placed = placed.set_geometry(shapely.transform(placed.geometry.values, _from_gcj02))
    rows = enumerate(placed.iterfeatures(), 1)
    return [Row(n, _named(r["properties"], path), r["geometry"]) for n, r in rows if n not in faulty]


def label_of(properties: Mapping[str, Any], number: int) -> str:
    """How a feature is called in complaints: its code, else its number in the file."""
    return str(properties.get("code") or f"#{number}")[:60]


def _size_right(path: Path, report: Report) -> bool:
    try:
        sizes = [(path.stat().st_size / 1e6, FILE_LIMIT_MB)]
        if path.suffix.lower() in (".zip", ".kmz"):
            with zipfile.ZipFile(path) as archive:
                unpacked = sum(part.file_size for part in archive.infolist())
            sizes.append((unpacked / 1e6, UNPACKED_LIMIT_MB))
    except (OSError, zipfile.BadZipFile) as broken:
        report.error(LayerWord.FILE_UNREADABLE, path.name, reason=str(broken))
        return False
    for megabytes, limit in sizes:
        if megabytes > limit:
            report.error(LayerWord.FILE_TOO_LARGE, path.name, megabytes=round(megabytes), limit=limit)
            return False
    return True


def _scan(path: Path, report: Report) -> set[int] | None:
    """Numbers of GeoJSON features whose coordinates are broken (GDAL tells neither which nor where)."""
    if path.suffix.lower() not in (".geojson", ".json"):
        return set()
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
        features = data.get("features", ()) if isinstance(data, dict) else ()
        faulty = {
            n for n, shape in enumerate(features, 1) if not _coordinates_right(shape, n, path.name, report)
        }
    except (ValueError, OSError, RecursionError) as broken:
        report.error(LayerWord.FILE_UNREADABLE, path.name, reason=str(broken))
        return None
    except (AttributeError, TypeError, IndexError, KeyError):
        return set()  # JSON, but no GeoJSON: GDAL says so better
    return faulty


def _coordinates_right(feature: Mapping[str, Any], number: int, file: str, report: Report) -> bool:
    geometry = feature.get("geometry") or {}
    label = label_of(feature.get("properties") or {}, number)
    if any(not math.isfinite(value) for value in _numbers(geometry.get("coordinates", ()))):
        report.error(LayerWord.NOT_A_NUMBER, file, label)
        return False
    if any(ring and ring[0][:2] != ring[-1][:2] for ring in _rings(geometry)):
        report.error(LayerWord.RING_NOT_CLOSED, file, label)
        return False
    return True


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


def _layer_name(path: Path, report: Report) -> str | None:
    """The one layer with shapes; of several, the one called like the file."""
    try:
        names = [str(name) for name, shape in pyogrio.list_layers(path) if shape is not None]
    except Exception as broken:
        report.error(LayerWord.FILE_UNREADABLE, path.name, reason=_first_line(broken))
        return None
    if not names:
        report.error(LayerWord.NO_FEATURES, path.name)
        return None
    if len(names) > 1 and path.stem not in names:
        report.error(LayerWord.SEVERAL_LAYERS, path.name, names=names, expected=path.stem)
        return None
    return path.stem if len(names) > 1 else names[0]


def _frame(path: Path, layer: str, known_faults: bool, report: Report) -> Any:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            frame = geopandas.read_file(path, engine="pyogrio", layer=layer, on_invalid="ignore")
        except UnicodeDecodeError as broken:
            report.error(LayerWord.TEXT_GARBLED, path.name, property="", value=str(broken))
            return None
        except Exception as broken:
            report.error(LayerWord.FILE_UNREADABLE, path.name, reason=_first_line(broken))
            return None
    if not known_faults and any("closed" in str(w.message).lower() for w in said):
        report.error(LayerWord.RING_NOT_CLOSED, path.name)
    if not isinstance(frame, geopandas.GeoDataFrame) or not len(frame):
        report.error(LayerWord.NO_FEATURES, path.name)
        return None
    if frame.crs is None:
        report.error(LayerWord.CRS_UNKNOWN, path.name)
        return None
    return frame


def _first_line(broken: Exception) -> str:
    return (str(broken).splitlines() or [type(broken).__name__])[0][:300]


def _texts_readable(frame: Any, path: Path, report: Report) -> bool:
    """False when Chinese texts were taken for Latin-1, as Shapefiles without a declared encoding are."""
    if path.suffix.lower() not in (".shp", ".zip"):
        return True
    for column in frame.columns.drop(frame.geometry.name):
        for value in frame[column]:
            if isinstance(value, str) and _garbled(value):
                report.error(LayerWord.TEXT_GARBLED, path.name, property=str(column), value=value[:40])
                return False
    return True


def _garbled(text: str) -> bool:
    return sum("\u0080" <= sign <= "\u00ff" and sign not in _INNOCENT for sign in text) > 1


def _in_wgs84(frame: Any, path: Path, watch_area: Area, report: Report) -> Any:
    if not _convertible(frame.crs, watch_area):
        report.error(LayerWord.CRS_INACCURATE, path.name, crs=frame.crs.name)
        return None
    if frame.crs.is_projected and _northing_first(frame, watch_area):
        report.error(LayerWord.NORTHING_FIRST, path.name)
        return None
    return frame.to_crs("EPSG:4326")


def _convertible(crs: CRS, watch_area: Area) -> bool:
    """Whether PROJ knows an accurate way to WGS-84 here. For Xi'an 1980 and Beijing 1954 it falls back to
    taking the numbers over unchanged, tens of metres off, without a word."""
    base = crs.geodetic_crs
    if base is None:
        return False
    if base.datum is not None and base.datum.name in _SAME_DATUM:
        return True
    here = cast(Any, AreaOfInterest(*watch_area))  # pyproj's annotation names a private twin of it
    try:
        ways = TransformerGroup(
            base, "EPSG:4326", always_xy=True, allow_ballpark=False, area_of_interest=here
        ).transformers
    except ProjError:
        return False
    return bool(ways) and 0 <= ways[0].accuracy <= CONVERSION_LIMIT_M


def _northing_first(frame: Any, watch_area: Area) -> bool:
    """Whether the whole drawing falls into the watch area only with its two columns exchanged."""
    area = box(*watch_area)
    if shapely.intersects(area, _envelope(frame)):
        return False
    turned = frame.set_geometry(shapely.transform(frame.geometry.values, _exchanged))
    return bool(shapely.covers(area, _envelope(turned)))


def _envelope(frame: Any) -> shapely.Geometry | None:
    bounds = frame.to_crs("EPSG:4326").total_bounds
    return box(*bounds) if np.all(np.isfinite(bounds)) else None


def _exchanged(xy: Any) -> Any:
    return xy[:, ::-1]


def _from_gcj02(xy: Any) -> Any:
    return np.column_stack(wgs84_from_gcj02(xy[:, 0], xy[:, 1]))


def _named(properties: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Properties that are there, under the names the door knows."""
    there = {k: _plain(v) for k, v in properties.items() if not _nothing(v)}
    suffix = path.suffix.lower()
    if suffix in (".kml", ".kmz"):
        return {k: v for k, v in there.items() if k.lower() not in _KML_NOISE}
    if suffix in (".shp", ".zip"):
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
