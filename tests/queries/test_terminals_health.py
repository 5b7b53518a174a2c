"""How often each terminal was not believed, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from parking.queries import terminals_health
from parking.services import park, terminals, tracking
from parking.services.tracking import TerminalFix
from parking.vocabulary import Mark
from tests import land
from tests.land import START, drive, fix

GOOD, BAD, QUIET = "13900000001", "13900000002", "13900000003"


@pytest.fixture
def loaded(session):
    park.load(session, land.park(), [], START, "test")
    for number, phone in enumerate((GOOD, BAD, QUIET)):
        terminals.register(session, phone, f"晋M0000{number}", 2, START)
    return session


def take(session, phone, fixes):
    batch = [TerminalFix(phone, n, 0, f) for n, f in enumerate(fixes)]
    tracking.take(session, batch, START + timedelta(hours=1))


def test_each_reason_is_counted_per_terminal_and_the_worst_comes_first(loaded):
    take(loaded, GOOD, drive([(0, 0), (0, 300)]))
    spoilt = [fix(0, 0, 10 * n, 20) for n in range(4)]
    take(
        loaded,
        BAD,
        [*spoilt, replace(fix(0, 0, 60), located=False), replace(fix(0, 0, 70), lon=0.0, lat=0.0)],
    )
    first, *others = terminals_health.of_terminals(loaded, START, START + timedelta(hours=1))
    assert (first.phone, first.plate, first.total, first.unbelieved) == (BAD, "晋M00001", 6, 5)
    assert first.marks == {Mark.FROZEN: 3, Mark.NOT_LOCATED: 1, Mark.NULL_ISLAND: 1}
    assert first.share() == pytest.approx(5 / 6) and first.share(Mark.FROZEN) == 0.5
    assert [(t.phone, t.unbelieved) for t in others] == [(GOOD, 0), (QUIET, 0)]
    assert others[1].share() == 0.0 and others[1].newest is None


def test_late_and_repeated_fixes_speak_against_nobody(loaded):
    take(loaded, GOOD, [fix(0, 0, 0, 20), fix(0, 50, 10, 20)])
    take(loaded, GOOD, [fix(0, 25, 5, 20)])
    health = terminals_health.of_terminals(loaded, START, START + timedelta(hours=1))[0]
    assert health.marks == {Mark.LATE: 1} and health.unbelieved == 0


def test_only_the_asked_period_is_counted(loaded):
    take(loaded, GOOD, [fix(0, 0, 0, 20), fix(0, 3000, 600, 20)])
    (found, *_) = terminals_health.of_terminals(loaded, START, START + timedelta(seconds=600))
    assert (
        sum(t.total for t in terminals_health.of_terminals(loaded, START, START + timedelta(seconds=600)))
        == 1
    )
    assert found.total in (0, 1)
