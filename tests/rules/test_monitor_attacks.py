"""What a clever or broken terminal sends must neither hide an offence nor invent one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from shapely import box

from geo.shapes import LayerKind
from parking.rules.monitor import Ground, judge
from parking.vocabulary import Mark, ViolationKind
from tests.land import (
    APPROVAL,
    BOOKED,
    START,
    STRANGER,
    after,
    drive,
    feature,
    fix,
    ground,
    judged,
    kinds,
    offences,
    stand,
)

SOS = 1


def at(seconds):
    return START + timedelta(seconds=seconds)


def alarms(findings):
    return [(f.subject, f.started_at, f.ended_at) for f in findings if f.kind is ViolationKind.TERMINAL_ALARM]


@pytest.mark.parametrize("when", [datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)])
def test_an_alarm_without_place_and_without_time_rises_when_it_came(land, when):
    lost = replace(fix(0, 0, 0, located=False, alarm=SOS), time=when)
    found = judge(land, judged(land, []).state, [lost], lambda _: BOOKED, at(5)).findings
    assert alarms(found) == [("sos", at(5), None)]


def test_a_late_fix_without_place_ends_no_alarm_that_rose_since(land):
    live = judged(land, [fix(0, 0, 0), fix(0, 10, 300, alarm=SOS)])
    late = judged(land, [fix(0, 0, 100, located=False)], state=live.state)
    assert alarms(late.findings) == []
    assert alarms(judged(land, [fix(0, 20, 305, alarm=SOS)], state=late.state).findings) == []


def test_an_alarm_in_a_late_fix_without_place_is_obeyed(land):
    live = judged(land, [fix(0, 0, 0), fix(0, 10, 300)])
    late = judged(land, [fix(0, 0, 100, located=False, alarm=SOS)], state=live.state)
    assert alarms(late.findings) == [("sos", at(100), None)]


def test_creeping_out_of_the_gate_and_standing_is_an_illegal_stop(land):
    """The first fix of the stand lies in the gate; a few metres on, the vehicle blocks the road."""
    arrives = [fix(0, -470, 0, 2)]
    found = offences(land, arrives + stand(0, -442, 600, begin=20))
    assert kinds(found) == ["illegal_stop"]


def test_creeping_over_the_control_line_and_standing_is_a_ring_stop(land):
    found = offences(land, [fix(0, -1005, 0, 2), *stand(0, -980, 300, begin=20)])
    assert kinds(found) == ["ring_stop"]


def test_drifting_in_the_lot_is_no_illegal_stop(land):
    drifting = [fix(-210 + (23 if i % 3 == 0 else 0), -325, 20 * i, 0) for i in range(60)]
    assert offences(land, drifting) == []


@pytest.mark.parametrize("deep", [1, 14])
def test_a_first_fix_within_the_terminals_accuracy_proves_no_side(land, deep):
    """It was outside all the time and drove away: nobody crossed anything."""
    first = fix(-300, -500 + deep, 0, 20)
    away = drive([(-300, -530), (-300, -700)], begin=5)
    assert "boundary_crossing" not in kinds(judged(land, [first, *away]).findings)


def test_who_is_first_seen_on_the_line_and_then_crosses_it_for_sure_is_found(land):
    first = [fix(-300, -505, 0, 20), fix(-300, -540, 5, 20)]
    found = offences(land, first + drive([(-300, -540), (-300, -400)], begin=10))
    assert "boundary_crossing" in kinds(found)


def crossed(findings):
    return [(f.kind.value, f.facts["direction"]) for f in findings if f.facts.get("line") == "BD"]


def test_jitter_at_the_gate_does_not_launder_a_way_out_through_the_fence(land):
    """A few metres over the line at the gate, back, along the fence within the accuracy, out elsewhere."""
    at_gate = [fix(0, -450, 0, 5), fix(0, -505, 20, 3), fix(0, -495, 40, 2)]
    along = [fix(-x, -492, 45 + x / 5, 20) for x in range(0, 420, 40)]
    out = [fix(-410, -520, 135, 20), fix(-420, -560, 145, 20), fix(-420, -700, 170, 20)]
    found = judged(land, at_gate + along + out).findings
    assert crossed(found) == [("boundary_crossing", "out")]


def test_waiting_on_the_line_does_not_antedate_the_way_in(land):
    waiting = [fix(0, -497 if n % 2 else -503, 20 * n, 0) for n in range(1, 60)]
    fixes = [fix(0, -560, 0, 5), *waiting, fix(0, -470, 1200, 8)]
    found = [f for f in judged(land, fixes).findings if f.facts.get("line") == "BD"]
    assert [f.kind.value for f in found] == ["boundary_at_gate"]
    assert found[0].started_at >= at(1160)


def test_after_a_jump_to_the_edge_the_next_crossing_is_not_lost(land):
    first = drive([(300, 200), (300, -300)])
    begin = after(first)
    edge = [fix(-300, -505, begin, 20), fix(-300, -506, begin + 5, 20), fix(-300, -560, begin + 15, 20)]
    back = drive([(-300, -600), (-300, -300)], begin=begin + 25)
    assert crossed(judged(land, first + edge + back).findings) == [("boundary_crossing", "in")]


def test_a_line_that_is_moved_is_crossed_by_nobody_and_binds_from_that_day():
    """At local midnight the boundary shrinks; a truck standing there is outside now, and later drives in."""
    midnight = 16 * 3600
    land = ground()
    others = tuple(f for f in land.park.features if f.kind is not LayerKind.BOUNDARY)
    day = date(2026, 3, 3)
    old = feature(LayerKind.BOUNDARY, "BD", box(-500, -500, 500, 500), replace(APPROVAL, effective_to=day))
    new = feature(LayerKind.BOUNDARY, "BD", box(-500, -500, 200, 500), replace(APPROVAL, effective_from=day))
    land = Ground(replace(land.park, features=(*others, old, new)))
    waits = stand(350, 200, 600, begin=midnight - 300)
    found = judged(land, waits + drive([(350, 200), (100, 200)], begin=midnight + 320)).findings
    assert crossed(found) == [("boundary_crossing", "in")]
    assert next(f for f in found if f.facts.get("line")).started_at > at(midnight + 300)


def test_a_gap_is_measured_from_where_it_began_not_from_where_it_was_noticed(land):
    """By the gate it would have been too far in 61 s, though both fixes after the gap lie near it."""
    over = [fix(-450, 400, 0, 50), fix(-120, -505, 61, 50), fix(-120, -560, 71, 50)]
    slow, fast = ground(gate_reach_kmh=60), ground(gate_reach_kmh=70)
    assert crossed(judged(slow, over).findings) == [("boundary_crossing", "out")]
    assert crossed(judged(fast, over).findings) == [("boundary_unseen", "out")]


def test_reporting_every_61_seconds_turns_no_fence_into_a_gate(land):
    """Out through the west fence: nobody drives 1 km to the gate and 1 km back in a minute."""
    out = [fix(-400 - 100 * n, 400, 61 * n, 20) for n in range(5)]
    assert crossed(judged(land, out).findings) == [("boundary_crossing", "out")]


@pytest.mark.parametrize("shift, kmh", [(0, 25), (60, 25), (0, 35)])
def test_reporting_every_61_seconds_accuses_nobody_who_took_the_gate(land, shift, kmh):
    sparse = drive([(0, -1100 + shift), (0, 300)], kmh, every_s=61)
    assert {kind for kind, _ in crossed(judged(land, sparse).findings)} <= {
        "boundary_at_gate",
        "boundary_unseen",
    }


def test_a_stranger_along_the_control_line_is_one_stay(land):
    along = [fix(-600 + 20 * n, -1000 + (14 if n % 2 else 17), 10 * n, 8) for n in range(20)]
    found = offences(land, along, STRANGER)
    assert kinds(found).count("ring_unbooked") == 1


def test_a_dip_that_stays_over_the_limit_does_not_end_the_speeding(land):
    speeds = [36, 36, 36, 32.5] * 4
    spots = [sum(speeds[:n]) / 3.6 * 5 - 300 for n in range(len(speeds))]
    fixes = [fix(0, y, 5 * n, v) for n, (y, v) in enumerate(zip(spots, speeds, strict=True))]
    assert kinds(offences(land, fixes)) == ["speeding"]


def test_a_jump_is_not_counted_as_driven(land):
    """Ten seconds off the route, before and after a jump: nobody drove the 740 m between."""
    fixes = [fix(60, -400, 0, 20), fix(300, 300, 5, 20), fix(300, 305, 10, 20)]
    assert "route_deviation" not in kinds(offences(land, fixes))


def test_every_fix_gets_a_mark_however_wild(land):
    wild = [
        fix(0, 0, 0),
        replace(fix(0, 0, 1), lat=90.000001),
        replace(fix(0, 0, 2), lon=180.000001),
        replace(fix(0, 0, 3), lon=float("nan")),
        replace(fix(0, 0, 4), lon=4294.967295, lat=-4294.967295),
        replace(fix(0, 5, 5), speed_kmh=6553.5, altitude_m=65535, heading=None),
    ]
    marks = judged(land, wild).marks
    assert len(marks) == 6 and marks[0] is None and marks[5] is None
    assert None not in marks[1:5]


def test_the_wrong_gate_is_told_once_and_standing_in_no_gate_hides_nothing(land):
    fixes = drive([(600, 0), (400, 0)])
    found = offences(land, fixes + stand(400, 0, 400, begin=after(fixes)))
    assert {"wrong_gate", "illegal_stop"} <= set(kinds(found))
    assert Mark.LATE not in judged(land, fixes).marks
