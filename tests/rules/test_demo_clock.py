"""Park time never runs backwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from parking import clock
from parking.clock import DemoClock

REAL = st.floats(0, 1e5)


@given(st.floats(0, 1e9), st.floats(1, 1000), st.floats(0, 1e6), REAL, REAL)
def test_later_is_later(start, rate, span, one, other):
    running = DemoClock(1000.0, start, rate, start + span)
    early, late = sorted((one, other))
    assert running.at(1000 + early) <= running.at(1000 + late)


def test_it_runs_fast_and_then_keeps_its_lead():
    running = DemoClock(real_start=100.0, park_start=5000.0, rate=60.0, park_end=5600.0)
    assert running.at(105.0) == 5300.0
    assert running.at(110.0) == 5600.0
    assert running.at(130.0) == 5620.0


def test_without_a_file_the_system_clock_holds(monkeypatch):
    monkeypatch.delenv("HAZPARK_CLOCK_FILE", raising=False)
    assert clock.demo_clock() is None
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 1


def test_the_file_is_read_again_when_it_changes(monkeypatch, tmp_path):
    path = tmp_path / "clock.json"
    monkeypatch.setenv("HAZPARK_CLOCK_FILE", str(path))
    DemoClock(0.0, 1e9, 1.0, 1e9).write(path)
    first = clock.now()
    DemoClock(0.0, 2e9, 1.0, 2e9).write(path)
    assert json.loads(path.read_text())["park_start"] == 2e9
    assert clock.now() > first


def test_the_pace_is_that_of_the_demo_while_it_runs_and_real_afterwards():
    demo = DemoClock(real_start=1000.0, park_start=0.0, rate=60.0, park_end=600.0)
    assert [demo.pace(real) for real in (999.0, 1000.0, 1009.9, 1010.0)] == [1.0, 60.0, 60.0, 1.0]
