"""Tracks as CSV: UTF-8 with or without BOM, UTF-16 or GBK; comma, semicolon, tab or bar; header by name."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from parking.fixvalues import shown
from parking.refused import Refused, no
from parking.rules import plate as plates
from parking.trackfile_row import Row
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
_DELIMITERS = ",;\t|"


def rows(data: bytes, plate: str) -> Iterator[Row]:
    """The rows under the header. Raises Refused when text or header cannot be understood."""
    text = decoded(data)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        header = next(reader, [])
        columns = _columns(header)
        for row in reader:
            if any(cell.strip() for cell in row):
                yield _row(reader.line_num, row, columns, plate)
    except csv.Error as broken:
        raise Refused(no(FixFault.FILE_UNREADABLE, "file", reason=str(broken))) from broken


def decoded(data: bytes) -> str:
    """The text, by its byte order mark, else UTF-8, else GB 18030 (which holds GBK)."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        tried = ("utf-16",)
    else:
        tried = ("utf-8-sig", "gb18030")  # type: ignore[assignment]
    for encoding in tried:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as wrong:
            last = wrong
    raise Refused(no(FixFault.FILE_UNREADABLE, "file", reason=f"{last.encoding}: byte {last.start}"))


def _delimiter(text: str) -> str:
    first = text.lstrip()[:4096].partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def _columns(header: Sequence[str]) -> Mapping[str, int]:
    """Our field → column. Every field at most once; time, lon and lat are needed."""
    found: dict[str, list[int]] = {}
    for n, heading in enumerate(header):
        for field, names in NAMES.items():
            if _bare(heading) in names:
                found.setdefault(field, []).append(n)
    reasons = [
        no(FixFault.COLUMN_TWICE, "file", field_name=f, found=", ".join(shown(header[n]) for n in ns))
        for f, ns in found.items()
        if len(ns) > 1
    ]
    said = shown(", ".join(header)) or "–"
    reasons += [
        no(FixFault.COLUMN_ABSENT, "file", field_name=f, found=said, names=", ".join(NAMES[f]))
        for f in _NEEDED
        if f not in found
    ]
    if reasons:
        raise Refused(*reasons)
    return {field: ns[0] for field, ns in found.items()}


def _bare(heading: str) -> str:
    text = unicodedata.normalize("NFKC", heading).casefold()
    return re.sub(r"[\s_\-/·.]", "", re.sub(r"\(.*?\)", "", text))


def _row(line: int, row: Sequence[str], columns: Mapping[str, int], plate: str) -> Row:
    said = {field: row[n].strip() for field, n in columns.items() if n < len(row)}
    other = plates.normalise(said.get("plate", ""))
    if other and other != plate:
        return Row(line, said, no(FixFault.PLATE_DIFFERS, "plate", plate=shown(other)))
    return Row(line, said)
