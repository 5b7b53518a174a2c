"""What the tests of the rules share."""

import pytest

from parking.rules.ground import Ground
from tests.land import ground


@pytest.fixture(scope="module")
def land() -> Ground:
    """The little park the tests drive in, as it is drawn."""
    return ground()
