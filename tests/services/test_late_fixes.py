"""Fixes that come late: the same violations as in order, each once, and history stays."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import select

from parking.models import Audit, Letter, Violation
from parking.services import tracking, violations
from tests import land
from tests.land import START, after, drive, stand
from tests.truck_stories import deliver, take


def found(session, kind=None):
    session.flush()
    rows = session.scalars(select(Violation).order_by(Violation.started_at, Violation.id))
    return [v for v in rows if kind is None or v.kind == kind]


def long_stand(hours):
    """In from outside, stands on the road for ``hours``; unbooked."""
    way = drive([(0, -1200), (0, 0)])
    standing = stand(0, 20, hours * 3600, begin=after(way), every_s=60)
    return way, standing


def test_a_late_fix_does_not_double_an_episode_older_than_the_look_back(loaded):
    way, standing = long_stand(5)
    late = standing.pop(-20)
    take(loaded, way + standing)
    before = [(v.kind, v.started_at) for v in found(loaded)]
    assert take(loaded, [late], standing[-1].time).marks
    deliver(loaded, standing[-1].time)
    assert [(v.kind, v.started_at) for v in found(loaded)] == before


def test_an_episode_whose_beginning_came_late_is_one_episode_and_ends(loaded):
    way = drive([(0, -1200), (0, 0)])
    standing = stand(0, 20, 900, begin=after(way), every_s=20)
    off = drive([(0, 20), (0, 300)], begin=after(standing, 20))
    half = len(standing) // 2
    take(loaded, way + standing[half:])
    take(loaded, standing[:half], standing[-1].time)
    deliver(loaded, standing[-1].time)
    take(loaded, off)
    stops = found(loaded, "illegal_stop")
    assert len(stops) == 1 and stops[0].ended_at is not None


def test_an_episode_seen_only_through_late_fixes_is_ended_by_live_ones(loaded):
    """Not yet long enough to be told live; the late fixes make it so; then it goes on and ends."""
    way = drive([(0, -1200), (0, 0)])
    standing = stand(0, 20, 400, begin=after(way), every_s=20)
    take(loaded, way + standing[-8:])
    take(loaded, standing[:-8], standing[-1].time)
    deliver(loaded, standing[-1].time)
    assert len(found(loaded, "illegal_stop")) == 1
    more = stand(0, 20, 400, begin=after(standing, 20))
    take(loaded, more + drive([(0, 20), (0, 300)], begin=after(more, 20)))
    stops = found(loaded, "illegal_stop")
    assert len(stops) == 1 and stops[0].ended_at is not None


def test_two_short_races_stay_two_after_judging_again(loaded):
    slow1 = drive([(0, -400), (0, -380)], kmh=10)
    fast1 = drive([(0, -375), (0, -175)], kmh=50, begin=after(slow1))
    slow2 = drive([(0, -170), (0, -150)], kmh=10, begin=after(fast1))
    fast2 = drive([(0, -145), (0, 55)], kmh=50, begin=after(slow2))
    slow3 = drive([(0, 58), (0, 100)], kmh=10, begin=after(fast2))
    whole = slow1 + fast1 + slow2 + fast2 + slow3
    late = whole.pop(2)
    take(loaded, whole)
    before = [(v.started_at, v.ended_at, v.facts) for v in found(loaded, "speeding")]
    assert len(before) == 2
    take(loaded, [late], whole[-1].time)
    deliver(loaded, whole[-1].time)
    assert [(v.started_at, v.ended_at, v.facts) for v in found(loaded, "speeding")] == before


def test_what_was_acknowledged_keeps_its_history_when_late_fixes_correct_it(loaded):
    way = drive([(0, -1200), (0, 0)])
    standing = stand(0, 20, 900, begin=after(way), every_s=20)
    off = drive([(0, 20), (0, 300)], begin=after(standing, 20))
    take(loaded, way + standing[:20] + off[5:])
    (stop,) = found(loaded, "illegal_stop")
    violations.acknowledge(loaded, stop.id, "已核实", off[-1].time, "supervisor:wang", "test")
    take(loaded, standing[20:] + off[:5], off[-1].time)
    deliver(loaded, off[-1].time)
    (stop,) = found(loaded, "illegal_stop")
    assert (stop.state, stop.remark) == ("acknowledged", "已核实")
    actions = [a.action for a in loaded.scalars(select(Audit)) if a.subject_id == stop.id]
    assert "acknowledged" in actions


def test_judging_again_twice_changes_nothing_more(loaded):
    way, standing = long_stand(1)
    late = standing[10:14]
    del standing[10:14]
    take(loaded, way + standing)
    take(loaded, late, standing[-1].time)
    deliver(loaded, standing[-1].time)
    before = [(v.id, v.started_at, v.ended_at, v.facts) for v in found(loaded)]
    audits = len(loaded.scalars(select(Audit)).all())
    tracking.judge_again(loaded, found(loaded)[0].vehicle_id, late[0].time, standing[-1].time)
    assert [(v.id, v.started_at, v.ended_at, v.facts) for v in found(loaded)] == before
    assert len(loaded.scalars(select(Audit)).all()) == audits


@pytest.mark.parametrize("seed", range(8))
def test_any_order_of_arrival_finds_each_crossing_once(loaded, seed):
    fixes = drive([(-300, -430), (-300, -600), (-200, -600), (-200, -430)], every_s=5)
    dice = random.Random(seed)
    dice.shuffle(fixes)
    now = max(f.time for f in fixes) + timedelta(seconds=5)
    while fixes:
        n = dice.randint(1, 12)
        take(loaded, fixes[:n], now)
        del fixes[:n]
        if dice.random() < 0.5:
            deliver(loaded, now)
    deliver(loaded, now)
    directions = [v.facts["direction"] for v in found(loaded, "boundary_crossing")]
    assert sorted(directions) == ["in", "out"], [
        (v.started_at, v.facts) for v in found(loaded, "boundary_crossing")
    ]


def test_a_flood_of_late_batches_is_one_piece_of_work(loaded):
    _, standing = long_stand(2)
    take(loaded, [standing[-1]])
    for n in range(0, 60, 5):
        take(loaded, standing[n : n + 5], standing[-1].time)
    loaded.flush()
    letters = loaded.scalars(select(Letter).where(Letter.name == "fixes_came_late")).all()
    assert len(letters) == 1
    assert START.fromisoformat(letters[0].payload["earliest"]) == standing[0].time


def test_a_future_alarm_is_not_told_again_whenever_something_is_late(loaded):
    way = drive([(0, -1200), (0, 0)])
    late = way.pop(10)
    take(loaded, way)
    take(loaded, [land.fix(0, 0, 90_000, alarm=1)], way[-1].time)
    take(loaded, [land.fix(0, 5, 200)], START + timedelta(seconds=205))
    alarmed = found(loaded, "terminal_alarm")[0].vehicle_id
    for n in range(3):
        take(loaded, [late], START + timedelta(seconds=300 + n))
        tracking.judge_again(loaded, alarmed, late.time, START + timedelta(days=1, seconds=600 * n))
    assert len(found(loaded, "terminal_alarm")) == 1
