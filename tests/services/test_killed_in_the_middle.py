"""Whoever serves a page is killed in the middle of an assignment: nothing is half done, nobody waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from sqlalchemy import func, select

from parking.db import transaction
from parking.models import Audit, Booking, Hold, Letter
from parking.services import bays
from parking.vocabulary import BookingState
from tests.factories import HERE, NOW, STAFF, booked, lot

pytestmark = pytest.mark.servers
#: Everything is written and the lot is locked; the process is killed before it can say so.
IN_THE_MIDDLE = """
import sys
from datetime import datetime
from parking import db
from parking.services import bays
now = datetime.fromisoformat(sys.argv[2])
with db.transaction() as session:
    bays.assign(session, int(sys.argv[1]), "B01", now, "dispatcher:wang", "test")
    session.flush()
    print("written", flush=True)
    sys.stdin.read()
"""


def test_a_worker_killed_with_everything_written_leaves_nothing_and_blocks_nobody(engine):
    with transaction(engine) as session:
        lot(session)
        first, second = booked(session).id, booked(session).id
        before = session.scalar(select(func.count(Letter.id)))
    worker = subprocess.Popen(
        [sys.executable, "-c", IN_THE_MIDDLE, str(first), NOW.isoformat()],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ),
    )  # fmt: skip
    assert worker.stdout is not None and worker.stdout.readline() == "written\n"
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    with transaction(engine) as session:
        assert session.get_one(Booking, first).state == BookingState.ENTERPRISE_APPROVED
        assert session.scalars(select(Hold)).all() == []
        assert session.scalar(select(func.count(Letter.id))) == before, "no letter about what did not happen"
        assert not session.scalars(select(Audit).where(Audit.action == "assign")).all()
        bays.assign(session, second, "B01", NOW, STAFF, HERE)  # waits for no lock of the dead
    with transaction(engine) as session:
        assert session.scalars(select(Hold.booking_id)).all() == [second]
