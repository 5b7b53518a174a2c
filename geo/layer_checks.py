"""What a park's shapes must be, one by one and together."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from geo.datum import LocalFrame
from geo.report import LayerWord, Report
from geo.shapes import Feature, LayerKind, Park

VERTEX_LIMIT = 100_000
#: A gate may stand this far off the boundary and still belong to it, metres.
GATE_SLACK_M = 5.0
#: Two neighbouring drawings may overlap by this much before it is a fault, square metres.
OVERLAP_SLACK_M2 = 0.5

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
_NUMBERS: Mapping[LayerKind, tuple[str, ...]] = {LayerKind.BAY: ("length_m", "width_m")}
_OPTIONAL_NUMBERS = ("speed_limit_kmh", "half_width_m")
_LOAD_STATES = frozenset({"loaded", "empty_clean", "empty_uncleaned"})


def check_feature(
    kind: LayerKind,
    geometry: BaseGeometry | None,
    properties: Mapping[str, Any],
    watch_area: Sequence[float],
    file: str,
    label: str,
    report: Report,
) -> None:
    """Complain about one feature: its geometry, then its properties."""
    if geometry is None or geometry.is_empty:
        report.error(LayerWord.GEOMETRY_EMPTY, file, label)
    else:
        _geometry(kind, geometry, watch_area, file, label, report)
    _properties(kind, properties, file, label, report)


def _geometry(
    kind: LayerKind,
    geometry: BaseGeometry,
    watch_area: Sequence[float],
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
        report.error(LayerWord.SELF_CROSSING, file, label, reason=explain_validity(geometry))


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
        report.error(LayerWord.NOT_DEGREES, file, label, lon=left, lat=low)
    else:
        report.error(LayerWord.OUTSIDE_WATCH_AREA, file, label, lon=round(left, 5), lat=round(low, 5))
    return False


def _properties(
    kind: LayerKind, properties: Mapping[str, Any], file: str, label: str, report: Report
) -> None:
    if kind in _CHOICES:
        name, allowed = _CHOICES[kind]
        if properties.get(name) not in allowed:
            _wrong(report, file, label, name, properties.get(name), " / ".join(sorted(allowed)))
    for name in _NUMBERS.get(kind, ()):
        if not _positive(properties.get(name)):
            _wrong(report, file, label, name, properties.get(name), "> 0")
    for name in _OPTIONAL_NUMBERS:
        if name in properties and not _positive(properties[name]):
            _wrong(report, file, label, name, properties[name], "> 0")
    if kind is LayerKind.BAY:
        _bay(properties, file, label, report)


def _bay(properties: Mapping[str, Any], file: str, label: str, report: Report) -> None:
    if not str(properties.get("zone", "")).strip():
        report.error(LayerWord.PROPERTY_MISSING, file, label, property="zone")
    states = {s.strip() for s in str(properties.get("load_states", "")).split(",")}
    if not states <= _LOAD_STATES:
        _wrong(
            report, file, label, "load_states", properties.get("load_states"), ", ".join(sorted(_LOAD_STATES))
        )


def _wrong(report: Report, file: str, label: str, name: str, value: Any, expected: str) -> None:
    if value is None:
        report.error(LayerWord.PROPERTY_MISSING, file, label, property=name)
    else:
        report.error(
            LayerWord.PROPERTY_WRONG, file, label, property=name, value=str(value), expected=expected
        )


def _positive(value: Any) -> bool:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    return math.isfinite(number) and number > 0


def check_park(park: Park, report: Report) -> None:
    """Complain about the shapes together: what must lie in, on or apart from what."""
    frame = LocalFrame(park.metric_crs)
    metres = {id(f): frame.to_metres(f.geometry) for f in park.features}
    _codes(park, report)
    _boundary_within(park, report)
    _gates(park, metres, report)
    _bays(park, metres, report)
    _routes(park, metres, report)


def _codes(park: Park, report: Report) -> None:
    by_code: dict[tuple[LayerKind, str], list[Feature]] = defaultdict(list)
    for feature in park.features:
        by_code[feature.kind, feature.code].append(feature)
    for (kind, code), same in by_code.items():
        if len(same) < 2:
            continue
        if any(f.approval is None for f in same):
            report.error(LayerWord.CODE_TWICE, kind, code, code=code)
        elif _overlapping(same):
            report.error(LayerWord.VERSIONS_OVERLAP, kind, code, code=code)


def _overlapping(versions: Sequence[Feature]) -> bool:
    dated = sorted((f.approval for f in versions if f.approval), key=lambda a: a.effective_from)
    return any(a.effective_to is None or a.effective_to > b.effective_from for a, b in pairwise(dated))


def _boundary_within(park: Park, report: Report) -> None:
    lines = park.of(LayerKind.CONTROL_LINE)
    if not lines:
        return
    newest = [b for b in park.of(LayerKind.BOUNDARY) if b.approval is None or b.approval.effective_to is None]
    drawn = shapely.union_all([c.geometry for c in lines])
    for boundary in newest:
        if not drawn.covers(boundary.geometry):
            report.error(LayerWord.BOUNDARY_OUTSIDE_CONTROL_LINE, "boundary", boundary.code)


def _gates(park: Park, metres: Mapping[int, BaseGeometry], report: Report) -> None:
    edges = [metres[id(b)].boundary for b in park.of(LayerKind.BOUNDARY)]
    for gate in park.of(LayerKind.GATE):
        if edges and min(metres[id(gate)].distance(edge) for edge in edges) > GATE_SLACK_M:
            report.error(LayerWord.GATE_OFF_BOUNDARY, "gate", gate.code)


def _bays(park: Park, metres: Mapping[int, BaseGeometry], report: Report) -> None:
    bays = park.of(LayerKind.BAY)
    lots = [metres[id(z)] for z in park.of(LayerKind.ZONE) if z.attributes.get("zone_kind") == "lot"]
    zones = {z.code for z in park.of(LayerKind.ZONE)}
    for bay in bays:
        if not any(lot.covers(metres[id(bay)].buffer(-0.2)) for lot in lots):
            report.error(LayerWord.BAY_OUTSIDE_LOT, "bay", bay.code)
        if bay.attributes.get("zone") not in zones:
            report.error(LayerWord.BAY_ZONE_UNKNOWN, "bay", bay.code, zone=bay.attributes.get("zone"))
    if bays and not any(b.attributes.get("isolation") for b in bays):
        report.warning(LayerWord.NO_ISOLATION_BAY, "bay")
    tree = shapely.STRtree([metres[id(b)] for b in bays])
    for n, bay in enumerate(bays):
        for other in tree.query(metres[id(bay)], predicate="intersects"):
            if other > n and metres[id(bay)].intersection(metres[id(bays[other])]).area > OVERLAP_SLACK_M2:
                report.error(LayerWord.BAYS_OVERLAP, "bay", bay.code, other=bays[other].code)


def _routes(park: Park, metres: Mapping[int, BaseGeometry], report: Report) -> None:
    ends = [metres[id(f)] for kind in (LayerKind.GATE, LayerKind.DOCK) for f in park.of(kind)]
    ends += [metres[id(z)] for z in park.of(LayerKind.ZONE) if z.attributes.get("zone_kind") == "lot"]
    for route in park.of(LayerKind.ROUTE):
        if ends and not any(metres[id(route)].distance(end) <= 50 for end in ends):
            report.warning(LayerWord.ROUTE_LEADS_NOWHERE, "route", route.code)
