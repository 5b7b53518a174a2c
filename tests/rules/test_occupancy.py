"""How long a bay counts as taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parking.rules.occupancy import AHEAD, GRACE, Stay, period
from parking.rules.substance import single
from parking.vocabulary import OPEN_VISIT, VisitState

NOW = datetime(2026, 3, 2, tzinfo=UTC)
minutes = st.integers(-2000, 2000).map(lambda n: NOW + timedelta(minutes=n))


def stay(begin: datetime, state: VisitState | None) -> Stay:
    end = begin + timedelta(hours=2)
    return Stay(1, 1, 1, "p", single("3"), 0.0, *period(begin, end), end, state)


@given(minutes, minutes, st.sampled_from(sorted(OPEN_VISIT)))
def test_while_the_vehicle_is_here_its_bay_is_never_free_now(begin, now, state):
    if stay(begin, state).inside or begin <= now:
        assert stay(begin, state).overlaps(now, now + timedelta(seconds=1), now)


@given(minutes, minutes, st.sampled_from([None, *VisitState]))
def test_a_bay_is_never_free_earlier_than_planned_while_the_hold_lives(begin, now, state):
    until = stay(begin, state).until(now)
    assert until is None or until >= stay(begin, state).ends


def test_an_overdue_vehicle_takes_its_bay_for_ever():
    late = stay(NOW, VisitState.PARKED)
    after = NOW + timedelta(hours=2) + GRACE + timedelta(seconds=1)
    assert late.until(after) is None
    assert late.overlaps(after + timedelta(days=300), None, after)


@pytest.mark.parametrize("state", [None, VisitState.PARKED])
def test_in_time_the_next_may_follow_after_the_grace(state):
    first = stay(NOW, state)
    ends = NOW + timedelta(hours=2) + GRACE
    assert not first.overlaps(ends, ends + timedelta(hours=1), NOW)
    assert first.overlaps(ends - timedelta(seconds=1), ends, NOW)
    assert AHEAD <= GRACE
