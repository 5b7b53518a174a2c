"""``goods.csv``: the dangerous goods a park knows, checked row by row before anybody trusts them.

A class typed wrong would let incompatible loads stand side by side, so a row that is not understood is
an error, never left out.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from geo.report import LayerWord, Report
from parking.vocabulary import FireCategory, GoodsTrait

FILE = "goods.csv"
COLUMNS = ("un_number", "name_zh", "name_en", "hazard_class", "subsidiary", "packing_group", "source")
#: Columns a file may have besides: what a substance is (words of ``GoodsTrait``), its fire category, its
#: critical quantity (tonnes, GB 18218-2018) and the entry it was read from.
EXTRA = ("traits", "fire_category", "critical_quantity_t", "critical_entry")
#: Columns that may be empty: gases and articles have no packing group, most goods no subsidiary hazard.
OPTIONAL = frozenset({"subsidiary", "packing_group", *EXTRA})
#: Classes and divisions of UN Model Regulations 2.0.1.1; explosives may name their compatibility group.
_CLASS = re.compile(r"1\.[1-6][A-HJKLNS]?|2\.[123]|3|4\.[123]|5\.[12]|6\.[12]|7|8|9")
_EXPECTED = {
    "un_number": "1005",
    "hazard_class": "2.1 … 9",
    "subsidiary": "5.1,8",
    "packing_group": "I / II / III",
    "traits": ", ".join(GoodsTrait),
    "fire_category": " / ".join(FireCategory),
    "critical_quantity_t": "10",
}
_LONGEST = {"name_zh": 120, "name_en": 200, "source": 200, "critical_entry": 120}


def find(folder: Path) -> Path | None:
    """goods.csv in or beside the park folder."""
    return next((p for p in (folder / FILE, folder.resolve().parent / FILE) if p.is_file()), None)


def read_goods(folder: Path, report: Report) -> list[dict[str, str]]:
    """Rows of goods.csv (UTF-8, header row); complaints go to ``report``. No file: no goods."""
    path = find(folder)
    if path is None:
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as broken:
        report.error(LayerWord.FILE_UNREADABLE, FILE, reason=f"UTF-8? {broken}")
        return []
    try:
        return _rows(csv.DictReader(io.StringIO(text, newline="")), report)
    except csv.Error as broken:
        report.error(LayerWord.FILE_UNREADABLE, FILE, reason=str(broken))
        return []


def _rows(table: csv.DictReader[str], report: Report) -> list[dict[str, str]]:
    absent = [name for name in COLUMNS if name not in (table.fieldnames or ())]
    for name in absent:
        report.error(LayerWord.PROPERTY_MISSING, FILE, property=name)
    if absent:
        return []
    rows: list[dict[str, str]] = []
    for found in table:
        row = {name: (found[name] or "").strip() for name in (*COLUMNS, *EXTRA) if name in found}
        label = f"{table.line_num}: {row['un_number']}"[:40]
        known = [r["un_number"] for r in rows]
        if _row_right(row, len(found) > len(table.fieldnames or ()), known, label, report):
            rows.append(row)
    return rows


def _row_right(
    row: Mapping[str, str], too_many: bool, known: Sequence[str], label: str, report: Report
) -> bool:
    before = len(report.errors)
    if too_many:  # a comma that should stand between quotes shifts every value behind it
        report.error(LayerWord.PROPERTY_WRONG, FILE, label, property=",", value=",", expected='"…,…"')
    for name in row:
        if not row[name] and name not in OPTIONAL:
            report.error(LayerWord.PROPERTY_MISSING, FILE, label, property=name)
        elif len(row[name]) > _LONGEST.get(name, 200):
            limit = _LONGEST.get(name, 200)
            report.error(
                LayerWord.PROPERTY_TOO_LONG, FILE, label, property=name, length=len(row[name]), limit=limit
            )
    for name in _wrong(row):
        report.error(
            LayerWord.PROPERTY_WRONG, FILE, label, property=name, value=row[name], expected=_EXPECTED[name]
        )
    if row["un_number"] in known:
        report.error(LayerWord.CODE_TWICE, FILE, label, code=row["un_number"])
    return len(report.errors) == before


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
    if row["packing_group"] not in ("", "I", "II", "III"):
        yield "packing_group"
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
