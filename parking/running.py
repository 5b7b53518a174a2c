"""What the supervisor wrote down about the run on this data folder, for tools started beside it.

``var/run/state.json`` (mode 0600) names the processes, the ports and the addresses of the servers, so
that ``python -m workers demo`` or ``python -m parking …`` in a second terminal find the same house.
"""

from __future__ import annotations

import json
import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

STATE = Path("run") / "state.json"


def read(data: Path) -> dict[str, Any]:
    """The state of the run; empty when there was none."""
    try:
        state = json.loads((data / STATE).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return state if isinstance(state, dict) else {}


def write(data: Path, state: dict[str, Any]) -> None:
    """Replace the state in one step: a reader sees the old one or the new one, whole."""
    path = data / STATE
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(state, ensure_ascii=False, indent=1))
    fresh.chmod(0o600)
    fresh.replace(path)


def forget(data: Path) -> None:
    (data / STATE).unlink(missing_ok=True)


def adopt(env: MutableMapping[str, str] | None = None) -> bool:
    """Fill settings that the environment leaves open from the running house. False when none runs.

    Call it first thing in a command line tool, before Settings.from_env().
    """
    target: MutableMapping[str, str] = os.environ if env is None else env
    state = read(Path(target.get("HAZPARK_DATA") or "var"))
    if not alive(state.get("supervisor")):
        return False
    for name, value in state.get("environment", {}).items():
        target.setdefault(name, value)
    return True


def alive(pid: Any) -> bool:
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
