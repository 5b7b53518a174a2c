"""The recorded day, played through the real doors: exactly the offences that were committed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from parking.models import Booking, FixRow, Letter, Vehicle, Violation, Visit
from tests.journeys.conftest import ROOT, wait_for
from workers.demo import day
from workers.jt808.framing import unescape
from workers.jt808.location import Batch, Location
from workers.jt808.messages import decode

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

#: What the recording shows; nobody else offends.
OFFENCES = {
    ("豫H58218", "ring_unbooked"): 1,
    ("晋M71202", "speeding"): 1,
    ("晋M71203", "ring_off_route"): 1,
    ("晋M71204", "boundary_crossing"): 1,
    ("晋M71204", "route_deviation"): 1,
    ("晋M71205", "overstay"): 1,
    ("晋M71207", "ring_stop"): 1,
}


def positions():
    """How many positions the recording holds."""
    count = 0
    for truck in day.read(ROOT / day.FOLDER).trucks:
        for said in truck.said:
            value = decode(unescape(said.frame[1:-1])[:-1]).value
            count += isinstance(value, Location)
            count += len(value.locations) if isinstance(value, Batch) else 0
    return count


def play(house):
    env = {**os.environ, **house.environment, "HAZPARK_DATA": str(house.data)}
    return subprocess.run(
        [sys.executable, "-m", "workers", "demo", "--rate", "400"],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=380,
    )  # fmt: skip


def test_the_day_shows_what_was_done_and_accuses_nobody_else(house):
    played = play(house)
    assert played.returncode == 0, played.stdout + played.stderr
    assert json.loads(played.stdout)["troubles"] == []
    with Session(house.engine) as session:
        rows = session.execute(select(Vehicle.plate, Violation.kind).join(Vehicle)).all()
        found = Counter((plate, kind) for plate, kind in rows if kind != "lost_signal")
        assert found == OFFENCES
        assert session.scalar(select(func.count()).select_from(FixRow)) == positions()
        states = Counter(session.scalars(select(Visit.state)))
        assert sum(states.values()) == 9
        assert set(states) <= {"exited", "closed", "closed_inferred"}  # some were seen to leave the ring
        assert Counter(session.scalars(select(Booking.state)))["used"] == 9
    wait_for(lambda: _undone(house) == 0, 20)


def _undone(house) -> int:
    with Session(house.engine) as session:
        return session.scalar(select(func.count(Letter.id)).where(Letter.done_at.is_(None))) or 0
