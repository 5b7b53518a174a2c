"""What is wrong with a park's layers, in words and facts a GIS clerk can act on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shapely.geometry.base import BaseGeometry


class LayerWord(StrEnum):
    """Everything the door of layers can complain about. Facts are named beside."""

    # the file
    FOLDER_MISSING = "folder_missing"
    FILE_MISSING = "file_missing"
    FILE_TOO_LARGE = "file_too_large"  # megabytes, limit
    FILE_UNREADABLE = "file_unreadable"  # reason
    SEVERAL_FILES = "several_files"  # names
    SEVERAL_LAYERS = "several_layers"  # names, expected
    LAYER_ABSENT = "layer_absent"
    TEXT_GARBLED = "text_garbled"  # property, value
    CRS_UNKNOWN = "crs_unknown"
    CRS_INACCURATE = "crs_inaccurate"  # crs
    NORTHING_FIRST = "northing_first"
    DATUM_CONVERTED = "datum_converted"
    CRS_CONTRADICTED = "crs_contradicted"  # stated, declared
    ZONE_NUMBER = "zone_number"  # zone, crs
    NO_FEATURES = "no_features"
    TOO_MANY_FEATURES = "too_many_features"  # count, limit
    FORMAT_WRONG = "format_wrong"  # expected
    LINKS_ELSEWHERE = "links_elsewhere"
    NESTED_TOO_DEEP = "nested_too_deep"
    XML_ENTITIES = "xml_entities"
    ARCHIVE_PARTS = "archive_parts"  # count, limit
    ARCHIVE_UNSAFE = "archive_unsafe"  # part, reason
    ARCHIVE_WITHOUT = "archive_without"  # expected
    DXF_BINARY = "dxf_binary"
    DXF_LAYERS_MISSING = "dxf_layers_missing"  # names
    DXF_LAYER_ABSENT = "dxf_layer_absent"  # name, names
    DXF_OTHERS = "dxf_others"  # count, types
    # park.json
    PARK_FIELD_MISSING = "park_field_missing"  # field
    PARK_FIELD_WRONG = "park_field_wrong"  # field, reason
    # one shape
    GEOMETRY_EMPTY = "geometry_empty"
    GEOMETRY_TYPE = "geometry_type"  # found, expected
    RING_NOT_CLOSED = "ring_not_closed"
    NOT_A_NUMBER = "not_a_number"
    SELF_CROSSING = "self_crossing"  # lon, lat, reason
    TOO_MANY_VERTICES = "too_many_vertices"  # count, limit
    AXES_SWAPPED = "axes_swapped"
    WRONG_HEMISPHERE = "wrong_hemisphere"  # lon, lat
    OUTSIDE_COUNTY = "outside_county"  # lon, lat
    OUTSIDE_WATCH_AREA = "outside_watch_area"  # lon, lat
    NOT_DEGREES = "not_degrees"  # lon, lat
    PROPERTY_MISSING = "property_missing"  # property
    PROPERTY_WRONG = "property_wrong"  # property, value, expected
    PROPERTY_TOO_LONG = "property_too_long"  # property, length, limit
    EFFECTIVE_BEFORE_APPROVED = "effective_before_approved"  # effective_from, approved_on
    # shapes together
    CODE_TWICE = "code_twice"  # code
    VERSIONS_OVERLAP = "versions_overlap"  # code
    NOTHING_IN_FORCE = "nothing_in_force"  # since, until (may be absent)
    BOUNDARY_OUTSIDE_CONTROL_LINE = "boundary_outside_control_line"  # since
    GATE_OFF_BOUNDARY = "gate_off_boundary"
    NO_HAZMAT_GATE = "no_hazmat_gate"
    BAY_OUTSIDE_LOT = "bay_outside_lot"
    BAY_OUTSIDE_ZONE = "bay_outside_zone"  # zone
    BAY_BEYOND_ZONE = "bay_beyond_zone"  # zone, property, values
    BAY_SIZE = "bay_size"  # length_m, width_m, drawn_length_m, drawn_width_m
    BAYS_OVERLAP = "bays_overlap"  # other
    SHAPES_OVERLAP = "shapes_overlap"  # other, area_m2
    BAY_ZONE_UNKNOWN = "bay_zone_unknown"  # zone
    NO_ISOLATION_BAY = "no_isolation_bay"
    ROUTE_LEADS_NOWHERE = "route_leads_nowhere"
    # what a person agreed to
    REPAIRED = "repaired"  # repair, before_m2, after_m2


class LayerReason(StrEnum):
    """Why a field of ``park.json`` is wrong, or park.json as a whole."""

    NOT_A_TEXT = "not_a_text"
    TOO_LONG = "too_long"
    NOT_A_BOOLEAN = "not_a_boolean"
    NOT_AN_OBJECT = "not_an_object"
    NOT_AN_AREA = "not_an_area"
    NO_SUCH_TIME_ZONE = "no_such_time_zone"
    NO_SUCH_DATUM = "no_such_datum"
    NOT_METRIC = "not_metric"
    DISTORTED_HERE = "distorted_here"
    NOT_A_LIST = "not_a_list"
    NO_SUCH_FIELD = "no_such_field"
    NO_SUCH_CRS = "no_such_crs"
    NO_SUCH_LAYER = "no_such_layer"
    NOT_A_COUNTY = "not_a_county"
    # why a part of an archive is not unpacked
    PATH_LEADS_OUT = "path_leads_out"
    IS_A_LINK = "is_a_link"
    IS_LOCKED = "is_locked"


class RepairWord(StrEnum):
    """What can be mended in a shape when a person agrees."""

    CLOSE_RING = "close_ring"
    MAKE_VALID = "make_valid"
    MERGE_SLIVERS = "merge_slivers"
    DROP_EMPTY = "drop_empty"


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Item:
    """One complaint: where it is (file, feature) and what it is (word, facts)."""

    severity: Severity
    file: str
    feature: str
    word: LayerWord
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repair:
    """One shape and what would mend it. Shapes WGS-84 (None: nothing is left); areas m², 0 for lines."""

    file: str
    feature: str
    words: tuple[RepairWord, ...]
    before: BaseGeometry | None
    after: BaseGeometry | None
    before_m2: float
    after_m2: float


#: Errors and warnings told at most, each. Nobody reads more, and a hostile file could make millions.
MOST = 1_000


@dataclass(slots=True)
class Report:
    """Collected while reading; a park with errors is not loaded, one with warnings is.

    ``repairs``: what would mend some of the errors, or, once agreed to, what was mended. ``most``: errors
    and warnings kept, each.
    """

    items: list[Item] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    most: int = MOST
    told: Counter[Severity] = field(default_factory=Counter)

    def error(self, word: LayerWord, file: str = "", feature: str = "", **facts: Any) -> None:
        self._say(Item(Severity.ERROR, file, feature, word, facts))

    def warning(self, word: LayerWord, file: str = "", feature: str = "", **facts: Any) -> None:
        self._say(Item(Severity.WARNING, file, feature, word, facts))

    def _say(self, item: Item) -> None:
        """Errors and warnings are counted apart, so that no error is lost behind a crowd of warnings."""
        self.told[item.severity] += 1
        if self.told[item.severity] <= self.most:
            self.items.append(item)

    @property
    def full(self) -> bool:
        """Whether enough is wrong: whoever compares everything with everything may stop."""
        return self.told[Severity.ERROR] >= self.most

    @property
    def errors(self) -> list[Item]:
        return [i for i in self.items if i.severity is Severity.ERROR]

    @property
    def warnings(self) -> list[Item]:
        return [i for i in self.items if i.severity is Severity.WARNING]
