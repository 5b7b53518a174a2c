"""Tables for spreadsheet programs: CSV and XLSX in which no cell is ever a formula.

What a driver typed into a form ends up in these files; a text such as ``=HYPERLINK(…)`` would be carried out
by the program that opens it (OWASP: CSV injection).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

#: What makes a spreadsheet program take a text for a formula, spaces and quotes before it included.
_STARTERS = "=+-@\t\r\n＝＋－＠"
#: The longest text a cell of XLSX holds.
_LONGEST = 32_767


def as_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """UTF-8 with a mark, so that Chinese texts open readably; texts that could be formulas begin with '."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow([_text(name) for name in header])
    writer.writerows([_text(value) for value in row] for row in rows)
    return buffer.getvalue().encode("utf-8-sig")


def as_xlsx(header: Sequence[str], rows: Iterable[Sequence[Any]], title: str) -> bytes:
    """One sheet; numbers are numbers, everything else is a text and never a formula."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title=title[:31])
    sheet.append([_cell(sheet, name) for name in header])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    text = str(value).replace("\x00", "")
    return (
        f"'{text}" if text.lstrip(" \"'\u3000\u00a0\ufeff")[:1] in tuple(_STARTERS) and text.strip() else text
    )


def _cell(sheet: Any, value: Any) -> Any:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return WriteOnlyCell(sheet, value=value)
    cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("", str(value))[:_LONGEST])
    cell.data_type = "s"
    return cell
