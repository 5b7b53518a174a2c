"""Sentences for the report of the layers' door. Chinese: ``locale/zh_CN/layers.po``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from geo.report import Item, LayerReason, LayerWord, Repair, RepairWord, Severity
from parking.speech import N_, translate

SENTENCES: Mapping[LayerWord, str] = {
    LayerWord.FOLDER_MISSING: N_("There is no such folder."),
    LayerWord.FILE_MISSING: N_("The file is missing."),
    LayerWord.FILE_TOO_LARGE: N_("The file has {megabytes} MB; at most {limit} MB are read."),
    LayerWord.FILE_UNREADABLE: N_("The file cannot be read: {reason}"),
    LayerWord.SEVERAL_FILES: N_("Several files for one layer ({names}); keep one."),
    LayerWord.SEVERAL_LAYERS: N_(
        "The file holds several layers ({names}); keep one, or call the right one “{expected}”."
    ),
    LayerWord.LAYER_ABSENT: N_(
        "The layer is absent: without routes no deviation is judged, without docks nobody is called forward."
    ),
    LayerWord.TEXT_GARBLED: N_(
        "Chinese texts cannot be read ({property}: {value}); save the file in UTF-8 with a .cpg file."
    ),
    LayerWord.CRS_INACCURATE: N_(
        "Nobody can convert “{crs}” to WGS-84 accurately without local parameters; have it converted to CGCS2000 first."
    ),
    LayerWord.NORTHING_FIRST: N_(
        "The northing stands before the easting; exchange the two columns and save again."
    ),
    LayerWord.DATUM_CONVERTED: N_(
        "Converted from GCJ-02, as declared; good to about a metre: compare with a survey before official use."
    ),
    LayerWord.CRS_UNKNOWN: N_(
        "The file does not say its coordinate system; declare it (for example EPSG:4490)."
    ),
    LayerWord.PARK_FIELD_MISSING: N_("The field “{field}” is missing."),
    LayerWord.PARK_FIELD_WRONG: N_("The field “{field}” is wrong: {reason}."),
    LayerWord.NO_FEATURES: N_("The file holds no shapes."),
    LayerWord.GEOMETRY_EMPTY: N_("The shape is empty."),
    LayerWord.GEOMETRY_TYPE: N_("The shape is a {found}; expected {expected}."),
    LayerWord.RING_NOT_CLOSED: N_("A ring is not closed: its last point must repeat its first."),
    LayerWord.NOT_A_NUMBER: N_("A coordinate is not a number."),
    LayerWord.SELF_CROSSING: N_("The outline is not valid near {lon}, {lat}: {reason}. Redraw it there."),
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
    LayerWord.PROPERTY_TOO_LONG: N_(
        "The property “{property}” has {length} characters; at most {limit} are kept."
    ),
    LayerWord.EFFECTIVE_BEFORE_APPROVED: N_(
        "Effective from {effective_from}, before it was approved on {approved_on}."
    ),
    LayerWord.CODE_TWICE: N_("The code “{code}” is used twice in this layer."),
    LayerWord.VERSIONS_OVERLAP: N_(
        "Two versions of “{code}” are in force at the same time; check the effective dates."
    ),
    LayerWord.NOTHING_IN_FORCE: N_(
        "No version is in force from {since} until {until}: nothing is judged by this line then."
    ),
    LayerWord.BOUNDARY_OUTSIDE_CONTROL_LINE: N_(
        "The boundary reaches beyond the control line in force on {since}."
    ),
    LayerWord.GATE_OFF_BOUNDARY: N_("The gate does not touch the boundary."),
    LayerWord.NO_HAZMAT_GATE: N_(
        "No gate is of the kind hazmat_only: every crossing will count as a violation."
    ),
    LayerWord.BAY_OUTSIDE_LOT: N_("The bay does not lie inside a lot."),
    LayerWord.BAY_OUTSIDE_ZONE: N_("The bay does not lie inside zone “{zone}”, or that is no class zone."),
    LayerWord.BAY_BEYOND_ZONE: N_("The bay takes what zone “{zone}” does not ({property}: {values})."),
    LayerWord.BAY_SIZE: N_(
        "The bay is said to be {length_m} × {width_m} m, but drawn {drawn_length_m} × {drawn_width_m} m."
    ),
    LayerWord.BAYS_OVERLAP: N_("The bay overlaps bay {other}."),
    LayerWord.BAY_ZONE_UNKNOWN: N_("The bay names zone “{zone}”, which is not drawn."),
    LayerWord.NO_ISOLATION_BAY: N_("No bay is an isolation bay."),
    LayerWord.ROUTE_LEADS_NOWHERE: N_("The route comes near no gate, dock or lot."),
    LayerWord.CRS_CONTRADICTED: N_(
        "The file says its coordinate system is “{stated}”, you declared {declared}: the file's own is used."
    ),
    LayerWord.ZONE_NUMBER: N_(
        "The coordinates do not fit the declared zone (leading zone number: {zone}); they fit {crs}. Declare that and check."
    ),
    LayerWord.TOO_MANY_FEATURES: N_("The file holds {count} shapes; at most {limit} are read."),
    LayerWord.FORMAT_WRONG: N_("The content is not what the name says; expected a {expected} file."),
    LayerWord.LINKS_ELSEWHERE: N_(
        "The file refers to other files or addresses; only drawings that stand alone are read."
    ),
    LayerWord.NESTED_TOO_DEEP: N_("The file is nested too deeply to be a drawing."),
    LayerWord.XML_ENTITIES: N_(
        "The file declares a document type or entities, as attacks do; save it again without them."
    ),
    LayerWord.ARCHIVE_PARTS: N_("The archive has {count} parts; at most {limit} are read."),
    LayerWord.ARCHIVE_UNSAFE: N_("The archive is not unpacked: {part} {reason}."),
    LayerWord.ARCHIVE_WITHOUT: N_("The archive holds no {expected} file."),
    LayerWord.DXF_BINARY: N_("This is a binary DXF; save it as ASCII DXF."),
    LayerWord.DXF_LAYERS_MISSING: N_(
        "Say which DXF layers hold the shapes (dxf_layers). There are: {names}."
    ),
    LayerWord.DXF_LAYER_ABSENT: N_("There is no DXF layer “{name}”. There are: {names}."),
    LayerWord.DXF_OTHERS: N_(
        "{count} element(s) on these DXF layers are neither lines nor areas and were left out: {types}."
    ),
    LayerWord.WRONG_HEMISPHERE: N_(
        "The shape lies in another hemisphere ({lon}, {lat}): a sign is turned round."
    ),
    LayerWord.OUTSIDE_COUNTY: N_("The shape leaves the county near {lon}, {lat}."),
    LayerWord.SHAPES_OVERLAP: N_("The shape covers {area_m2} m² of “{other}”."),
    LayerWord.REPAIRED: N_("Repaired as agreed: {repair}. Area {before_m2} m² before, {after_m2} m² after."),
}

REASONS: Mapping[LayerReason, str] = {
    LayerReason.NOT_A_TEXT: N_("expected a text"),
    LayerReason.TOO_LONG: N_("the text is too long"),
    LayerReason.NOT_A_BOOLEAN: N_("expected true or false"),
    LayerReason.NOT_AN_OBJECT: N_("expected an object in braces"),
    LayerReason.NOT_AN_AREA: N_("expected [west, south, east, north] in degrees"),
    LayerReason.NO_SUCH_TIME_ZONE: N_("no such time zone"),
    LayerReason.NO_SUCH_DATUM: N_("expected wgs84, cgcs2000 or gcj02"),
    LayerReason.NOT_METRIC: N_("expected a projected CRS in metres, such as EPSG:4546"),
    LayerReason.DISTORTED_HERE: N_("distances in this CRS are wrong here; take the zone of this longitude"),
    LayerReason.NOT_A_LIST: N_("expected a list of texts"),
    LayerReason.NO_SUCH_FIELD: N_("no such field"),
    LayerReason.NO_SUCH_CRS: N_("no such coordinate system; expected for example EPSG:4546"),
    LayerReason.NO_SUCH_LAYER: N_("no such layer"),
    LayerReason.NOT_A_COUNTY: N_("expected [west, south, east, north] or a GeoJSON polygon in degrees"),
    LayerReason.PATH_LEADS_OUT: N_("leads out of the archive"),
    LayerReason.IS_A_LINK: N_("is a link"),
    LayerReason.IS_LOCKED: N_("is locked by a password"),
}

REPAIRS: Mapping[RepairWord, str] = {
    RepairWord.CLOSE_RING: N_("close the ring"),
    RepairWord.MAKE_VALID: N_("untangle the outline"),
    RepairWord.MERGE_SLIVERS: N_("merge or drop slivers"),
    RepairWord.DROP_EMPTY: N_("drop the empty shape"),
}

#: What GEOS says of an invalid outline.
OUTLINES: Mapping[str, str] = {
    "Self-intersection": N_("it crosses itself"),
    "Ring Self-intersection": N_("it touches or crosses itself"),
    "Hole lies outside shell": N_("a hole lies outside the outline"),
    "Holes are nested": N_("a hole lies inside another hole"),
    "Nested holes": N_("a hole lies inside another hole"),
    "Nested shells": N_("one part lies inside another"),
    "Interior is disconnected": N_("holes cut it into pieces"),
    "Duplicate Rings": N_("a ring is drawn twice"),
    "Too few points in geometry component": N_("it has too few points"),
}

_STOP = {"zh": "。", "en": ". "}
SEVERITIES: Mapping[Severity, str] = {Severity.ERROR: N_("error"), Severity.WARNING: N_("please check")}


def sentence(item: Item, lang: str) -> str:
    """``error  bay.geojson  A01  The bay overlaps bay A02.``"""
    return "  ".join(p for p in (severity(item, lang), item.file, item.feature, matter(item, lang)) if p)


def severity(item: Item, lang: str) -> str:
    """``error`` or ``please check``."""
    return translate(SEVERITIES[item.severity], lang)


def matter(item: Item, lang: str) -> str:
    """What is the matter, without where."""
    return translate(SENTENCES[item.word], lang, **{k: _said(v, lang) for k, v in item.facts.items()})


def repair_names(words: Iterable[RepairWord], lang: str) -> str:
    """What would be done, in a few words."""
    return ("、" if lang == "zh" else ", ").join(translate(REPAIRS[word], lang) for word in words)


def repair_sentence(repair: Repair, lang: str) -> str:
    """``proposed repair  bay.geojson  A01  close the ring. Area 80 m² before, 80 m² after.``"""
    areas = N_("Area {before_m2} m² before, {after_m2} m² after.")
    said = translate(areas, lang, before_m2=repair.before_m2, after_m2=repair.after_m2)
    done = repair_names(repair.words, lang)
    return "  ".join(
        (translate(N_("proposed repair"), lang), repair.file, repair.feature, f"{done}{_STOP[lang]}{said}")
    )


def _said(fact: Any, lang: str) -> Any:
    """A fact that is itself a word, in ``lang``; anything else as it is."""
    if isinstance(fact, LayerReason):
        return translate(REASONS[fact], lang)
    if isinstance(fact, RepairWord):
        return translate(REPAIRS[fact], lang)
    if isinstance(fact, str) and fact in OUTLINES:
        return translate(OUTLINES[fact], lang)
    return fact
