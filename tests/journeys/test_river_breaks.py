"""kill -9 of whatever is in the way, at random instants under load: what was answered is there, once.

The long run, and the speed, is ``make chaos`` and ``make bench``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[2]


def test_no_answered_fix_is_lost_or_doubled_and_no_violation_either(tmp_path):
    command = [
        sys.executable, str(ROOT / "tests" / "bench" / "river.py"), "--runs", "chaos", "--vehicles", "600",
        "--sockets", "60", "--rate", "120", "--seconds", "16", "--kill", "2.5", "--through", "120",
        "--sample", "60", "--out", str(tmp_path / "river.json"),
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "river.json").read_text())["chaos"]
    assert len(found["kills"]) >= 3 and found["acknowledged"] > 100, found
    broken = ("unanswered", "doubled", "acknowledged_and_lost", "missed", "invented", "doubled_violations")
    assert {name: found[name] for name in broken} == dict.fromkeys(broken, 0), found
