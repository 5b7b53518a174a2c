"""The site the web tests visit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.visitors import Site, close_site, open_site


@pytest.fixture
def site(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    made = open_site(database_url, redis_url, tmp_path)
    yield made
    close_site(made)
