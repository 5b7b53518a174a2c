"""The list of dangerous goods (CSV or XLSX), checked row by row before anybody trusts it.

A class typed wrong would let incompatible loads stand side by side, so a row that is not understood is
an error, never left out.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from zipfile import BadZipFile

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from geo.report import LayerWord, Report
from parking.vocabulary import FireCategory, GoodsTrait

FILE = "goods.csv"
COLUMNS = ("un_number", "name_zh", "name_en", "hazard_class", "subsidiary")
#: Columns of which a file has one or both: every packing group of the entry, or just the strictest; where
#: each column was read (``origins``), or one source for the whole row.
EITHER = (("packing_groups", "packing_group"), ("origins", "source"))
#: Columns a file may have besides: guide of the Emergency Response Guidebook, what a substance is (words of
#: ``GoodsTrait``), its fire category, its critical quantity (tonnes, GB 18218-2018) and the entry it was
#: read from, and the names people say.
EXTRA = ("erg_guide", "traits", "fire_category", "critical_quantity_t", "critical_entry", "aliases")
_EITHER = tuple(name for pair in EITHER for name in pair)
ALL = (*COLUMNS, *_EITHER, *EXTRA)
#: Columns that may be empty: gases and articles have no packing group, most goods no subsidiary hazard.
OPTIONAL = frozenset({"subsidiary", *_EITHER, *EXTRA})
#: A list longer than this is no list of goods.
MOST_BYTES = 20_000_000
#: Classes and divisions of UN Model Regulations 2.0.1.1; explosives may name their compatibility group.
_CLASS = re.compile(r"1\.[1-6][A-HJKLNS]?|2\.[123]|3|4\.[123]|5\.[12]|6\.[12]|7|8|9")
_EXPECTED = {
    "un_number": "1005",
    "hazard_class": "2.1 … 9",
    "subsidiary": "5.1,8",
    "packing_group": "I / II / III",
    "packing_groups": "II,III",
    "erg_guide": "125, 119P",
    "origins": "hazard_class CFR+GB; name_zh GB",
    "source": "GB 12268",
    "traits": ", ".join(GoodsTrait),
    "fire_category": " / ".join(FireCategory),
    "critical_quantity_t": "10",
}
_LONGEST = {"name_zh": 120, "name_en": 200, "source": 200, "critical_entry": 120, "origins": 1000}
#: Signs nobody sees: a database refuses some, the others turn a line of a report around.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_SEEN = "no U+0000–001F, 007F–009F, 200B–200F, 2028–202E, 2066–2069"
_STRICTEST = ("I", "II", "III")


def find(folder: Path) -> Path | None:
    """goods.csv in or beside the park folder."""
    return next((p for p in (folder / FILE, folder.resolve().parent / FILE) if p.is_file()), None)


def read_goods(folder: Path, report: Report) -> list[dict[str, str]]:
    """Rows of goods.csv; complaints go to ``report``. No file: no goods."""
    path = find(folder)
    return read_file(path, report) if path else []


def read_file(path: Path, report: Report) -> list[dict[str, str]]:
    """Rows of a list of goods: CSV (UTF-8) or XLSX (first sheet), header row; complaints go to ``report``."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"> {MOST_BYTES // 1_000_000} MB")
        lines = _sheet(path) if path.suffix.lower() == ".xlsx" else _text(path)
        return _rows(lines, path.name, report)
    except (OSError, ValueError, KeyError, csv.Error, BadZipFile, InvalidFileException) as broken:
        hint = "UTF-8? " if isinstance(broken, UnicodeDecodeError) else ""
        report.error(LayerWord.FILE_UNREADABLE, path.name, reason=f"{hint}{broken}")
        return []


def _text(path: Path) -> list[tuple[int, list[str]]]:
    text = path.read_text(encoding="utf-8-sig")
    reader = csv.reader(io.StringIO(text, newline=""))
    return [(reader.line_num, row) for row in reader if row]


def _sheet(path: Path) -> list[tuple[int, list[str]]]:
    try:
        with contextlib.closing(load_workbook(path, read_only=True, data_only=True)) as book:
            rows = enumerate(book.worksheets[0].iter_rows(values_only=True), 1)
            return [(n, [_cell(v) for v in row]) for n, row in rows if any(v is not None for v in row)]
    except (OSError, BadZipFile, InvalidFileException):
        raise
    except Exception as broken:  # a damaged sheet shows itself in whatever way its parser stumbles
        raise ValueError(f"{type(broken).__name__}: {broken}") from broken


def _cell(value: object) -> str:
    """A cell as text; a number without its “.0”."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)


def _rows(lines: list[tuple[int, list[str]]], file: str, report: Report) -> list[dict[str, str]]:
    head = [name.strip() for name in lines[0][1]] if lines else []
    absent = [name for name in COLUMNS if name not in head]
    absent += ["/".join(pair) for pair in EITHER if not set(pair) & set(head)]
    absent += [f"{name} ×2" for name in ALL if head.count(name) > 1]
    for name in absent:
        report.error(LayerWord.PROPERTY_MISSING, file, property=name)
    if absent:
        return []
    rows: dict[str, dict[str, str]] = {}
    for number, cells in lines[1:]:
        found = dict(zip(head, [*cells, *[""] * len(head)], strict=False))
        row = {name: found[name].strip() for name in ALL if name in found}
        if row["un_number"].isascii() and row["un_number"].isdigit() and file.lower().endswith(".xlsx"):
            row["un_number"] = row["un_number"].zfill(4)  # a sheet keeps 0004 as the number 4
        label = f"{number}: {_shown(row['un_number'])}"[:40]
        too_many = any(cell.strip() for cell in cells[len(head) :])
        if _row_right(row, too_many, rows, label, file, report):
            rows[row["un_number"]] = _whole(row)
    return list(rows.values())


def _whole(row: dict[str, str]) -> dict[str, str]:
    """A row with both forms of its packing groups and with a source."""
    groups = listed(row.get("packing_groups") or row.get("packing_group"))
    strictest = min(groups, key=_STRICTEST.index, default="")
    read = origins(row.get("origins", ""))
    source = row.get("source") or "; ".join(read.get("hazard_class", ()))
    return {**row, "packing_groups": ",".join(groups), "packing_group": strictest, "source": source}


def listed(value: str | None) -> list[str]:
    """The parts of a comma-separated cell."""
    return [part.strip() for part in (value or "").split(",") if part.strip()]


def origins(cell: str) -> dict[str, list[str]]:
    """``hazard_class CFR+GB; name_zh GB`` → column → the places it was read alike. Raises ValueError."""
    read: dict[str, list[str]] = {}
    for part in filter(None, (p.strip() for p in cell.split(";"))):
        name, _, places = part.partition(" ")
        if name not in ALL or not places.strip() or name in read:
            raise ValueError(part)
        read[name] = [place.strip() for place in places.split("+")]
    return read


def _row_right(
    row: Mapping[str, str], too_many: bool, known: Iterable[str], label: str, file: str, report: Report
) -> bool:
    before = len(report.items)
    if too_many:  # a comma that should stand between quotes shifts every value behind it
        report.error(LayerWord.PROPERTY_WRONG, file, label, property=",", value=",", expected='"…,…"')
    for name in row:
        if not row[name] and name not in OPTIONAL:
            report.error(LayerWord.PROPERTY_MISSING, file, label, property=name)
        elif len(row[name]) > _LONGEST.get(name, 200):
            limit = _LONGEST.get(name, 200)
            report.error(
                LayerWord.PROPERTY_TOO_LONG, file, label, property=name, length=len(row[name]), limit=limit
            )
    if not (row.get("source") or row.get("origins")):
        report.error(LayerWord.PROPERTY_MISSING, file, label, property="source")
    for name in (n for n in row if _UNSEEN.search(row[n])):
        report.error(
            LayerWord.PROPERTY_WRONG, file, label, property=name, value=_shown(row[name]), expected=_SEEN
        )
    for name in _wrong(row):
        report.error(
            LayerWord.PROPERTY_WRONG,
            file,
            label,
            property=name,
            value=_shown(row[name]),
            expected=_EXPECTED[name],
        )
    if row["un_number"] in known:
        report.error(LayerWord.CODE_TWICE, file, label, code=row["un_number"])
    return len(report.items) == before


def _shown(text: str) -> str:
    """A value as a report may print it: what nobody sees is spelled out."""
    return text[:80] if text.isprintable() else repr(text)[:80]


def _wrong(row: Mapping[str, str]) -> Iterator[str]:
    """Names of values outside what they may be."""
    main = row["hazard_class"]
    others = [part.strip() for part in row["subsidiary"].split(",")] if row["subsidiary"] else []
    if row["un_number"] and not re.fullmatch(r"[0-9]{4}", row["un_number"]):
        yield "un_number"
    if main and not _CLASS.fullmatch(main):
        yield "hazard_class"
    if not all(_CLASS.fullmatch(other) and other != main for other in others):
        yield "subsidiary"
    if row.get("packing_group", "") not in ("", *_STRICTEST):
        yield "packing_group"
    groups = listed(row.get("packing_groups"))
    if not set(groups) <= set(_STRICTEST) or (groups and row.get("packing_group", "") not in ("", *groups)):
        yield "packing_groups"
    if not re.fullmatch(r"(1[1-7][0-9]P?)?", row.get("erg_guide", "")):
        yield "erg_guide"
    try:
        origins(row.get("origins", ""))
    except ValueError:
        yield "origins"
    if not {part.strip() for part in row.get("traits", "").split(",")} <= {"", *GoodsTrait}:
        yield "traits"
    if row.get("fire_category", "") not in ("", *FireCategory):
        yield "fire_category"
    if not _is_quantity(row.get("critical_quantity_t", "")):
        yield "critical_quantity_t"


def _is_quantity(text: str) -> bool:
    """Nothing, or tonnes above 0: a quantity of 0 would make every load endlessly dangerous, or none."""
    if not text:
        return True
    return bool(re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,3})?", text)) and float(text) > 0
