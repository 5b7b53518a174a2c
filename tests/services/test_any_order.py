"""Whatever order fixes arrive in, the record ends up as if they had come one by one in order."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from geo.fix import Fix
from parking.models import Audit, FixRow, Letter, Notice, Passage, Violation, Watch
from parking.rules.monitor import Ground, Journey, State, judge
from parking.services import tracking
from parking.services.tracking import TerminalFix
from parking.vocabulary import Mark, ViolationState
from tests import land
from tests.truck_stories import PHONE, deliver, load
from tests.wild import Drive, drives

STRANGER = Journey(booked=False, loaded=None)
#: Fixes come at most this much later than the one that came first after them.
LATENESS_S = 900.0


@pytest.fixture(scope="module")
def on_record(servers):
    """One session for all examples; each begins with empty tables."""
    from sqlalchemy.orm import Session

    from parking import db

    name = servers.new_database()
    engine = db.make_engine(servers.url_of(name))
    with Session(engine, expire_on_commit=False) as session:
        load(session)
        session.commit()
        yield session
        session.rollback()
    engine.dispose()
    servers.drop(name)


def arrive(session, fixes: Sequence[Fix], seed: int) -> None:
    """Delayed, in batches of any size, the second judgings carried now and then, and at the end."""
    dice = random.Random(seed)
    now = fixes[-1].time + timedelta(seconds=LATENESS_S)
    stamped = [(f.time + timedelta(seconds=dice.choice([0, 0, dice.uniform(0, LATENESS_S)])), n, f)
               for n, f in enumerate(fixes)]  # fmt: skip
    waiting = [TerminalFix(PHONE, n, 0, f) for _, n, f in sorted(stamped, key=lambda s: s[:2])]
    while waiting:
        size = dice.randint(1, 25)
        tracking.take(session, waiting[:size], now)
        del waiting[:size]
        if dice.random() < 0.2:
            deliver(session, now)
    deliver(session, now)


def standing(session) -> set:
    session.expire_all()
    rows = session.scalars(select(Violation).where(Violation.state != ViolationState.REFUTED))
    return {
        (
            v.kind,
            v.subject,
            v.started_at,
            v.ended_at,
            v.certainty,
            v.lon,
            v.lat,
            json.dumps(v.facts, sort_keys=True),
        )
        for v in rows
    }


def passed(session) -> set:
    rows = session.scalars(select(Passage).where(Passage.refuted_at.is_(None)))
    return {(p.kind, p.subject, p.at, p.certainty, p.facts["direction"]) for p in rows}


def wanted(fixes: Sequence[Fix]) -> tuple[set, set, list]:
    """One at a time, in order, by the rules alone."""
    state, marks, found = State.new(), [], {}
    ground = Ground(land.park())
    for one in fixes:
        judged = judge(ground, state, [one], lambda _: STRANGER, one.time + timedelta(seconds=5))
        state = judged.state
        marks += judged.marks
        found.update({f.key: f for f in judged.findings})
    said = {
        (
            f.kind,
            f.subject,
            f.started_at,
            f.ended_at,
            f.certainty,
            f.lon,
            f.lat,
            json.dumps(dict(f.facts), sort_keys=True),
        )
        for f in found.values()
        if f.offence
    }
    seen = {
        (f.kind, f.subject, f.started_at, f.certainty, f.facts["direction"])
        for f in found.values()
        if not f.offence
    }
    return said, seen, marks


@example(drive=Drive(135595, 30.0, 25.0, 5), seed=23)  # where a crossing was proven only by late fixes
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a seed is not made simpler by making it smaller
)
@example(drive=Drive(seed=349, every_s=30.0, kmh=45.0, legs=5), seed=6368)  # a crossing placed only later
@given(drive=drives, seed=st.integers(0, 10_000))
def test_the_record_is_the_same_whatever_the_order_of_arrival(on_record, drive, seed):
    session, fixes = on_record, drive.fixes(60)
    for table in (Notice, Letter, Audit, Violation, Passage, FixRow, Watch):
        session.execute(delete(table))
    arrive(session, fixes, seed)
    said, seen, marks = wanted(fixes)
    assert standing(session) == said
    assert passed(session) == seen
    stored = session.scalars(select(FixRow.mark).order_by(FixRow.time)).all()
    assert [None if m == Mark.LATE else m for m in stored] == marks
