"""Tracks as CSV: comma, semicolon, tab or bar; columns by the names in the header."""

from __future__ import annotations

import codecs
import csv
import itertools
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from parking.fixvalues import shown
from parking.refused import Refused, no
from parking.trackfiles.rows import Row
from parking.vocabulary import FixFault

_DELIMITERS = ",;\t|"


def rows(lines: TextIO, names: Mapping[str, tuple[str, ...]], needed: Sequence[str]) -> Iterator[Row]:
    """The rows under the header; ``names``: our field → headings that mean it, bare.

    Raises Refused when the header cannot be understood, csv.Error where the text is no table.
    """
    first = lines.readline()
    reader = csv.reader(itertools.chain([first], lines), delimiter=max(_DELIMITERS, key=first.count))
    columns = _columns(next(reader, []), names, needed)
    for row in reader:
        if any(cell.strip() for cell in row):
            said = {field: row[n].strip() for field, n in columns.items() if n < len(row)}
            yield Row(reader.line_num, said)


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


def _columns(
    header: Sequence[str], names: Mapping[str, tuple[str, ...]], needed: Sequence[str]
) -> Mapping[str, int]:
    """Our field → column. Every field at most once."""
    found: dict[str, list[int]] = {}
    for n, heading in enumerate(header):
        for field, meant in names.items():
            if _bare(heading) in meant:
                found.setdefault(field, []).append(n)
    reasons = [
        no(FixFault.COLUMN_TWICE, "file", field_name=f, found=", ".join(shown(header[n]) for n in ns))
        for f, ns in found.items()
        if len(ns) > 1
    ]
    said = shown(", ".join(header)) or "–"
    reasons += [
        no(FixFault.COLUMN_ABSENT, "file", field_name=f, found=said, names=", ".join(names[f]))
        for f in needed
        if f not in found
    ]
    if reasons:
        raise Refused(*reasons)
    return {field: ns[0] for field, ns in found.items()}


def _bare(heading: str) -> str:
    text = unicodedata.normalize("NFKC", heading).casefold()
    return re.sub(r"[\s_\-/·.]", "", re.sub(r"\(.*?\)", "", text))
