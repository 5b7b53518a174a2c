"""A long replay in parts: every worker takes the next, none is judged twice, the sum is the whole."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from geo.shapes import LayerKind
from parking import db, outbox
from parking.cli.spread import spread
from parking.models import LayerVersion, Letter, ReplayPart
from parking.refused import Refused
from parking.rules.whatif import with_layer
from parking.services import park, replays, whatif
from tests import land
from tests.land import LATER
from tests.rules.test_whatif import WIDER
from tests.services.test_replay import ASKED, fill
from workers import routing


@pytest.fixture
def version(engine):
    """Fixes of two vehicles judged under the narrow line; the number of the wider line's version."""
    with db.transaction(engine) as session:
        fill(session)
        park.load(session, with_layer(land.park(), LayerKind.CONTROL_LINE, [WIDER]), [], LATER, "test")
        newest = select(LayerVersion.id).where(
            LayerVersion.kind == "control_line", LayerVersion.withdrawn_at.is_(None)
        )
        return session.scalars(newest.order_by(LayerVersion.id.desc())).first()


def work(engine):
    """What two workers do with the letters they are given, at once."""
    with db.transaction(engine) as session:
        letters = session.scalars(select(Letter.id).where(Letter.name == "replay_asked")).all()

    def carry():
        for letter in letters:
            with db.transaction(engine) as session:
                if outbox.attempt(session, letter):
                    routing.carry(session, letter, LATER)

    workers = [threading.Thread(target=carry) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def test_the_parts_add_up_to_the_whole(engine, version, monkeypatch):
    monkeypatch.setattr(replays, "VEHICLES", 1)
    with db.transaction(engine) as session:
        whole = whatif.replay(session, ASKED, whatif.park_with_version(session, version))
        run = replays.ask(session, ASKED, version, None, "test", LATER)
        assert replays.progress(session, run) == replays.Progress(0, 2, 0)
    work(engine)
    with db.transaction(engine) as session:
        assert replays.progress(session, run) == replays.Progress(2, 2, whole.fixes)
        parts = replays.results(session, run)
        assert [d for part in parts for d in part.result["differences"]] == whatif.told(whole)


def test_a_part_that_is_judged_already_is_left_alone(engine, version):
    with db.transaction(engine) as session:
        run = replays.ask(session, ASKED, version, None, "test", LATER)
    work(engine)
    with db.transaction(engine) as session:
        part = session.scalars(select(ReplayPart).where(ReplayPart.run_id == run)).first()
        replays.judge_part(session, part.id, LATER + timedelta(days=1))
        assert part.done_at == LATER


def test_a_version_nobody_drew_is_refused(engine, version):
    with db.transaction(engine) as session, pytest.raises(Refused):
        replays.ask(session, ASKED, 999_999, None, "test", LATER)


def test_the_command_waits_for_the_workers_and_adds_up(database_url, engine, version):
    told = []
    worker = threading.Timer(0.7, work, [engine])
    worker.start()
    found = spread(ASKED, version, None, lambda done, parts: told.append((done, parts)))
    worker.join()
    with db.transaction(engine) as session:
        whole = whatif.replay(session, ASKED, whatif.park_with_version(session, version))
    assert (found["vehicles"], found["fixes"]) == (2, whole.fixes)
    assert found["counts"] == whole.counts() and told[-1] == (1, 1)
