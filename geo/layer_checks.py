"""What one shape of a park must be: its geometry, its place, its properties."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from geo.report import LayerWord, Report
from geo.route_checks import check_detour
from geo.shapes import LayerKind

VERTEX_LIMIT = 100_000

_POLYGON = ("Polygon", "MultiPolygon")
_TYPES: Mapping[LayerKind, tuple[str, ...]] = {
    LayerKind.BOUNDARY: _POLYGON,
    LayerKind.CONTROL_LINE: _POLYGON,
    LayerKind.ZONE: _POLYGON,
    LayerKind.GATE: _POLYGON,
    LayerKind.BAY: ("Polygon",),
    LayerKind.ROUTE: ("LineString",),
    LayerKind.DOCK: _POLYGON,
    LayerKind.CAMERA: ("Point",),
}
_CHOICES: Mapping[LayerKind, tuple[str, frozenset[str]]] = {
    LayerKind.ZONE: ("zone_kind", frozenset({"closed", "lot", "class_zone", "gate_queue"})),
    LayerKind.GATE: ("gate_kind", frozenset({"hazmat_only", "general", "unmanned", "emergency"})),
}
_DIRECTIONS = frozenset({"in", "out", "both"})
#: Greatest believable values. A corridor half a park wide would never see a deviation.
_LIMITS: Mapping[str, float] = {
    "length_m": 60.0,
    "width_m": 20.0,
    "half_width_m": 200.0,
    "speed_limit_kmh": 120.0,
    "slots": 20.0,
}
_NUMBERS: Mapping[LayerKind, tuple[str, ...]] = {LayerKind.BAY: ("length_m", "width_m")}
_OPTIONAL_NUMBERS = ("speed_limit_kmh", "half_width_m", "slots")
#: Classes and divisions a lot or dock may take, or whole classes; never explosives (1) or radioactive (7).
HAZARD_CLASSES = frozenset(
    {"2", "2.1", "2.2", "2.3", "3", "4", "4.1", "4.2", "4.3", "5", "5.1", "5.2", "6", "6.1", "6.2", "8", "9"}
)
LOAD_STATES = frozenset({"loaded", "empty_clean", "empty_uncleaned"})
_FLAGS = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
#: What GEOS says of an invalid outline: the reason, then the place in brackets.
_EXPLAINED = re.compile(r"(?P<reason>[^\[]+)(?:\[(?P<lon>\S+) (?P<lat>\S+)\])?")


def check_feature(
    kind: LayerKind,
    geometry: BaseGeometry | None,
    properties: Mapping[str, Any],
    watch_area: Sequence[float],
    county: BaseGeometry | None,
    file: str,
    label: str,
    report: Report,
) -> None:
    """Complain about one feature: its geometry (None: complained about already), then its properties."""
    if geometry is not None and geometry.is_empty:
        report.error(LayerWord.GEOMETRY_EMPTY, file, label)
    elif geometry is not None:
        _geometry(kind, geometry, watch_area, county, file, label, report)
    _properties(kind, properties, file, label, report)


def listed(value: Any) -> list[str]:
    """A comma-separated text as a list."""
    return [part.strip() for part in str(value or "").split(",") if part.strip()]


def flag_of(value: Any) -> bool | None:
    """True or false however a file format writes it; None when it is neither."""
    return _FLAGS.get(str(value).strip().lower())


def _geometry(
    kind: LayerKind,
    geometry: BaseGeometry,
    watch_area: Sequence[float],
    county: BaseGeometry | None,
    file: str,
    label: str,
    report: Report,
) -> None:
    if geometry.geom_type not in _TYPES[kind]:
        expected = " / ".join(_TYPES[kind])
        report.error(LayerWord.GEOMETRY_TYPE, file, label, found=geometry.geom_type, expected=expected)
        return
    if (count := shapely.get_num_coordinates(geometry)) > VERTEX_LIMIT:
        report.error(LayerWord.TOO_MANY_VERTICES, file, label, count=int(count), limit=VERTEX_LIMIT)
        return
    if not _in_place(geometry, watch_area, file, label, report):
        return
    if not geometry.is_valid:
        report.error(LayerWord.SELF_CROSSING, file, label, **_why_invalid(geometry))
    if county is not None and (outside := _vertex_outside(geometry, county)):
        report.error(LayerWord.OUTSIDE_COUNTY, file, label, **outside)


def county_of(value: Any) -> BaseGeometry | None:
    """The shape of a checked ``county``: [west, south, east, north] or a GeoJSON (Multi)Polygon, WGS-84."""
    if value is None:
        return None
    made: BaseGeometry = (
        shapely.box(*value) if isinstance(value, (list, tuple)) else shapely.geometry.shape(value)
    )
    shapely.prepare(made)
    return made


def _vertex_outside(geometry: BaseGeometry, county: BaseGeometry) -> dict[str, str] | None:
    """The first vertex that does not lie in the county, or the middle of what crosses its border."""
    points = shapely.get_coordinates(geometry)
    out = points[~shapely.intersects_xy(county, points[:, 0], points[:, 1])]
    if not len(out) and county.covers(shapely.make_valid(geometry)):
        return None
    lon, lat = out[0] if len(out) else shapely.get_coordinates(geometry.representative_point())[0]
    return {"lon": f"{lon:.5f}", "lat": f"{lat:.5f}"}


def _why_invalid(geometry: BaseGeometry) -> dict[str, Any]:
    said = _EXPLAINED.match(explain_validity(geometry))
    if said is None:
        return {"reason": "?", "lon": "?", "lat": "?"}
    return {"reason": said["reason"].strip(), "lon": said["lon"] or "?", "lat": said["lat"] or "?"}


def _in_place(
    geometry: BaseGeometry, watch_area: Sequence[float], file: str, label: str, report: Report
) -> bool:
    west, south, east, north = watch_area
    left, low, right, high = geometry.bounds
    if west <= left and right <= east and south <= low and high <= north:
        return True
    if west <= low and high <= east and south <= left and right <= north:
        report.error(LayerWord.AXES_SWAPPED, file, label)
    elif not all(map(math.isfinite, geometry.bounds)) or max(-left, right) > 180 or max(-low, high) > 90:
        report.error(LayerWord.NOT_DEGREES, file, label, lon=f"{left:g}", lat=f"{low:g}")
    elif _mirrored(geometry, watch_area):
        report.error(LayerWord.WRONG_HEMISPHERE, file, label, lon=f"{left:.5f}", lat=f"{low:.5f}")
    else:
        report.error(LayerWord.OUTSIDE_WATCH_AREA, file, label, **_farthest(geometry, watch_area))
    return False


def _mirrored(geometry: BaseGeometry, watch_area: Sequence[float]) -> bool:
    """Whether the shape would lie here with the sign of one or both coordinates turned round."""
    west, south, east, north = watch_area
    left, low, right, high = geometry.bounds
    spans_x = ((left, right), (-right, -left))
    spans_y = ((low, high), (-high, -low))
    return any(west <= a and b <= east and south <= c and d <= north for a, b in spans_x for c, d in spans_y)


def _farthest(geometry: BaseGeometry, watch_area: Sequence[float]) -> dict[str, str]:
    """The vertex farthest outside, so that it can be found in the drawing."""
    west, south, east, north = watch_area
    area = shapely.box(west, south, east, north)
    lon, lat = max(shapely.get_coordinates(geometry), key=lambda at: area.distance(shapely.Point(at)))
    return {"lon": f"{lon:.5f}", "lat": f"{lat:.5f}"}


def _properties(
    kind: LayerKind, properties: Mapping[str, Any], file: str, label: str, report: Report
) -> None:
    if kind in _CHOICES:
        name, allowed = _CHOICES[kind]
        if str(properties.get(name)) not in allowed:
            _wrong(report, file, label, name, properties.get(name), " / ".join(sorted(allowed)))
    for name in _NUMBERS.get(kind, ()):
        _number(properties, name, file, label, report)
    for name in _OPTIONAL_NUMBERS:
        if name in properties:
            _number(properties, name, file, label, report)
    if kind is LayerKind.BAY:
        _bay(properties, file, label, report)
    if kind is LayerKind.BAY or properties.get("zone_kind") == "class_zone":
        _list(properties, "hazard_classes", HAZARD_CLASSES, file, label, report)
        _list(properties, "load_states", LOAD_STATES, file, label, report)
    if kind is LayerKind.DOCK:
        _dock(properties, file, label, report)
    if kind is LayerKind.ROUTE:
        _route(properties, file, label, report)
    if kind is LayerKind.ZONE:
        _flags(properties, ("record_crossings", "permit_required"), file, label, report)


def _route(properties: Mapping[str, Any], file: str, label: str, report: Report) -> None:
    if str(properties.get("direction", "both")) not in _DIRECTIONS:
        _wrong(report, file, label, "direction", properties["direction"], "in / out / both")
    _flags(properties, ("one_way", "detour"), file, label, report)
    if flag_of(properties.get("detour")):
        check_detour(properties, file, label, report)


def _flags(
    properties: Mapping[str, Any], names: Sequence[str], file: str, label: str, report: Report
) -> None:
    """Flags that may be left out or empty."""
    for name in names:
        value = properties.get(name)
        if value is not None and str(value).strip() and flag_of(value) is None:
            _wrong(report, file, label, name, value, "true / false")


def _bay(properties: Mapping[str, Any], file: str, label: str, report: Report) -> None:
    if not str(properties.get("zone", "")).strip():
        report.error(LayerWord.PROPERTY_MISSING, file, label, property="zone")
    if flag_of(properties.get("isolation", False)) is None:
        _wrong(report, file, label, "isolation", properties["isolation"], "true / false")


def _dock(properties: Mapping[str, Any], file: str, label: str, report: Report) -> None:
    """A dock that lists no classes is allowed, and takes every load: that is said."""
    if listed(properties.get("hazard_classes")):
        _list(properties, "hazard_classes", HAZARD_CLASSES, file, label, report)
    else:
        report.warning(LayerWord.PROPERTY_MISSING, file, label, property="hazard_classes")


def _list(
    properties: Mapping[str, Any], name: str, allowed: frozenset[str], file: str, label: str, report: Report
) -> None:
    parts = listed(properties.get(name))
    if not parts or not allowed.issuperset(parts):
        value = properties.get(name) if parts else None
        _wrong(report, file, label, name, value, ",".join(sorted(allowed)))


def _number(properties: Mapping[str, Any], name: str, file: str, label: str, report: Report) -> None:
    if not _believable(properties.get(name), _LIMITS[name]):
        _wrong(report, file, label, name, properties.get(name), f"> 0, ≤ {_LIMITS[name]:g}")


def _wrong(report: Report, file: str, label: str, name: str, value: Any, expected: str) -> None:
    if value is None:
        report.error(LayerWord.PROPERTY_MISSING, file, label, property=name)
    else:
        report.error(
            LayerWord.PROPERTY_WRONG, file, label, property=name, value=str(value)[:60], expected=expected
        )


def _believable(value: Any, limit: float) -> bool:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool) and 0 < number <= limit
