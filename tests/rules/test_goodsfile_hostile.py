"""Files a careless or hostile hand makes: each is told what is wrong, none stops the door."""

from __future__ import annotations

import zipfile

import pytest
from openpyxl import Workbook

from geo.report import LayerWord, Report
from parking.goodsfile import COLUMNS, read_file

HEAD = [*COLUMNS, "packing_group", "source"]


def line(n: int) -> list[str]:
    return [f"{n:04d}", f"货{n}", f"goods {n}", "3", "", "II", "test"]


def told(path):
    report = Report(most=1_000_000)
    rows = read_file(path, report)
    return rows, report.errors


def csv(tmp_path, text: str, encoding: str = "utf-8"):
    path = tmp_path / "list.csv"
    path.write_bytes(text.encode(encoding))
    return told(path)


def lines(*rows: list[str]) -> str:
    return "\n".join(",".join(row) for row in (HEAD, *rows))


def sheet(tmp_path, *rows: list[object]):
    book = Workbook()
    for row in (HEAD, *rows):
        book.active.append(row)
    book.save(tmp_path / "list.xlsx")
    return tmp_path / "list.xlsx"


def test_a_list_saved_with_a_mark_of_byte_order_is_read_and_one_in_gbk_is_not_guessed(tmp_path):
    assert len(csv(tmp_path, lines(line(1)), "utf-8-sig")[0]) == 1
    for encoding in ("gb18030", "utf-16"):
        rows, errors = csv(tmp_path, lines(line(1)), encoding)
        assert rows == [] and errors[0].word is LayerWord.FILE_UNREADABLE
        assert "UTF-8" in errors[0].facts["reason"]


def test_a_hundred_thousand_lines_are_told_one_by_one(tmp_path):
    """Telling each was once as slow as the square of their number."""
    rows, errors = csv(tmp_path, lines(*(line(n % 10_000) for n in range(100_000))))
    assert (len(rows), len(errors)) == (10_000, 90_000)
    assert {e.word for e in errors} == {LayerWord.CODE_TWICE}


@pytest.mark.parametrize("sign", ["\x00", "\x1b[31m", "\u202e", "\u200b", "\x7f"])
def test_what_nobody_sees_is_spelled_out_and_refused(tmp_path, sign):
    for column in (0, 1, 6):
        row = line(1)
        row[column] += sign
        rows, errors = csv(tmp_path, lines(row))
        assert rows == [] and errors, column
        assert all(str(e.facts.get("value", "")).isprintable() and e.feature.isprintable() for e in errors)


def test_a_formula_nobody_has_computed_is_an_empty_cell_and_refused(tmp_path):
    link = [*line(3)[:2], '=HYPERLINK("x")', *line(3)[3:]]
    rows, errors = told(sheet(tmp_path, ["=1+1", *line(2)[1:]], link))
    assert rows == []
    assert [e.facts["property"] for e in errors] == ["un_number", "name_en"]


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "[Content_Types].xml"])
@pytest.mark.parametrize("damage", ["half", "gone", "doctype"])
def test_a_damaged_sheet_is_refused_whatever_its_parser_says(tmp_path, part, damage):
    whole, broken = zipfile.ZipFile(sheet(tmp_path, line(1))), tmp_path / "broken.xlsx"
    bombs = b'<!DOCTYPE z [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    with zipfile.ZipFile(broken, "w") as out:
        for name in whole.namelist():
            data = whole.read(name)
            if name == part and damage == "gone":
                continue
            if name == part:
                data = data[: len(data) // 2] if damage == "half" else bombs + data
            out.writestr(name, data)
    rows, errors = told(broken)
    if damage == "doctype" and not errors:
        assert len(rows) == 1, "read as it was: nothing was expanded"
    else:
        assert rows == [] and errors[0].word is LayerWord.FILE_UNREADABLE
