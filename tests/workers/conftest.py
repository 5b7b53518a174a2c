"""What stories about processes begin with."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from parking.db import transaction
from parking.services import park as parks
from tests import land


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: sockets lie in it."""
    made = Path(tempfile.mkdtemp(prefix="hz-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def loaded(engine: Engine) -> Engine:
    """The little park in a database of its own, to which other sessions commit."""
    with transaction(engine) as session:
        parks.load(session, land.park(), [], land.START, "test")
    return engine
