"""The only door for layers: a folder of files becomes a checked Park, or a report of what is wrong.

Any vector format GDAL reads and any declared CRS; nothing is repaired silently.
"""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import geopandas
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from geo.layer_checks import check_feature, check_park
from geo.report import LayerWord, Report
from geo.shapes import Approval, Feature, LayerKind, Park

__all__ = ["LayerWord", "Report", "feature_hash", "read_park", "to_geojson"]

SUFFIXES = (".geojson", ".json", ".gpkg", ".kml", ".kmz", ".zip", ".shp", ".dxf")
FILE_LIMIT_MB = 50
#: Layers a park cannot do without; the others may be absent.
REQUIRED = frozenset(
    {LayerKind.BOUNDARY, LayerKind.CONTROL_LINE, LayerKind.ZONE, LayerKind.GATE, LayerKind.BAY}
)
_APPROVED = frozenset({LayerKind.BOUNDARY, LayerKind.CONTROL_LINE})
_TEXTS = ("code", "name_zh", "name_en")
_APPROVAL = ("document", "issuing_body", "approved_on", "effective_from", "effective_to")


def read_park(folder: Path) -> tuple[Park | None, Report]:
    """Read ``park.json`` and one file per layer. The Park is None when it cannot even be put together."""
    report = Report()
    if not folder.is_dir():
        report.error(LayerWord.FOLDER_MISSING, str(folder))
        return None, report
    settings = _settings(folder, report)
    if settings is None:
        return None, report
    features = [f for kind in LayerKind for f in _layer(folder, kind, settings, report)]
    park = _park(settings, tuple(features))
    check_park(park, report)
    return park, report


def feature_hash(feature: Feature) -> str:
    """SHA-256 of what makes a version: normalised geometry, names, approval and attributes."""
    geometry = shapely.to_wkb(shapely.normalize(feature.geometry), hex=True)
    words = json.dumps(_properties(feature), ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(f"{feature.kind}|{geometry}|{words}".encode()).hexdigest()


def to_geojson(feature: Feature) -> dict[str, Any]:
    """A GeoJSON feature (WGS-84) with every property the door reads."""
    return {"type": "Feature", "properties": _properties(feature), "geometry": mapping(feature.geometry)}


def _properties(feature: Feature) -> dict[str, Any]:
    base: dict[str, Any] = {"code": feature.code, "name_zh": feature.name_zh, "name_en": feature.name_en}
    if feature.approval:
        base |= {
            "document": feature.approval.document,
            "issuing_body": feature.approval.issuing_body,
            "approved_on": feature.approval.approved_on.isoformat(),
            "effective_from": feature.approval.effective_from.isoformat(),
            "effective_to": feature.approval.effective_to and feature.approval.effective_to.isoformat(),
        }
    return base | dict(feature.attributes)


def _settings(folder: Path, report: Report) -> dict[str, Any] | None:
    path = folder / "park.json"
    if not path.exists():
        report.error(LayerWord.FILE_MISSING, "park.json")
        return None
    try:
        settings = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError) as broken:
        report.error(LayerWord.FILE_UNREADABLE, "park.json", reason=str(broken))
        return None
    if not isinstance(settings, dict):
        report.error(LayerWord.FILE_UNREADABLE, "park.json", reason="not a JSON object")
        return None
    return settings if _settings_right(settings, report) else None


def _settings_right(settings: Mapping[str, Any], report: Report) -> bool:
    before = len(report.errors)
    for name in (*_TEXTS, "notice_zh", "notice_en", "metric_crs", "watch_area", "official"):
        if name not in settings:
            report.error(LayerWord.PARK_FIELD_MISSING, "park.json", field=name)
    for name, reason in _wrong_settings(settings):
        report.error(LayerWord.PARK_FIELD_WRONG, "park.json", field=name, reason=reason)
    return len(report.errors) == before


def _wrong_settings(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in (*_TEXTS, "notice_zh", "notice_en"):
        if name in settings and not (isinstance(settings[name], str) and settings[name].strip()):
            yield name, "expected a text"
    if not isinstance(settings.get("official", True), bool):
        yield "official", "expected true or false"
    if not isinstance(settings.get("policy", {}), dict):
        yield "policy", "expected an object"
    try:
        ZoneInfo(settings.get("timezone", "Asia/Shanghai"))
    except (KeyError, ValueError, TypeError, OSError):
        yield "timezone", "no such time zone"
    if "metric_crs" in settings and not _metric(settings["metric_crs"]):
        yield "metric_crs", "expected a projected CRS in metres, such as EPSG:4546"
    if "watch_area" in settings and not _is_area(settings["watch_area"]):
        yield "watch_area", "expected [west, south, east, north] in degrees"


def _metric(name: Any) -> bool:
    try:
        crs = CRS.from_user_input(name)
    except CRSError:
        return False
    return bool(crs.is_projected) and all(axis.unit_conversion_factor == 1 for axis in crs.axis_info)


def _is_area(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 4:
        return False
    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) and math.isfinite(v) for v in value):
        return False
    west, south, east, north = value
    return bool(-180 <= west < east <= 180 and -90 <= south < north <= 90)


