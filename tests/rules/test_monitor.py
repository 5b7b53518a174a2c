"""A violation is evidence: it must not be missed, and must not be invented."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parking.rules.monitor import State, judge, rejudge, still
from parking.vocabulary import Certainty, Mark, PassageKind, ViolationKind
from tests.land import (
    BOOKED,
    EMPTY,
    LATER,
    START,
    STRANGER,
    after,
    drive,
    fix,
    ground,
    judged,
    kinds,
    offences,
    stand,
)

IN_BY_GATE = [(0, -1200), (0, 300)]


def test_the_approved_way_in_is_no_offence(land):
    result = judged(land, drive(IN_BY_GATE))
    assert [f for f in result.findings if f.offence] == []
    assert kinds(result.findings) == ["boundary_at_gate", "control_line_crossing"]


def test_crossing_the_control_line_on_the_route_is_an_event_with_its_document(land):
    found = judged(land, drive([(0, -1200), (0, -800)])).findings
    assert [f.kind for f in found] == [PassageKind.CONTROL_LINE_CROSSING]
    assert found[0].facts["on_route"] is True
    assert found[0].facts["document"] == "某函〔2023〕1号"
    assert found[0].facts["direction"] == "in"


def test_crossing_the_boundary_away_from_any_gate_is_an_offence(land):
    found = offences(land, drive([(-300, -450), (-300, -600)]))
    assert ViolationKind.BOUNDARY_CROSSING in {f.kind for f in found}
    crossing = next(f for f in found if f.kind is ViolationKind.BOUNDARY_CROSSING)
    assert crossing.facts["direction"] == "out"
    assert crossing.certainty is Certainty.CERTAIN


def test_the_crossing_is_placed_on_the_line(land):
    found = offences(land, drive([(-300, -420), (-300, -600)], every_s=7))
    crossing = next(f for f in found if f.kind is ViolationKind.BOUNDARY_CROSSING)
    expected = fix(-300, -500, 0)
    assert crossing.lat == pytest.approx(expected.lat, abs=1e-6)
    assert crossing.lon == pytest.approx(expected.lon, abs=1e-6)


def test_a_hazmat_vehicle_at_the_general_gate_used_the_wrong_gate(land):
    assert "wrong_gate" in kinds(offences(land, drive([(600, 0), (400, 0)])))


def test_jitter_along_the_boundary_is_no_crossing(land):
    fixes = [fix(-450 + 20 * i, -500 + (9 if i % 2 else -9), 5 * i, 15) for i in range(20)]
    assert "boundary_crossing" not in kinds(judged(land, fixes).findings)


def test_a_corner_cut_between_two_fixes_is_found(land):
    found = offences(land, [fix(-650, 310, 0, 60), fix(-310, 650, 25, 60)])
    assert kinds(f for f in found if f.kind is ViolationKind.BOUNDARY_CROSSING) == ["boundary_crossing"] * 2
    assert {f.certainty for f in found if f.kind is ViolationKind.BOUNDARY_CROSSING} == {Certainty.INFERRED}


def test_a_long_gap_with_a_gate_in_reach_accuses_nobody(land):
    result = judged(land, [fix(-300, -700, 0, 20), fix(-300, -350, 600, 20)])
    assert "boundary_crossing" not in kinds(result.findings)
    unseen = next(f for f in result.findings if f.kind is PassageKind.BOUNDARY_UNSEEN)
    assert unseen.certainty is Certainty.SOMEWHERE_BETWEEN
    assert unseen.facts["gap_s"] == 600


def test_sparse_fixes_follow_the_approved_route_through_the_gate(land):
    sparse = [fix(30, -700, 0, 25), fix(30, -350, 50, 25)]
    assert kinds(judged(land, sparse).findings) == ["boundary_at_gate"]


@pytest.mark.parametrize("journey, expected", [(BOOKED, True), (EMPTY, False)])
def test_off_route_in_the_ring_offends_only_when_loaded(land, journey, expected):
    fixes = drive([(0, -950), (0, -900), (300, -900), (300, -700)])
    assert ("ring_off_route" in kinds(offences(land, fixes, journey))) is expected


def test_off_route_inside_the_park_is_a_deviation_told_once(land):
    out = drive([(0, 0), (200, 0), (200, 250), (0, 250), (0, 380)])
    found = offences(land, out)
    assert kinds(found) == ["route_deviation"]
    assert found[0].ended_at is not None
    assert found[0].facts["largest_offset_m"] == pytest.approx(200, abs=2)


def test_one_stray_fix_is_no_deviation(land):
    fixes = drive([(0, 0), (0, 300)])
    fixes[4] = fix(80, 155, 20, 28)
    assert offences(land, fixes) == []


def test_a_slow_detour_is_told_after_a_minute(land):
    fixes = [fix(70 + i, 0, 20 * i, 4) for i in range(5)]
    found = offences(land, fixes)
    assert kinds(found) == ["route_deviation"]
    assert found[0].started_at == START


def test_standing_in_the_ring_offends_after_two_minutes(land):
    found = offences(land, stand(0, -800, 140))
    assert kinds(found) == ["ring_stop"]
    assert offences(land, stand(0, -800, 100)) == []


def test_waiting_in_the_gate_queue_is_no_offence(land):
    assert offences(land, stand(0, -560, 1800)) == []


def test_standing_inside_offends_after_five_minutes(land):
    assert kinds(offences(land, stand(0, 100, 320))) == ["illegal_stop"]
    assert offences(land, stand(0, 100, 260)) == []


@pytest.mark.parametrize("x, y", [(-300, -325), (0, 395)])
def test_standing_in_lot_or_dock_is_no_offence(land, x, y):
    assert offences(land, stand(x, y, 7200)) == []


def test_rolling_up_to_a_dock_and_standing_in_it_is_no_offence(land):
    near = [fix(0, 355, 0, 2.5), fix(0, 372, 20, 2.5)]
    assert offences(land, near + stand(0, 395, 3600, begin=40)) == []


def test_a_stop_ends_when_the_vehicle_drives_on(land):
    standing = stand(0, 100, 400)
    found = offences(land, standing + drive([(0, 100), (0, 300)], begin=after(standing)))
    assert kinds(found) == ["illegal_stop"]
    assert found[0].ended_at is not None


def test_a_stranger_inside_the_control_line_is_told_at_once_and_once(land):
    found = offences(land, drive([(0, -1200), (0, -700)]), STRANGER)
    assert kinds(found) == ["ring_unbooked"]


def test_a_vehicle_outside_the_control_line_is_nobodys_business(land):
    assert judged(land, drive([(1500, 0), (1500, 800)]), STRANGER).findings == ()


def test_speeding_needs_ten_seconds(land):
    assert offences(land, [fix(0, 0, 0, 60), fix(0, 83, 5, 60), fix(0, 120, 10, 25)]) == []
    found = offences(land, drive([(0, -300), (0, 300)], kmh=50))
    assert kinds(found) == ["speeding"]
    assert found[0].facts["limit_kmh"] == 30
    assert found[0].facts["peak_kmh"] == 50
    assert found[0].facts["band"] == ">=50"


def test_up_to_ten_percent_over_the_limit_is_no_offence(land):
    assert offences(land, drive([(0, -300), (0, 300)], kmh=32.5)) == []


def test_a_speed_the_distance_belies_is_not_believed(land):
    fixes = [fix(0, i * 10, 10 * i, 90) for i in range(12)]
    assert "speeding" not in kinds(offences(land, fixes))


def test_on_the_public_road_outside_the_boundary_no_park_limit_holds(land):
    assert "speeding" not in kinds(offences(land, drive([(0, -990), (0, -560)], kmh=60)))


def test_silence_inside_is_an_alarm_while_it_lasts_and_after(land):
    before = judged(land, drive([(0, 0), (0, 100)]))
    now = START + timedelta(seconds=400)
    lasting = still(land, before.state, BOOKED, now).findings
    assert kinds(lasting) == ["lost_signal"]
    broken = judge(land, before.state, [fix(0, 110, 700, 20)], lambda _: BOOKED, LATER).findings
    ended = next(f for f in broken if f.kind is ViolationKind.LOST_SIGNAL)
    assert ended.key == lasting[0].key
    assert ended.ended_at is not None


def test_a_silence_told_is_ended_by_fixes_sent_later(land):
    before = judged(land, drive([(0, 0), (0, 100)]))
    told = still(land, before.state, BOOKED, START + timedelta(seconds=400))
    assert still(land, told.state, BOOKED, START + timedelta(seconds=500)).findings == ()
    kept_back = judge(land, told.state, [fix(0, 110, 60, 20)], lambda _: BOOKED, LATER).findings
    ended = next(f for f in kept_back if f.kind is ViolationKind.LOST_SIGNAL)
    assert ended.key == told.findings[0].key
    assert ended.ended_at == START + timedelta(seconds=400)


def test_silence_outside_is_none(land):
    before = judged(land, drive([(0, -900), (0, -800)]))
    assert still(land, before.state, BOOKED, LATER).findings == ()


@pytest.mark.parametrize(
    "wrong, mark",
    [
        ({"located": False}, Mark.NOT_LOCATED),
        ({"status": 1 << 5}, Mark.ENCRYPTED),
    ],
)
def test_what_is_not_believed_is_marked_and_not_judged(land, wrong, mark):
    fixes = drive([(0, 0), (0, 100)])
    fixes.insert(2, fix(800, 800, 7, 30, **wrong))
    result = judged(land, fixes)
    assert result.marks.count(mark) == 1
    assert result.findings == ()


def test_times_nobody_believes_are_marked(land):
    result = judge(land, State.new(), [fix(0, 0, 0), fix(0, 0, 900)], lambda _: BOOKED, START)
    assert result.marks == (None, Mark.FUTURE)
    old = judge(land, State.new(), [fix(0, 0, 0)], lambda _: BOOKED, START + timedelta(days=30))
    assert old.marks == (Mark.TOO_OLD,)


def test_places_nobody_believes_are_marked(land):
    from dataclasses import replace

    here = fix(0, 0, 0)
    zero = replace(here, lon=0.0, lat=0.0)
    swapped = replace(here, lon=here.lat, lat=here.lon)
    far = replace(here, lon=116.4, lat=39.9)
    marks = judged(land, [zero, swapped, far]).marks
    assert marks == (Mark.NULL_ISLAND, Mark.SWAPPED_AXES, Mark.OUTSIDE_WATCH_AREA)


def test_a_jump_and_back_invents_nothing(land):
    fixes = drive([(0, -300), (0, 300)])
    fixes[5] = fix(4000, 0, 25, 28)
    result = judged(land, fixes)
    assert result.marks.count(Mark.TELEPORT) == 1
    assert result.findings == ()


def test_after_a_lasting_jump_the_vehicle_is_where_it_says(land):
    first, then = drive([(0, 0), (0, 100)]), drive([(3000, 0), (3000, 200)], begin=20)
    marks = judged(land, first + then).marks
    assert marks[len(first)] is Mark.TELEPORT
    assert set(marks[len(first) + 1 :]) == {None}


def test_the_same_fix_again_is_a_duplicate(land):
    fixes = drive([(0, 0), (0, 100)])
    assert judged(land, [*fixes, fixes[-1]]).marks[-1] is Mark.DUPLICATE


def test_an_older_fix_is_late_and_changes_no_state(land):
    fixes = drive([(0, 0), (0, 200)])
    result = judged(land, fixes)
    again = judged(land, [fix(300, 0, 3, 28)], state=result.state)
    assert again.marks == (Mark.LATE,)
    assert again.state == result.state


def test_judging_again_with_late_fixes_finds_what_they_show(land):
    fixes = drive([(-300, -430), (-300, -600), (-300, -430)])
    shuffled = fixes[::2] + fixes[1::2]
    found = {f.kind for f in rejudge(land, shuffled, lambda _: BOOKED, LATER).findings}
    assert ViolationKind.BOUNDARY_CROSSING in found


def test_an_alarm_bit_is_told_once_however_long_it_stays(land):
    fixes = [fix(0, i * 10, i * 5, 10, alarm=1) for i in range(5)] + [fix(0, 60, 40, 10)]
    found = offences(land, fixes)
    assert [(f.kind.value, f.subject) for f in found] == [("terminal_alarm", "sos")]
    assert found[0].ended_at == fixes[-1].time


def test_an_alarm_in_an_unbelieved_fix_is_obeyed(land):
    found = offences(land, [fix(0, 0, 0, 0, located=False, alarm=1 << 30)])
    assert [(f.subject, f.certainty) for f in found] == [("rollover", Certainty.INFERRED)]


def test_the_state_survives_json(land):
    import json

    state = judged(land, drive([(0, -900), (300, -900), (300, -600)])).state
    assert State.from_json(json.loads(json.dumps(state.to_json()))) == state


LEG = st.tuples(st.integers(-900, 900), st.integers(-900, 900))


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(LEG, min_size=2, max_size=5, unique=True),
    kmh=st.sampled_from([4.0, 20.0, 60.0]),
    every=st.sampled_from([5.0, 30.0]),
    cuts=st.lists(st.integers(1, 60), max_size=6),
    wild=st.lists(st.tuples(st.integers(0, 200), st.integers(-3000, 3000)), max_size=4),
)
def test_the_answer_does_not_depend_on_how_the_stream_is_cut(points, kmh, every, cuts, wild):
    land = ground()
    fixes = drive(points, kmh, every)[:120]
    for where, x in wild:
        if where < len(fixes):
            fixes[where] = fix(x, 0, where * every, kmh, alarm=1)
    whole = judged(land, fixes)
    state, marks, found, begin = State.new(), [], {}, 0
    for end in [*sorted({c for c in cuts if c < len(fixes)}), len(fixes)]:
        part = judge(land, State.from_json(state.to_json()), fixes[begin:end], lambda _: BOOKED, LATER)
        state, begin = part.state, end
        marks += part.marks
        found.update({f.key: f for f in part.findings})
    assert tuple(marks) == whole.marks
    assert found == {f.key: f for f in whole.findings}
    assert state == whole.state


def test_touching_the_line_in_a_gate_does_not_excuse_a_crossing_elsewhere(land):
    """Just over the line in the gate and back, along it inside within the accuracy, then out far away."""
    at_gate = [fix(0, -450, 0, 20), fix(0, -506, 10, 20), fix(0, -492, 20, 5)]
    along = [fix(-25 * n, -492, 20 + 5 * n, 18) for n in range(1, 13)]
    out = [fix(-300, -530, 90, 20), fix(-300, -560, 100, 20)]
    crossings = [
        f for f in offences(land, at_gate + along + out) if f.kind is ViolationKind.BOUNDARY_CROSSING
    ]
    assert [f.facts["direction"] for f in crossings] == ["out"]
    assert crossings[0].lon == pytest.approx(fix(-300, -500, 0).lon, abs=1e-4)
