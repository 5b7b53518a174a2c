"""Sentences for the report of the layers' door. Chinese: ``locale/zh_CN/layers.po``."""

from __future__ import annotations

from collections.abc import Mapping

from geo.report import Item, LayerWord, Severity
from parking.speech import N_, translate

SENTENCES: Mapping[LayerWord, str] = {
    LayerWord.FOLDER_MISSING: N_("There is no such folder."),
    LayerWord.FILE_MISSING: N_("The file is missing."),
    LayerWord.FILE_TOO_LARGE: N_("The file has {megabytes} MB; at most {limit} MB are read."),
    LayerWord.FILE_UNREADABLE: N_("The file cannot be read: {reason}"),
    LayerWord.SEVERAL_FILES: N_("Several files for one layer ({names}); keep one."),
    LayerWord.CRS_UNKNOWN: N_(
        "The file does not say its coordinate system; declare it (for example EPSG:4490)."
    ),
    LayerWord.PARK_FIELD_MISSING: N_("The field “{field}” is missing."),
    LayerWord.PARK_FIELD_WRONG: N_("The field “{field}” is wrong: {reason}."),
    LayerWord.NO_FEATURES: N_("The file holds no shapes."),
    LayerWord.GEOMETRY_EMPTY: N_("The shape is empty."),
    LayerWord.GEOMETRY_TYPE: N_("The shape is a {found}; expected {expected}."),
    LayerWord.RING_NOT_CLOSED: N_("A ring is not closed: its last point must repeat its first."),
    LayerWord.SELF_CROSSING: N_("The outline is not valid ({reason}); redraw it there."),
    LayerWord.TOO_MANY_VERTICES: N_("The shape has {count} points; at most {limit} are read."),
    LayerWord.AXES_SWAPPED: N_("Longitude and latitude seem to be swapped."),
    LayerWord.OUTSIDE_WATCH_AREA: N_(
        "The shape lies outside the watch area (near {lon}, {lat}); wrong zone or datum?"
    ),
    LayerWord.NOT_DEGREES: N_(
        "The coordinates are no degrees ({lon}, {lat}); is the coordinate system declared?"
    ),
    LayerWord.PROPERTY_MISSING: N_("The property “{property}” is missing."),
    LayerWord.PROPERTY_WRONG: N_("The property “{property}” is “{value}”; expected {expected}."),
    LayerWord.CODE_TWICE: N_("The code “{code}” is used twice in this layer."),
    LayerWord.VERSIONS_OVERLAP: N_(
        "Two versions of “{code}” are in force at the same time; check the effective dates."
    ),
    LayerWord.BOUNDARY_OUTSIDE_CONTROL_LINE: N_("The boundary reaches beyond the control line."),
    LayerWord.GATE_OFF_BOUNDARY: N_("The gate does not touch the boundary."),
    LayerWord.BAY_OUTSIDE_LOT: N_("The bay does not lie inside a lot."),
    LayerWord.BAYS_OVERLAP: N_("The bay overlaps bay {other}."),
    LayerWord.BAY_ZONE_UNKNOWN: N_("The bay names zone “{zone}”, which is not drawn."),
    LayerWord.NO_ISOLATION_BAY: N_("No bay is an isolation bay."),
    LayerWord.ROUTE_LEADS_NOWHERE: N_("The route comes near no gate, dock or lot."),
}

SEVERITIES: Mapping[Severity, str] = {Severity.ERROR: N_("error"), Severity.WARNING: N_("please check")}


def sentence(item: Item, lang: str) -> str:
    """``error  bay.geojson  A01  The bay overlaps bay A02.``"""
    parts = (
        translate(SEVERITIES[item.severity], lang),
        item.file,
        item.feature,
        translate(SENTENCES[item.word], lang, **item.facts),
    )
    return "  ".join(p for p in parts if p)