def _park(settings: Mapping[str, Any], features: tuple[Feature, ...]) -> Park:
    west, south, east, north = settings["watch_area"]
    return Park(
        code=settings["code"],
        name_zh=settings["name_zh"],
        name_en=settings["name_en"],
        official=settings["official"],
        notice_zh=settings["notice_zh"],
        notice_en=settings["notice_en"],
        metric_crs=settings["metric_crs"],
        watch_area=(west, south, east, north),
        policy=settings.get("policy", {}),
        timezone=settings.get("timezone", "Asia/Shanghai"),
        features=features,
    )


def _layer(folder: Path, kind: LayerKind, settings: Mapping[str, Any], report: Report) -> list[Feature]:
    path = _file(folder, kind, report)
    if path is None:
        return []
    frame = _frame(path, report)
    if frame is None:
        return []
    if not len(frame):
        report.error(LayerWord.NO_FEATURES, path.name)
    made = [
        _feature(kind, row, path.name, n, settings, report) for n, row in enumerate(frame.iterfeatures(), 1)
    ]
    return [f for f in made if f is not None]


def _file(folder: Path, kind: LayerKind, report: Report) -> Path | None:
    found = [p for p in sorted(folder.iterdir()) if p.stem == kind and p.suffix.lower() in SUFFIXES]
    if not found and kind in REQUIRED:
        report.error(LayerWord.FILE_MISSING, f"{kind}.geojson")
    if len(found) > 1:
        report.error(LayerWord.SEVERAL_FILES, found[0].name, names=[p.name for p in found])
    return found[0] if len(found) == 1 else None


def _frame(path: Path, report: Report) -> Any:
    """The file as a GeoDataFrame in WGS-84, or None when it cannot be read."""
    megabytes = path.stat().st_size / 1e6
    if megabytes > FILE_LIMIT_MB:
        report.error(LayerWord.FILE_TOO_LARGE, path.name, megabytes=round(megabytes), limit=FILE_LIMIT_MB)
        return None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            frame = geopandas.read_file(path, engine="pyogrio", on_invalid="ignore")
        except Exception as broken:
            report.error(LayerWord.FILE_UNREADABLE, path.name, reason=str(broken).splitlines()[0][:300])
            return None
    if any("Non closed ring" in str(w.message) or "not closed" in str(w.message).lower() for w in said):
        report.error(LayerWord.RING_NOT_CLOSED, path.name)
    if not isinstance(frame, geopandas.GeoDataFrame):
        report.error(LayerWord.NO_FEATURES, path.name)
        return None
    if frame.crs is None:
        report.error(LayerWord.CRS_UNKNOWN, path.name)
        return None
    return frame.to_crs("EPSG:4326")


def _feature(
    kind: LayerKind,
    row: Mapping[str, Any],
    file: str,
    number: int,
    settings: Mapping[str, Any],
    report: Report,
) -> Feature | None:
    properties = {k: v for k, v in row["properties"].items() if not _nothing(v)}
    label = str(properties.get("code") or f"#{number}")
    before = len(report.errors)
    for name in _TEXTS:
        if not str(properties.get(name, "")).strip():
            report.error(LayerWord.PROPERTY_MISSING, file, label, property=name)
    approval = _approval(properties, file, label, report) if kind in _APPROVED else None
    geometry: BaseGeometry | None = shapely.geometry.shape(row["geometry"]) if row["geometry"] else None
    check_feature(kind, geometry, properties, settings["watch_area"], file, label, report)
    if len(report.errors) > before or geometry is None:
        return None
    attributes = {k: v for k, v in properties.items() if k not in (*_TEXTS, *_APPROVAL)}
    texts = [str(properties[name]).strip() for name in _TEXTS]
    return Feature(kind, texts[0], texts[1], texts[2], shapely.force_2d(geometry), approval, attributes)


def _nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _approval(properties: Mapping[str, Any], file: str, label: str, report: Report) -> Approval | None:
    for name in ("document", "issuing_body", "approved_on", "effective_from"):
        if not str(properties.get(name, "")).strip():
            report.error(LayerWord.PROPERTY_MISSING, file, label, property=name)
    days = {n: _day(properties.get(n), n, file, label, report) for n in _APPROVAL[2:]}
    if days["approved_on"] is None or days["effective_from"] is None:
        return None
    if days["effective_to"] and days["effective_to"] <= days["effective_from"]:
        report.error(
            LayerWord.PROPERTY_WRONG,
            file,
            label,
            property="effective_to",
            value=str(days["effective_to"]),
            expected=f"> {days['effective_from']}",
        )
    return Approval(
        str(properties.get("document", "")),
        str(properties.get("issuing_body", "")),
        days["approved_on"],
        days["effective_from"],
        days["effective_to"],
    )


def _day(value: Any, name: str, file: str, label: str, report: Report) -> date | None:
    if value is None or not str(value).strip():
        return None
    try:
        return date.fromisoformat(str(value)[:10].replace("/", "-"))
    except ValueError:
        report.error(
            LayerWord.PROPERTY_WRONG, file, label, property=name, value=str(value), expected="YYYY-MM-DD"
        )
        return None
