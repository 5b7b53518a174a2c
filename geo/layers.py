"""The only door for layers: a folder of files becomes a checked Park, or a report of what is wrong.

Any vector format GDAL reads and any declared CRS that PROJ can convert accurately; nothing is repaired
silently.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from geo.datum import Datum, LocalFrame
from geo.declared import Declared
from geo.layer_checks import check_feature, county_of, flag_of
from geo.park_checks import check_park
from geo.parkjson import read_settings
from geo.repairs import AREAS, proposal
from geo.report import LayerWord, Report
from geo.shapes import SINCE_EVER, Approval, Feature, LayerKind, Park, Source
from geo.vectorfile import Row, label_of, read_rows

__all__ = [
    "Declared",
    "LayerWord",
    "Report",
    "feature_hash",
    "file_hash",
    "geometry_hash",
    "read_layer",
    "read_park",
    "to_geojson",
]

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


def read_park(folder: Path, consent: bool = False) -> tuple[Park | None, Report]:
    """Read ``park.json`` and one file per layer. The Park is None when it cannot even be put together.

    A Park beside a report with errors lacks what the errors are about: never judge by it. ``consent``: a
    person agreed to the repairs the report proposes; they are made and said.
    """
    report = Report()
    if not folder.is_dir():
        report.error(LayerWord.FOLDER_MISSING, str(folder))
        return None, report
    settings = read_settings(folder / "park.json", report)
    if settings is None:
        return None, report
    files = {kind: _file(folder, kind, report) for kind in LayerKind}
    park = _park(settings, ())
    features = [
        f
        for kind, path in files.items()
        if path
        for f in read_layer(kind, path, _declared(kind, settings), park, report, consent)
    ]
    park = replace(park, features=tuple(features))
    check_park(park, {kind: path.name if path else f"{kind}.geojson" for kind, path in files.items()}, report)
    return park, report


def read_layer(
    kind: LayerKind,
    path: Path,
    declared: Declared,
    park: Park,
    report: Report,
    consent: bool = False,
) -> list[Feature]:
    """The shapes of one file, each checked by itself; how they lie together is ``check_park``'s.

    ``park`` gives the watch area, the county and the metric CRS; its features are not looked at.
    """
    rows = read_rows(path, declared, park.watch_area, kind in AREAS, report)
    sha256 = file_hash(path) if rows else ""
    door = _Door(kind, path.name, sha256, park, report, consent)
    return [made for row in rows or () if (made := door.feature(row)) is not None]


def file_hash(path: Path) -> str:
    """SHA-256 of a file as it is."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def geometry_hash(features: Iterable[Feature]) -> str:
    """SHA-256 of normalised shapes in WGS-84, rounded to a nanodegree, in an order of their own.

    The same drawing in another file format or CRS round trip has the same hash to a tenth of a millimetre.
    """
    texts = sorted(
        f"{f.kind}|{f.code}|{shapely.to_wkb(shapely.normalize(_rounded(f.geometry)), hex=True)}"
        for f in features
    )
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _rounded(geometry: BaseGeometry) -> BaseGeometry:
    return shapely.transform(geometry, lambda xy: np.round(xy, 9) + 0.0)


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
            "approved_on": _iso(feature.approval.approved_on),
            "effective_from": _iso(feature.approval.effective_from),
            "effective_to": feature.approval.effective_to and feature.approval.effective_to.isoformat(),
        }
    return base | dict(feature.attributes)


def _iso(day: date) -> str | None:
    return None if day == SINCE_EVER else day.isoformat()


def _declared(kind: LayerKind, settings: Mapping[str, Any]) -> Declared:
    said = settings.get("drawings", {}).get(kind, {})
    return Declared.from_mapping(said, Datum(settings.get("datum", Datum.WGS84)))


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
        county=settings.get("county"),
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


class _Door:
    """One file's shapes on their way in: mended if agreed to, checked, made ours."""

    def __init__(
        self, kind: LayerKind, file: str, sha256: str, park: Park, report: Report, consent: bool
    ) -> None:
        self._kind, self._file, self._park, self._report, self._consent = kind, file, park, report, consent
        self._sha256 = sha256
        self._frame = LocalFrame(park.metric_crs)
        self._county = county_of(park.county)

    def feature(self, row: Row) -> Feature | None:
        """The shape of one row, or None and complaints."""
        kind, file, report = self._kind, self._file, self._report
        before = len(report.errors)
        label = label_of(row.properties, row.number)
        geometry = self._mended(row, label)
        if geometry is None and len(report.errors) == before:
            return None  # dropped, as agreed
        properties = row.properties
        texts = [_text(properties, name, file, label, report) for name in _TEXTS]
        approval = None
        if kind in _APPROVED or any(str(properties.get(name) or "").strip() for name in _APPROVAL):
            approval = _approval(properties, file, label, report)
        check_feature(kind, geometry, properties, self._park.watch_area, self._county, file, label, report)
        if len(report.errors) > before or geometry is None:
            return None
        attributes = {k: v for k, v in properties.items() if k not in (*_TEXTS, *_APPROVAL)}
        if kind is LayerKind.BAY:
            attributes["isolation"] = flag_of(attributes.get("isolation", False))
        source = Source(file, self._sha256, row.crs)
        return Feature(
            kind, texts[0], texts[1], texts[2], shapely.force_2d(geometry), approval, attributes, source
        )

    def _mended(self, row: Row, label: str) -> BaseGeometry | None:
        """The shape as it goes on: as drawn, or repaired where a person agreed. An open ring is an error.

        None without an error: an empty shape a person agreed to drop. What has no shape at all and no
        consent goes on as None, to be complained about.
        """
        report, geometry = self._report, row.geometry
        found = proposal(self._kind, geometry, row.unclosed, self._frame, self._file, label)
        if found is not None and self._placed(geometry):
            report.repairs.append(found)
            if self._consent:
                facts = {"before_m2": found.before_m2, "after_m2": found.after_m2}
                for word in found.words:
                    report.warning(LayerWord.REPAIRED, self._file, label, repair=word, **facts)
                return found.after
        if row.unclosed:
            report.error(LayerWord.RING_NOT_CLOSED, self._file, label)
        elif geometry is None:
            report.error(LayerWord.GEOMETRY_EMPTY, self._file, label)
        return geometry

    def _placed(self, geometry: BaseGeometry | None) -> bool:
        """Whether the shape lies where it may: one in the wrong place is not mended but put right."""
        if geometry is None or geometry.is_empty:
            return True
        return bool(shapely.covers(shapely.box(*self._park.watch_area), shapely.box(*geometry.bounds)))


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
