"""The only door for layers: a folder of files becomes a checked Park, or a report of what is wrong.

Any vector format GDAL reads and any declared CRS that PROJ can convert accurately; nothing is repaired
silently.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from geo.datum import Datum
from geo.layer_checks import check_feature, flag_of
from geo.park_checks import check_park
from geo.parkjson import read_settings
from geo.report import LayerWord, Report
from geo.shapes import Approval, Feature, LayerKind, Park
from geo.vectorfile import Area, Row, label_of, read_rows

__all__ = ["LayerWord", "Report", "feature_hash", "read_park", "to_geojson"]

SUFFIXES = (".geojson", ".json", ".gpkg", ".kml", ".kmz", ".zip", ".shp", ".dxf")
#: Layers a park cannot do without; the others may be absent.
REQUIRED = frozenset(
    {LayerKind.BOUNDARY, LayerKind.CONTROL_LINE, LayerKind.ZONE, LayerKind.GATE, LayerKind.BAY}
)
#: Layers whose absence leaves something unjudged: said, but allowed.
MISSED = frozenset({LayerKind.ROUTE, LayerKind.DOCK})
_APPROVED = frozenset({LayerKind.BOUNDARY, LayerKind.CONTROL_LINE})
_TEXTS = ("code", "name_zh", "name_en")
_APPROVAL = ("document", "issuing_body", "approved_on", "effective_from", "effective_to")
#: Longest texts, characters.
_LONGEST = {"code": 40, "name_zh": 120, "name_en": 120, "document": 200, "issuing_body": 200}


def read_park(folder: Path) -> tuple[Park | None, Report]:
    """Read ``park.json`` and one file per layer. The Park is None when it cannot even be put together.

    A Park beside a report with errors lacks what the errors are about: never judge by it.
    """
    report = Report()
    if not folder.is_dir():
        report.error(LayerWord.FOLDER_MISSING, str(folder))
        return None, report
    settings = read_settings(folder / "park.json", report)
    if settings is None:
        return None, report
    files = {kind: _file(folder, kind, report) for kind in LayerKind}
    features = [f for kind, path in files.items() if path for f in _layer(kind, path, settings, report)]
    park = _park(settings, tuple(features))
    check_park(park, {kind: path.name if path else f"{kind}.geojson" for kind, path in files.items()}, report)
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
        rules=settings.get("rules", {}),
        timezone=settings.get("timezone", "Asia/Shanghai"),
        features=features,
    )


def _file(folder: Path, kind: LayerKind, report: Report) -> Path | None:
    found = [p for p in sorted(folder.iterdir()) if p.stem == kind and p.suffix.lower() in SUFFIXES]
    if not found and kind in REQUIRED:
        report.error(LayerWord.FILE_MISSING, f"{kind}.geojson")
    if not found and kind in MISSED:
        report.warning(LayerWord.LAYER_ABSENT, f"{kind}.geojson")
    if len(found) > 1:
        report.error(LayerWord.SEVERAL_FILES, found[0].name, names=[p.name for p in found])
    return found[0] if len(found) == 1 else None


def _layer(kind: LayerKind, path: Path, settings: Mapping[str, Any], report: Report) -> Iterator[Feature]:
    west, south, east, north = settings["watch_area"]
    area = (west, south, east, north)
    datum = Datum(settings.get("datum", Datum.WGS84))
    for row in read_rows(path, datum, area, report) or ():
        made = _feature(kind, row, path.name, area, report)
        if made is not None:
            yield made


def _feature(kind: LayerKind, row: Row, file: str, watch_area: Area, report: Report) -> Feature | None:
    before = len(report.errors)
    properties = row.properties
    label = label_of(properties, row.number)
    texts = [_text(properties, name, file, label, report) for name in _TEXTS]
    approval = _approval(properties, file, label, report) if kind in _APPROVED else None
    geometry: BaseGeometry | None = shapely.geometry.shape(row.geometry) if row.geometry else None
    check_feature(kind, geometry, properties, watch_area, file, label, report)
    if len(report.errors) > before or geometry is None:
        return None
    attributes = {k: v for k, v in properties.items() if k not in (*_TEXTS, *_APPROVAL)}
    if kind is LayerKind.BAY:
        attributes["isolation"] = flag_of(attributes.get("isolation", False))
    return Feature(kind, texts[0], texts[1], texts[2], shapely.force_2d(geometry), approval, attributes)


def _text(properties: Mapping[str, Any], name: str, file: str, label: str, report: Report) -> str:
    """A text that must be there; numbers are taken as they are written."""
    value = properties.get(name, "")
    text = str(value).strip()
    if not text:
        report.error(LayerWord.PROPERTY_MISSING, file, label, property=name)
    elif not isinstance(value, (str, int)) or not text.isprintable():
        report.error(
            LayerWord.PROPERTY_WRONG, file, label, property=name, value=text[:60], expected="A–Z 0–9 汉字"
        )
    elif len(text) > (limit := _LONGEST[name]):
        report.error(LayerWord.PROPERTY_TOO_LONG, file, label, property=name, length=len(text), limit=limit)
    return text


def _approval(properties: Mapping[str, Any], file: str, label: str, report: Report) -> Approval | None:
    document, body = (_text(properties, name, file, label, report) for name in _APPROVAL[:2])
    for name in ("approved_on", "effective_from"):
        if not str(properties.get(name, "")).strip():
            report.error(LayerWord.PROPERTY_MISSING, file, label, property=name)
    approved, begin, end = (_day(properties.get(n), n, file, label, report) for n in _APPROVAL[2:])
    if approved is None or begin is None:
        return None
    if end and end <= begin:
        _wrong_day(end, "effective_to", f"> {begin}", file, label, report)
    if begin < approved:
        report.warning(
            LayerWord.EFFECTIVE_BEFORE_APPROVED,
            file,
            label,
            effective_from=str(begin),
            approved_on=str(approved),
        )
    return Approval(document, body, approved, begin, end)


def _day(value: Any, name: str, file: str, label: str, report: Report) -> date | None:
    """A date, or a time of which the day counts."""
    text = "" if value is None else str(value).strip().replace("/", "-")
    if not text:
        return None
    if text[10:11] in ("", "T", " "):
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            pass
    _wrong_day(value, name, "YYYY-MM-DD", file, label, report)
    return None


def _wrong_day(value: Any, name: str, expected: str, file: str, label: str, report: Report) -> None:
    report.error(
        LayerWord.PROPERTY_WRONG, file, label, property=name, value=str(value)[:60], expected=expected
    )
