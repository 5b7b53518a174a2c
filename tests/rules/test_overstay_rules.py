"""Two clocks and a ladder, whatever the numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from parking.rules.overstay import Clock, judge
from parking.rules.policy import Policy
from parking.vocabulary import Rung

NOW = datetime(2026, 3, 2, tzinfo=UTC)
moments = st.integers(-3000, 3000).map(lambda n: NOW + timedelta(minutes=n))
policies = st.builds(
    Policy,
    park_stay_h=st.floats(0.5, 48),
    overstay_grace_min=st.floats(0, 120),
    tell_dispatcher_min=st.floats(0, 60),
    tell_supervisor_min=st.floats(60, 120),
    tell_enforcement_min=st.floats(120, 240),
)


@given(moments, moments, st.integers(0, 3000), st.integers(0, 3000), policies)
def test_what_has_begun_goes_on_and_only_climbs(window_end, admitted, wait, more, policy):
    earlier = judge(window_end, admitted, NOW + timedelta(minutes=wait), policy)
    later = {o.clock: o for o in judge(window_end, admitted, NOW + timedelta(minutes=wait + more), policy)}
    for overstay in earlier:
        after = later[overstay.clock]
        assert after.started_at == overstay.started_at
        assert after.rungs[: len(overstay.rungs)] == overstay.rungs


@given(moments, moments, policies)
def test_nothing_begins_before_it_is_due(window_end, admitted, policy):
    for overstay in judge(window_end, admitted, NOW, policy):
        assert overstay.limit_at <= overstay.started_at < NOW


def test_the_bay_has_a_grace_the_park_has_none():
    admitted = NOW - timedelta(hours=6)
    assert judge(NOW, admitted, NOW, Policy()) == []
    (park,) = judge(NOW, admitted, NOW + timedelta(minutes=15), Policy())
    assert (park.clock, park.rungs) == (Clock.PARK, (Rung.DISPATCHER,))
    both = judge(NOW, admitted, NOW + timedelta(minutes=16), Policy())
    assert {o.clock for o in both} == {Clock.BAY, Clock.PARK}


def test_who_never_entered_overstays_nowhere():
    assert judge(NOW, None, NOW + timedelta(days=9), Policy()) == []


@given(moments, moments, st.floats(0.1, 48), policies)
def test_each_clock_runs_for_itself_from_the_entry_of_this_visit(window_end, admitted, zone_h, policy):
    """Another booking end moves only the bay's clock, another entry only the others', a zone only its own."""
    found = {o.clock: o for o in judge(window_end, admitted, NOW, policy, zone_h)}
    other_end = {o.clock: o for o in judge(window_end + timedelta(hours=1), admitted, NOW, policy, zone_h)}
    assert all(found.get(c) == other_end.get(c) for c in (Clock.PARK, Clock.ZONE))
    no_zone = {o.clock: o for o in judge(window_end, admitted, NOW, policy)}
    assert all(found.get(c) == no_zone.get(c) for c in (Clock.PARK, Clock.BAY))
    for clock, allowed in ((Clock.PARK, policy.park_stay_h), (Clock.ZONE, zone_h)):
        due = admitted + timedelta(hours=allowed)
        assert (clock in found) == (due < NOW)
        assert clock not in found or found[clock].started_at == due
