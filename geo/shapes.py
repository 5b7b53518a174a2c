"""The park as drawn: features of its layers, each a dated legal object where the law wants one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from shapely.geometry.base import BaseGeometry


class LayerKind(StrEnum):
    """The layers a park consists of; one file each, named after the value."""

    BOUNDARY = "boundary"  # 四至范围
    CONTROL_LINE = "control_line"  # 土地规划安全控制线
    ZONE = "zone"  # 封闭区, the lot and its class zones included
    GATE = "gate"  # 卡口
    BAY = "bay"  # 泊位
    ROUTE = "route"  # 核准路线
    DOCK = "dock"  # 装卸台
    CAMERA = "camera"  # 摄像机


#: "Since ever": the first day of a shape that was drawn without a date and later followed by another.
SINCE_EVER = date.min


@dataclass(frozen=True, slots=True)
class Approval:
    """The act that made a line binding. Effective dates are whole days in the park's time zone.

    A shape without an act that another follows has an empty ``document`` and is in force from SINCE_EVER.
    """

    document: str
    issuing_body: str
    approved_on: date
    effective_from: date
    effective_to: date | None = None

    def in_force(self, day: date) -> bool:
        return self.effective_from <= day and (self.effective_to is None or day < self.effective_to)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a shape came from: the file as handed in, its SHA-256, and the CRS its coordinates had there."""

    file: str
    sha256: str
    crs: str


@dataclass(frozen=True, slots=True)
class Feature:
    """One named shape of a layer, WGS-84 longitude/latitude degrees."""

    kind: LayerKind
    code: str
    name_zh: str
    name_en: str
    geometry: BaseGeometry
    approval: Approval | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    source: Source | None = None

    def name(self, lang: str) -> str:
        """What the drawing calls it, in ``zh`` or ``en``."""
        return self.name_en if lang == "en" else self.name_zh


@dataclass(frozen=True, slots=True)
class Park:
    """Everything ``park.json`` and the layer files say, checked.

    ``metric_crs`` is the CRS distances are computed in (metres); ``watch_area`` is
    (west, south, east, north) in degrees: a position outside it is not believed. ``policy`` and ``rules``
    are the park's own numbers and lists, handed on as they stand.
    """

    code: str
    name_zh: str
    name_en: str
    official: bool
    notice_zh: str
    notice_en: str
    metric_crs: str
    watch_area: tuple[float, float, float, float]
    policy: Mapping[str, Any]
    features: tuple[Feature, ...]
    timezone: str = "Asia/Shanghai"
    rules: Mapping[str, Any] = field(default_factory=dict)
    #: Where everything must lie, WGS-84: [west, south, east, north] or a GeoJSON polygon; None: anywhere.
    county: Any = None

    def of(self, kind: LayerKind) -> tuple[Feature, ...]:
        return tuple(f for f in self.features if f.kind is kind)

    def at(self, moment: datetime) -> Park:
        """The park with only the shapes binding at an aware instant: one of each."""
        day = moment.astimezone(ZoneInfo(self.timezone)).date()
        kept = tuple(f for f in self.features if f.approval is None or f.approval.in_force(day))
        return replace(self, features=kept)

    def in_force(self, kind: LayerKind, at: datetime) -> tuple[Feature, ...]:
        """Features of ``kind`` binding at the aware instant ``at`` (no approval: always)."""
        day = at.astimezone(ZoneInfo(self.timezone)).date()
        return tuple(f for f in self.of(kind) if f.approval is None or f.approval.in_force(day))
