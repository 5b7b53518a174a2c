"""Who is called next, and why: fair, stable, explainable."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from parking.refused import no
from parking.rules import queue
from parking.rules.policy import Policy
from parking.rules.queue import Waiting
from parking.vocabulary import QueueReason, Refusal

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
POLICY = Policy()
HELD = (no(Refusal.STEP_NOT_YOURS),)


def ago(minutes):
    return NOW - timedelta(minutes=minutes)


def one(n, minutes, **more):
    return Waiting(n, f"晋M{n:05d}", ago(minutes), **more)


@st.composite
def lines(draw):
    minutes = draw(st.lists(st.integers(0, 300), max_size=12))
    return [
        one(
            i,
            m,
            priority=draw(st.sampled_from([None, None, "高温"])),
            missed=draw(st.integers(0, 2)),
            held_back=draw(st.sampled_from([(), (), HELD])),
        )
        for i, m in enumerate(minutes)
    ]


def test_who_was_due_first_goes_first():
    line = queue.order([one(1, 10), one(2, 30), one(3, 20)], NOW, POLICY)
    assert [w.ticket_id for w in line] == [2, 3, 1]


def test_coming_early_gains_nothing_and_coming_late_costs_the_lateness():
    nine, ten = NOW, NOW + timedelta(hours=1)
    assert queue.due(ten, nine) == ten
    assert queue.due(nine, ten) == ten


def test_priority_goes_first_but_not_past_one_whose_patience_is_over():
    line = queue.order([one(1, 5, priority="温控货物"), one(2, 119), one(3, 120)], NOW, POLICY)
    assert [w.ticket_id for w in line] == [3, 1, 2]
    words = [[r.word for r in p.why] for p in queue.places(line, [], 1, queue.pace([], POLICY), NOW, POLICY)]
    assert words == [
        [QueueReason.PATIENCE, QueueReason.DUE],
        [QueueReason.PRIORITY, QueueReason.DUE],
        [QueueReason.DUE],
    ]


def test_one_held_back_keeps_its_place_and_the_next_is_called():
    line = queue.order([one(1, 30, held_back=HELD), one(2, 10)], NOW, POLICY)
    assert queue.turn(line).ticket_id == 2
    assert queue.turn(line[:1]) is None
    places = queue.places(line, [], 1, queue.pace([], POLICY), NOW, POLICY)
    assert (places[0].number, places[0].earliest, places[1].earliest) == (1, None, NOW)


def test_who_misses_a_call_lets_the_next_go_first_and_at_the_limit_goes_to_the_end():
    a, b, c = one(1, 30), one(2, 20), one(3, 10)
    due, misses = queue.after_miss([a, b, c], a, NOW, POLICY)
    again = queue.order([replace(a, due_at=due, missed=misses), b, c], NOW, POLICY)
    assert [w.ticket_id for w in again] == [2, 1, 3]
    due, misses = queue.after_miss([a, b, c], replace(a, missed=2), NOW, POLICY)
    assert misses == 0
    assert [w.ticket_id for w in queue.order([replace(a, due_at=due), b, c], NOW, POLICY)] == [2, 3, 1]


def test_the_estimate_follows_the_dock_and_says_when_it_is_only_assumed():
    assumed = queue.pace([timedelta(minutes=40)] * 4, POLICY)
    assert not assumed.measured
    assert assumed.middle == timedelta(hours=1)
    seen = queue.pace([timedelta(minutes=m) for m in (30, 40, 40, 40, 50)], POLICY)
    assert seen.measured
    assert seen.low <= timedelta(minutes=40) <= seen.high
    exact = queue.pace([timedelta(minutes=40)] * 5, POLICY)
    places = queue.places([one(1, 9), one(2, 8)], [ago(10)], 1, exact, NOW, POLICY)
    assert [p.earliest - NOW for p in places] == [timedelta(minutes=30), timedelta(minutes=70)]
    assert [p.latest for p in places] == [p.earliest for p in places]


def test_two_places_at_a_dock_halve_the_wait_and_an_overfull_dock_waits_for_the_last():
    exact = queue.pace([timedelta(minutes=40)] * 5, POLICY)
    two = queue.places([one(1, 9), one(2, 8), one(3, 7)], [ago(10)], 2, exact, NOW, POLICY)
    assert [(p.earliest - NOW) // timedelta(minutes=1) for p in two] == [0, 30, 40]
    full = queue.places([one(1, 9)], [ago(10), ago(5)], 1, exact, NOW, POLICY)
    assert full[0].earliest == NOW + timedelta(minutes=35)


@given(lines(), st.randoms())
def test_the_line_does_not_depend_on_how_it_was_listed(line, chance):
    shuffled = line.copy()
    chance.shuffle(shuffled)
    assert queue.order(shuffled, NOW, POLICY) == queue.order(line, NOW, POLICY)


@given(lines())
def test_nobody_whose_patience_is_over_waits_behind_one_due_later(line):
    ordered = queue.order(line, NOW, POLICY)
    for i, late in enumerate(ordered):
        if NOW - late.due_at >= timedelta(minutes=POLICY.queue_patience_min):
            assert all(before.due_at <= late.due_at for before in ordered[:i])


@given(lines(), st.integers(1, 3), st.lists(st.integers(0, 200), max_size=4))
def test_estimates_never_run_backwards_and_only_the_callable_have_one(line, slots, busy):
    ordered = queue.order(line, NOW, POLICY)
    places = queue.places(ordered, [ago(m) for m in busy], slots, queue.pace([], POLICY), NOW, POLICY)
    starts = [(p.earliest, p.latest) for p in places if not p.ticket.held_back]
    assert all((p.earliest is None) == bool(p.ticket.held_back) for p in places)
    assert starts == sorted(starts)
    assert all(NOW <= early <= late for early, late in starts)
