"""Stories about layers begin with a copy of the park we ship."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.demo_park import DEMO


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEMO, tmp_path / "park"))
