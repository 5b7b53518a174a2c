"""Whether a file is what its name says, and nothing that reaches out of itself.

GDAL chooses its driver by content: a file called ``boundary.kml`` may be a virtual data set that names
other files or addresses. So the content is looked at before GDAL sees it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.parsers import expat

from geo.report import LayerWord, Report

#: How deep a KML file may be nested.
DEPTH_LIMIT = 100
_SHP_MAGIC = b"\x00\x00\x27\x0a"
_GPKG_MAGIC = b"SQLite format 3\x00"
#: Elements that name other files or addresses to be read.
_LINKS = frozenset({"networklink", "networklinkcontrol", "import"})


class _Odd(Exception):
    """A KML file that is not taken: ``word`` says why."""

    def __init__(self, word: LayerWord) -> None:
        super().__init__(word)
        self.word = word


def content_right(path: Path, name: str, report: Report) -> bool:
    """Whether GDAL may see ``path``; complains under ``name``. GeoJSON is looked at where it is scanned."""
    check = _CHECKS.get(path.suffix.lower())
    try:
        word = check(path) if check else None
    except (OSError, expat.ExpatError, sqlite3.Error, ValueError, LookupError) as broken:
        report.error(LayerWord.FILE_UNREADABLE, name, reason=str(broken)[:300])
        return False
    if word is not None:
        report.error(word, name, expected=path.suffix.lower().lstrip("."))
    return word is None


def _kml(path: Path) -> LayerWord | None:
    """A document type (entity bombs, files of this machine), links to elsewhere, another root than KML."""
    depth = 0

    def begin(name: str, _attributes: Mapping[str, str]) -> None:
        nonlocal depth
        local = name.rpartition(":")[2].lower()
        if depth == 0 and local != "kml":
            raise _Odd(LayerWord.FORMAT_WRONG)
        if local in _LINKS:
            raise _Odd(LayerWord.LINKS_ELSEWHERE)
        depth += 1
        if depth > DEPTH_LIMIT:
            raise _Odd(LayerWord.NESTED_TOO_DEEP)

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def document_type(*_said: object) -> None:
        raise _Odd(LayerWord.XML_ENTITIES)

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.StartDoctypeDeclHandler = document_type
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except _Odd as odd:
        return odd.word
    return None


def _gpkg(path: Path) -> LayerWord | None:
    """No SQLite file, or one with virtual tables, which can stand for other files."""
    with path.open("rb") as file:
        if file.read(16) != _GPKG_MAGIC:
            return LayerWord.FORMAT_WRONG
    opened = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        made = [str(sql or "").lower() for (sql,) in opened.execute("SELECT sql FROM sqlite_master")]
    finally:
        opened.close()
    virtual = [sql for sql in made if "virtual table" in sql and "using rtree" not in " ".join(sql.split())]
    return LayerWord.LINKS_ELSEWHERE if virtual else None


def _shp(path: Path) -> LayerWord | None:
    with path.open("rb") as file:
        return None if file.read(4) == _SHP_MAGIC else LayerWord.FORMAT_WRONG


def _dxf(path: Path) -> LayerWord | None:
    """ASCII DXF begins with a group code line; GDAL does not read the binary kind."""
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith(b"AutoCAD Binary DXF"):
        return LayerWord.DXF_BINARY
    return None if b"SECTION" in head else LayerWord.FORMAT_WRONG


_CHECKS: Mapping[str, Callable[[Path], LayerWord | None]] = {
    ".kml": _kml,
    ".gpkg": _gpkg,
    ".shp": _shp,
    ".dxf": _dxf,
}
