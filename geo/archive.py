"""Archives (zipped Shapefiles, KMZ) unpacked into a folder of ours, counted byte by byte.

GDAL never opens an archive itself: it would follow whatever driver a part asks for, and believe the sizes
the archive claims. Only the parts a drawing consists of are taken out, under names of ours.
"""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from geo.report import LayerReason, LayerWord, Report

#: What an archive may grow to when it is unpacked, and how many parts it may have.
UNPACKED_LIMIT_MB = 200
PARTS_LIMIT = 500
ARCHIVES = (".zip", ".kmz")
_SHAPEFILE = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_CHUNK = 1 << 16


#: What reading a damaged archive raises, its decompressors included.
_BROKEN = (
    *(OSError, ValueError, RuntimeError, NotImplementedError, EOFError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
)


class _TooMuch(Exception):
    """The archive holds more than it may."""


def unpacked(path: Path, folder: Path, report: Report) -> Path | None:
    """The drawing inside ``path`` as a file in ``folder``; None and a complaint when there is no safe one.

    Anything that is no archive is handed back as it is.
    """
    if path.suffix.lower() not in ARCHIVES:
        return path
    try:
        with zipfile.ZipFile(path) as archive:
            return _unpack(archive, path, folder, report)
    except _TooMuch:
        report.error(
            LayerWord.FILE_TOO_LARGE, path.name, megabytes=f"> {UNPACKED_LIMIT_MB}", limit=UNPACKED_LIMIT_MB
        )
    except _BROKEN as broken:
        report.error(LayerWord.FILE_UNREADABLE, path.name, reason=str(broken)[:300])
    return None


def _unpack(archive: zipfile.ZipFile, path: Path, folder: Path, report: Report) -> Path | None:
    parts = archive.infolist()
    if len(parts) > PARTS_LIMIT:
        report.error(LayerWord.ARCHIVE_PARTS, path.name, count=len(parts), limit=PARTS_LIMIT)
        return None
    if (claimed := sum(part.file_size for part in parts) / 1e6) > UNPACKED_LIMIT_MB:
        report.error(LayerWord.FILE_TOO_LARGE, path.name, megabytes=round(claimed), limit=UNPACKED_LIMIT_MB)
        return None
    for part in parts:
        if reason := _unsafe(part):
            report.error(LayerWord.ARCHIVE_UNSAFE, path.name, part=_printable(part.filename), reason=reason)
            return None
    wanted = [p for p in parts if not p.is_dir() and not _noise(p.filename)]
    take = _kml if path.suffix.lower() == ".kmz" else _shapefile
    return take(archive, wanted, path, folder, report)


def _unsafe(part: zipfile.ZipInfo) -> LayerReason | None:
    """Why a part may not be unpacked: it points elsewhere, is a link, or is locked."""
    name = part.filename.replace("\\", "/")
    if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":" or "\x00" in part.orig_filename:
        return LayerReason.PATH_LEADS_OUT
    if stat.S_ISLNK(part.external_attr >> 16):
        return LayerReason.IS_A_LINK
    return LayerReason.IS_LOCKED if part.flag_bits & 0x1 else None


def _noise(name: str) -> bool:
    """What operating systems add."""
    return name.startswith("__MACOSX/") or PurePosixPath(name).name.startswith("._")


def _kml(
    archive: zipfile.ZipFile, parts: Sequence[zipfile.ZipInfo], path: Path, folder: Path, report: Report
) -> Path | None:
    """The archive's ``doc.kml``, else its first KML at the highest place, as the KMZ standard says.

    GDAL and QGIS write each layer into ``layers/`` and only links to them into ``doc.kml``.
    """
    drawings = [p for p in parts if p.filename.lower().endswith(".kml")]
    if not drawings:
        report.error(LayerWord.ARCHIVE_WITHOUT, path.name, expected=".kml")
        return None
    layered = {PurePosixPath(p.filename).stem: p for p in drawings if p.filename.startswith("layers/")}
    if len(layered) > 1 and path.stem not in layered:
        names = [_printable(name) for name in list(layered)[:20]]
        report.error(LayerWord.SEVERAL_LAYERS, path.name, names=names, expected=path.stem)
        return None
    first = min(drawings, key=lambda p: (p.filename.count("/"), p.filename.lower() != "doc.kml"))
    chosen = layered.get(path.stem) or next(iter(layered.values()), first)
    target = folder / f"{path.stem}.kml"
    _copy(archive, chosen, target, UNPACKED_LIMIT_MB * 1_000_000)
    return target


def _shapefile(
    archive: zipfile.ZipFile, parts: Sequence[zipfile.ZipInfo], path: Path, folder: Path, report: Report
) -> Path | None:
    """The archive's one Shapefile; of several, the one called like the archive."""
    drawings = {p.filename[:-4]: p for p in parts if p.filename.lower().endswith(".shp")}
    named = [stem for stem in drawings if PurePosixPath(stem).name == path.stem]
    stems = named if len(drawings) > 1 else list(drawings)
    if not drawings:
        report.error(LayerWord.ARCHIVE_WITHOUT, path.name, expected=".shp")
        return None
    if len(stems) != 1:
        names = [_printable(PurePosixPath(stem).name) for stem in list(drawings)[:20]]
        report.error(LayerWord.SEVERAL_LAYERS, path.name, names=names, expected=path.stem)
        return None
    left = UNPACKED_LIMIT_MB * 1_000_000
    for part in parts:
        suffix = part.filename[-4:].lower()
        if part.filename[:-4] == stems[0] and suffix in _SHAPEFILE:
            left -= _copy(archive, part, folder / f"{path.stem}{suffix}", left)
    return folder / f"{path.stem}.shp"


def _copy(archive: zipfile.ZipFile, part: zipfile.ZipInfo, target: Path, most: int) -> int:
    """Copy one part; raises _TooMuch when it is larger than it said and than ``most`` bytes."""
    with archive.open(part) as source, target.open("wb") as copy:
        return _count(source, copy, most)


def _count(source: IO[bytes], copy: IO[bytes], most: int) -> int:
    written = 0
    while chunk := source.read(_CHUNK):
        written += len(chunk)
        if written > most:
            raise _TooMuch
        copy.write(chunk)
    return written


def _printable(name: str) -> str:
    return "".join(sign if sign.isprintable() else "�" for sign in name)[:80]
