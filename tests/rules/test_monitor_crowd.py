"""Many at once, and what is known to stay calm is not asked: the answer is that of one rule at a time."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from geo.fix import FixColumns
from geo.shapes import LayerKind
from parking.rules import crowd as together
from parking.rules import plausibility, scene
from parking.rules.frozen import MOVING_BIT
from parking.rules.ground import Ground
from parking.rules.monitor import State, judge, judge_many
from parking.rules.policy import Policy
from parking.rules.sight import Timeline
from parking.rules.states import States
from tests.land import BOOKED, EMPTY, LATER, START, STRANGER, feature, fix, ground, park

#: Places where something may happen: gate, lot, dock, ring, corners, far outside.
SPOTS = ((0, -1400), (0, -1000), (0, -700), (0, -500), (0, -430), (0, 0), (0, 390), (-300, -325), (490, 0),
         (500, 500), (-505, 495), (300, 300), (0, 1000), (990, 990), (1800, 1800), (-497, -497))  # fmt: skip


@pytest.fixture(scope="module")
def land():
    return ground(
        feature(LayerKind.ZONE, "SLOW", box(140, 140, 260, 260), speed_limit_kmh=10),
        feature(LayerKind.BAY, "B1", box(-380, -380, -376, -360)),
        feature(LayerKind.BAY, "B2", box(-302, -335, -298, -315)),
    )


@pytest.fixture(scope="module")
def strange():
    """A control line with a policy of its own."""
    made = park()
    others = tuple(f for f in made.features if f.kind is not LayerKind.CONTROL_LINE)
    line = feature(LayerKind.CONTROL_LINE, "CL", box(-1000, -1000, 1000, 1000), ring_stop_s=30)
    milder = Policy.from_mapping({"ring_off_route": False, "ring_unbooked": False, "ring_stop_empty": False})
    return Ground(replace(made, features=(*others, line)), milder)


@st.composite
def tracks(draw):
    """A vehicle that goes from spot to spot, stands, jumps, says nonsense, in uneven time."""
    x, y = draw(st.sampled_from(SPOTS))
    at, fixes = 0.0, []
    for _ in range(draw(st.integers(1, 25))):
        way = draw(st.integers(0, 9))
        if way == 0:
            x, y = draw(st.sampled_from(SPOTS))
        elif way < 7:
            x += draw(st.sampled_from((-180, -40, -12, 0, 3, 14, 60, 200)))
            y += draw(st.sampled_from((-180, -40, -12, 0, 3, 14, 60, 200)))
        at += draw(st.sampled_from((0, 1, 5, 10, 20, 30, 61, 130, 400)))
        speed = draw(st.sampled_from((None, 0.0, 2.0, 20.0, 32.0, 36.0, 70.0)))
        alarm = draw(st.sampled_from((0, 0, 0, 0, 0, 1, 1 << 26)))
        located = draw(st.integers(0, 14)) > 0
        status = draw(st.sampled_from((0, 0, 0, MOVING_BIT)))
        odometer = draw(st.sampled_from((None, None, None, at / 100)))
        fixes.append(fix(x, y, at, speed, alarm=alarm, located=located, status=status, odometer_km=odometer))
    return fixes


IN_BAY = replace(BOOKED, visit_id=1, bay="B1")
JOURNEYS = st.sampled_from((BOOKED, EMPTY, STRANGER, replace(BOOKED, routes=()), IN_BAY))


def slowly(land, state, fixes, journey_at, monkeypatch):
    """Every rule asked about every fix."""
    with monkeypatch.context() as patch:
        see = scene.see
        patch.setattr(scene, "see", lambda *a: replace(see(*a), calm=np.zeros(len(a[1].at), dtype=np.uint8)))
        return judge(land, state, fixes, journey_at, LATER)


#: From how many vehicles on they are followed together.
FEWS = st.sampled_from((1, together.FEW))


@settings(max_examples=300)
@given(fixes=tracks(), journey=JOURNEYS, few=FEWS)
def test_what_is_left_out_would_have_said_nothing(land, fixes, journey, few):
    with pytest.MonkeyPatch.context() as patch:
        expected = slowly(land, State.new(), fixes, lambda _: journey, patch)
        patch.setattr(together, "FEW", few)
        assert judge(land, State.new(), fixes, lambda _: journey, LATER) == expected


@settings(max_examples=100)
@given(fixes=tracks(), journey=JOURNEYS, few=FEWS)
def test_nor_where_a_line_sets_its_own_policy(strange, fixes, journey, few):
    with pytest.MonkeyPatch.context() as patch:
        expected = slowly(strange, State.new(), fixes, lambda _: journey, patch)
        patch.setattr(together, "FEW", few)
        assert judge(strange, State.new(), fixes, lambda _: journey, LATER) == expected


@settings(max_examples=150)
@given(fixes=tracks(), cut=st.integers(0, 25), first=JOURNEYS, then=JOURNEYS)
def test_cut_anywhere_and_written_down_between_the_answer_is_the_same(land, fixes, cut, first, then):
    turn = START + timedelta(seconds=60)
    timeline = Timeline((0.0, turn.timestamp()), (first, then))
    whole = judge(land, State.new(), fixes, timeline, LATER)
    head = judge(land, State.new(), fixes[:cut], lambda at: first if at < turn else then, LATER)
    tail = judge(land, State.from_json(head.state.to_json()), fixes[cut:], timeline, LATER)
    assert tail.state == whole.state
    assert head.marks + tail.marks == whole.marks
    last = {f.key: f for f in (*head.findings, *tail.findings)}
    assert last == {f.key: f for f in whole.findings}


@settings(max_examples=40)
@given(st.lists(st.tuples(tracks(), JOURNEYS), min_size=1, max_size=6), st.sampled_from((1, 3, together.FEW)))
def test_many_vehicles_at_once_are_judged_as_one_by_one(land, crowd, few):
    timelines = [Timeline((0.0,), (journey,)) for _, journey in crowd]
    columns = FixColumns.of([fixes for fixes, _ in crowd])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(together, "FEW", few)
        many = judge_many(land, [State.new()] * len(crowd), columns, timelines, LATER)
    for n, ((fixes, _), timeline) in enumerate(zip(crowd, timelines, strict=True)):
        one = judge(land, State.new(), fixes, timeline, LATER)
        assert many.states[n] == one.state
        assert tuple(plausibility.MARKS[m] for m in many.marks[columns.vehicle == n].tolist()) == one.marks
        assert [f for v, f in many.findings if v == n] == list(one.findings)


@settings(max_examples=60)
@given(crowd=st.lists(tracks(), min_size=1, max_size=4), cut=st.integers(0, 25), few=FEWS)
def test_states_kept_as_rows_go_on_as_the_states_they_are(land, crowd, cut, few):
    journeys = [Timeline((0.0,), (BOOKED,))] * len(crowd)
    heads, tails = (
        FixColumns.of([fixes[part] for fixes in crowd]) for part in (slice(cut), slice(cut, None))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(together, "FEW", few)
        head = judge_many(land, States.new(len(crowd)), heads, journeys, LATER).states
        plain = [State.from_json(state.to_json()) for state in head]
        assert list(States.of(plain)) == plain == list(head)
        one, other = (judge_many(land, states, tails, journeys, LATER) for states in (head, plain))
    assert list(one.states) == list(other.states)
    assert one.findings == other.findings
    assert one.marks.tolist() == other.marks.tolist()


@given(fixes=tracks())
def test_marks_by_arrays_are_the_marks_one_by_one(land, fixes):
    columns = FixColumns.of([fixes])
    found = [plausibility.MARKS[m] for m in plausibility.marks(columns, land, LATER).tolist()]
    assert found == [plausibility.mark(f, land, LATER) for f in fixes]
