"""What a clever or broken terminal sends must neither hide an offence nor invent one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from parking.rules.monitor import judge
from parking.vocabulary import Mark, ViolationKind
from tests.land import BOOKED, START, after, drive, fix, ground, judged, kinds, offences, stand

SOS = 1


@pytest.fixture(scope="module")
def land():
    return ground()


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
