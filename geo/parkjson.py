"""``park.json``: what a park says about itself, checked field by field."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import shapely
from pyproj import CRS, Geod
from pyproj.exceptions import CRSError, ProjError

from geo.datum import Datum, LocalFrame
from geo.declared import wrong
from geo.report import LayerReason, LayerWord, Report
from geo.shapes import LayerKind

FILE = "park.json"
FILE_LIMIT_MB = 1
#: A metric CRS may stretch a kilometre of this park by so much at most (Web Mercator: 23 %).
STRETCH_LIMIT = 0.005
_TEXTS = ("code", "name_zh", "name_en", "notice_zh", "notice_en")
#: Longest texts, characters.
_LONGEST = {"code": 40, "name_zh": 120, "name_en": 120}
_REQUIRED = (*_TEXTS, "metric_crs", "watch_area", "official")
_GEOD = Geod(ellps="WGS84")


def read_settings(path: Path, report: Report) -> dict[str, Any] | None:
    """The checked object, or None and complaints."""
    if not path.is_file():
        report.error(LayerWord.FILE_MISSING, FILE)
        return None
    if (megabytes := path.stat().st_size / 1e6) > FILE_LIMIT_MB:
        report.error(LayerWord.FILE_TOO_LARGE, FILE, megabytes=round(megabytes), limit=FILE_LIMIT_MB)
        return None
    try:
        settings = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError, RecursionError) as broken:
        report.error(LayerWord.FILE_UNREADABLE, FILE, reason=str(broken))
        return None
    if not isinstance(settings, dict):
        report.error(LayerWord.FILE_UNREADABLE, FILE, reason=LayerReason.NOT_AN_OBJECT)
        return None
    return settings if _right(settings, report) else None


def _right(settings: Mapping[str, Any], report: Report) -> bool:
    before = len(report.errors)
    for name in _REQUIRED:
        if name not in settings:
            report.error(LayerWord.PARK_FIELD_MISSING, FILE, field=name)
    for name, reason in _wrong(settings):
        report.error(LayerWord.PARK_FIELD_WRONG, FILE, field=name, reason=reason)
    return len(report.errors) == before


def _wrong(settings: Mapping[str, Any]) -> Iterator[tuple[str, LayerReason]]:
    for name in _TEXTS:
        if name in settings and not (isinstance(settings[name], str) and settings[name].strip()):
            yield name, LayerReason.NOT_A_TEXT
        elif len(settings.get(name, "")) > _LONGEST.get(name, 2000):
            yield name, LayerReason.TOO_LONG
    if not isinstance(settings.get("official", True), bool):
        yield "official", LayerReason.NOT_A_BOOLEAN
    for name in ("policy", "rules"):
        if not isinstance(settings.get(name, {}), dict):
            yield name, LayerReason.NOT_AN_OBJECT
    if not _is_zone(settings.get("timezone", "Asia/Shanghai")):
        yield "timezone", LayerReason.NO_SUCH_TIME_ZONE
    if settings.get("datum", Datum.WGS84) not in list(Datum):
        yield "datum", LayerReason.NO_SUCH_DATUM
    yield from _wrong_drawings(settings.get("drawings", {}))
    if settings.get("county") is not None and not _is_county(settings["county"]):
        yield "county", LayerReason.NOT_A_COUNTY
    area = settings.get("watch_area")
    if "watch_area" in settings and not _is_area(area):
        yield "watch_area", LayerReason.NOT_AN_AREA
    if "metric_crs" in settings and (reason := _wrong_crs(settings["metric_crs"], area)):
        yield "metric_crs", reason


def _wrong_drawings(drawings: Any) -> Iterator[tuple[str, LayerReason]]:
    """``drawings``: layer → what is declared of its file (see ``geo.declared``)."""
    if not isinstance(drawings, dict):
        yield "drawings", LayerReason.NOT_AN_OBJECT
        return
    for kind, said in drawings.items():
        if kind not in list(LayerKind):
            yield f"drawings.{kind}", LayerReason.NO_SUCH_LAYER
            continue
        for name, reason in wrong(said):
            yield f"drawings.{kind}.{name}".rstrip("."), reason


def _is_county(value: Any) -> bool:
    """[west, south, east, north] or a valid GeoJSON polygon in degrees."""
    if _is_area(value):
        return True
    if not isinstance(value, dict) or value.get("type") not in ("Polygon", "MultiPolygon"):
        return False
    try:
        made = shapely.geometry.shape(value)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError):
        return False
    return bool(made.is_valid and not made.is_empty and shapely.box(-180, -90, 180, 90).covers(made))


def _is_zone(name: Any) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, TypeError, AttributeError, OSError):
        return False
    return True


def _wrong_crs(name: Any, area: Any) -> LayerReason | None:
    try:
        crs = CRS.from_user_input(name) if isinstance(name, str) else None
    except CRSError:
        crs = None
    if crs is None or not crs.is_projected or any(a.unit_conversion_factor != 1 for a in crs.axis_info):
        return LayerReason.NOT_METRIC
    return LayerReason.DISTORTED_HERE if _is_area(area) and _distorted(name, area) else None


def _distorted(crs: str, area: list[float]) -> bool:
    """Whether a hundred metres to the north or east are another length somewhere in the watch area."""
    west, south, east, north = area
    middle = ((west + east) / 2, (south + north) / 2)
    places = [middle, (west, south), (east, south), (west, north), (east, north)]
    try:
        frame = LocalFrame(crs)
    except ProjError:
        return True
    return any(abs(_stretch(frame, *at, azimuth)) > STRETCH_LIMIT for at in places for azimuth in (0.0, 90.0))


def _stretch(frame: LocalFrame, lon: float, lat: float, azimuth: float) -> float:
    far_lon, far_lat, _ = _GEOD.fwd(lon, lat, azimuth, 100.0)
    x, y = frame.metres([lon, far_lon], [lat, far_lat])
    length = math.hypot(x[1] - x[0], y[1] - y[0])
    return length / 100.0 - 1 if math.isfinite(length) else math.inf


def _is_area(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 4:
        return False
    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in value):
        return False
    west, south, east, north = value
    return bool(-180 <= west < east <= 180 and -90 <= south < north <= 90)
