"""One log per process, cut before it fills the disk."""

from __future__ import annotations

import shutil
from collections import deque
from pathlib import Path

LARGEST = 10 * 1024 * 1024
KEPT = 3


def cut(path: Path | None, largest: int = LARGEST) -> bool:
    """Move a log that grew too large aside (``.1`` is the youngest) and empty it in place.

    Its writer appends and keeps the file open, so the file itself stays.
    """
    if path is None:
        return False
    try:
        if path.stat().st_size < largest:
            return False
    except FileNotFoundError:
        return False
    for n in range(KEPT - 1, 0, -1):
        older = path.with_name(f"{path.name}.{n}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{n + 1}"))
    shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    with path.open("r+b") as file:
        file.truncate(0)
    return True


def last_words(path: Path | None, lines: int = 1) -> str:
    """The last lines of a log, or nothing."""
    if path is None:
        return ""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return "\n".join(line.rstrip() for line in deque((x for x in file if x.strip()), lines))
    except FileNotFoundError:
        return ""
