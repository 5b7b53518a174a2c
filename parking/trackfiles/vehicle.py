"""Files of old tracks of one vehicle, CSV or GPX, into fixes of ours, row by row."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from geo.datum import Datum
from geo.fix import Fix
from parking import fixvalues as values
from parking.refused import Reason, Refused, no
from parking.rules import plate as plates
from parking.trackfiles import gpx, table
from parking.trackfiles.rows import SPEED_UNITS, Row
from parking.vocabulary import FixFault

#: Our field → headings that mean it, without case, blanks, units in brackets and underscores.
NAMES: Mapping[str, tuple[str, ...]] = {
    "time": ("time", "t", "timestamp", "datetime", "gpstime", "fixtime", "devicetime", "时间", "定位时间",
             "gps时间", "上报时间", "日期时间"),
    "lon": ("lon", "lng", "long", "longitude", "经度"),
    "lat": ("lat", "latitude", "纬度"),
    "speed": ("speed", "speedkmh", "velocity", "速度", "车速", "行驶速度"),
    "heading": ("heading", "bearing", "course", "direction", "方向", "方向角", "方位角", "航向"),
    "altitude": ("altitude", "altitudem", "alt", "ele", "elevation", "height", "高程", "海拔", "高度"),
    "plate": ("plate", "plateno", "platenumber", "license", "licenseplate", "车牌", "车牌号", "车牌号码"),
}  # fmt: skip
_NEEDED = ("time", "lon", "lat")

#: Bytes and positions of the largest file (assumptions; a day at one position a second is 86,400).
LARGEST, MOST_ROWS = 64 * 1024 * 1024, 500_000

#: Unusable rows named in the report; further ones are only counted.
NAMED = 500
#: A usable row as it is kept while it waits: seconds, 10⁻⁶ degrees, 0.1 km/h, degrees, metres; −1 and the
#: smallest number: not told.
_PACKED = np.dtype(
    [("t", "<i8"), ("lon", "<i4"), ("lat", "<i4"), ("v", "<i4"), ("h", "<i2"), ("alt", "<i4"), ("ok", "?")]
)
_NONE = np.iinfo(np.int32).min


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is to be read. GPX is WGS-84 and UTC by its definition; a CSV says neither."""

    plate: str
    datum: Datum | None = None
    zone: tzinfo | None = None
    speed_unit: str = "kmh"


@dataclass(frozen=True, slots=True)
class Tracks:
    """``rows`` in order of time; ``unusable`` counts the others, the first of them are named in ``faults``:
    (line or number of the point, why it cannot be used)."""

    rows: tuple[Fix, ...]
    faults: tuple[tuple[int, Reason], ...]
    unusable: int


def zone_of(name: str) -> tzinfo | None:
    """A time zone by its name, such as Asia/Shanghai; None when there is none. Raises Refused."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise values.wrong(FixFault.NOT_KNOWN, f"time-zone {values.shown(name)}") from unknown


def read(data: bytes, options: Options) -> Tracks:
    """Every usable position, and every row that is none. Raises Refused when the file is unusable."""
    if len(data) > LARGEST:
        raise Refused(no(FixFault.FILE_TOO_LARGE, "file", limit=f"{LARGEST // 2**20} MiB"))
    points = is_gpx(data)
    datum = values.datum("datum", (options.datum or Datum.WGS84) if points else options.datum)
    rows: Iterator[Row] = gpx.rows(data) if points else _table(data, options.plate)
    unit = "mps" if points else options.speed_unit
    zone = ZoneInfo("UTC") if points else options.zone
    fixes: list[Fix] = []
    faults: list[tuple[int, Reason]] = []
    number = 0
    for number, row in enumerate(rows, 1):
        if number > MOST_ROWS:
            raise values.wrong(FixFault.TOO_MANY, "file", limit=MOST_ROWS, count=f">{MOST_ROWS}")
        try:
            fixes.append(_fix(row, zone, SPEED_UNITS[unit]))
        except Refused as refused:
            if len(faults) < NAMED:
                faults += [(row.line, reason) for reason in refused.reasons]
    if number == 0:
        raise Refused(no(FixFault.FILE_EMPTY, "file"))
    ordered = tuple(sorted(values.in_wgs84(fixes, datum), key=lambda f: f.time))
    return Tracks(ordered, tuple(faults), number - len(fixes))


def is_gpx(data: bytes) -> bool:
    return data.removeprefix(codecs.BOM_UTF8).lstrip()[:1] == b"<"


def _table(data: bytes, plate: str) -> Iterator[Row]:
    """The rows of a CSV; one that names another plate says so."""
    text = table.decoded(data)
    try:
        for row in table.rows(io.StringIO(text, newline=""), NAMES, _NEEDED):
            other = plates.normalise(row.said.get("plate", ""))
            differs = no(FixFault.PLATE_DIFFERS, "plate", plate=values.shown(other))
            yield replace(row, fault=differs) if other and other != plate else row
    except csv.Error as broken:
        raise Refused(no(FixFault.FILE_UNREADABLE, "file", reason=str(broken))) from broken


def _fix(row: Row, zone: tzinfo | None, kmh: float) -> Fix:
    said = row.said
    if row.fault is not None:
        raise Refused(row.fault)
    speed = values.maybe("speed", said.get("speed"), 0, values.LARGEST_SPEED)
    return values.fix(
        values.moment("time", values.needed("time", said.get("time")), zone),
        values.number("lon", values.needed("lon", said.get("lon")), -180, 180),
        values.number("lat", values.needed("lat", said.get("lat")), -90, 90),
        speed_kmh=None if speed is None else speed * kmh,
        heading=values.maybe("heading", said.get("heading"), 0, 360),
        altitude_m=values.maybe("altitude", said.get("altitude"), -1_000, 10_000),
        backfill=True,
    )


def packed(fixes: tuple[Fix, ...]) -> bytes:
    """Fixes in few bytes, lossless at their resolution."""
    made = np.zeros(len(fixes), dtype=_PACKED)
    for n, f in enumerate(fixes):
        made[n] = (
            int(f.time.timestamp()), round(f.lon * 1e6), round(f.lat * 1e6),
            _NONE if f.speed_kmh is None else round(f.speed_kmh * 10), -1 if f.heading is None else f.heading,
            _NONE if f.altitude_m is None else f.altitude_m, f.located,
        )  # fmt: skip
    return made.tobytes()


def unpacked(data: bytes, first: int, count: int) -> list[Fix]:
    """``count`` fixes from the ``first`` on."""
    every: NDArray[np.void] = np.frombuffer(data, dtype=_PACKED)
    return [
        values.fix(
            datetime.fromtimestamp(t, UTC), lon / 1e6, lat / 1e6,
            speed_kmh=None if v == _NONE else v / 10, heading=None if h < 0 else h,
            altitude_m=None if alt == _NONE else alt, located=bool(ok), backfill=True,
        )
        for t, lon, lat, v, h, alt, ok in every[first : first + count].tolist()
    ]  # fmt: skip
