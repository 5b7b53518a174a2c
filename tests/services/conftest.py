"""Stories about a vehicle or its terminal begin with one that is registered in the little park."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from parking.models import Terminal
from parking.services import park as parks
from parking.services import terminals
from tests import land
from tests.terminal_stories import NOW, PHONE
from tests.truck_stories import load


@pytest.fixture
def terminal(session) -> Terminal:
    parks.load(session, land.park(), [], land.START, "test")
    terminals.register(session, PHONE, "晋M12345", 2, NOW, version="2013", device_id="A1")
    found = session.scalars(select(Terminal)).one()
    found.last_seen_at = NOW
    session.flush()
    return found


@pytest.fixture
def loaded(session):
    """The little park and one truck."""
    load(session)
    return session
