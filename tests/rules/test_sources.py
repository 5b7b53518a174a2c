"""Several doors report one vehicle: whose word counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from parking.rules.sources import Source, chosen, heeded, of_phone

QUIET = 120.0
TERMINAL, PHONE = (Source.TERMINAL, 1), (Source.DEVICE, 2)
reports = st.lists(
    st.tuples(
        st.integers(0, 2_000).map(float),
        st.sampled_from([TERMINAL, (Source.PLATFORM, 3), PHONE, (Source.DEVICE, 9)]),
        st.booleans(),
    ),
    max_size=60,
)


def test_no_terminal_of_the_standard_can_be_taken_for_a_door():
    assert of_phone("13900000001") is Source.TERMINAL
    doors = [Source.PLATFORM, Source.DEVICE, Source.IMPORT]
    assert [of_phone(p) for p in ("c:1:2", "p:1:2", "i:1:2")] == doors


def test_a_lesser_door_waits_until_the_better_one_is_silent():
    said = [(0.0, TERMINAL, True), (60.0, PHONE, True), (120.0, PHONE, True), (121.0, PHONE, True)]
    assert chosen(said, QUIET) == [True, False, False, True]


def test_what_the_better_door_says_but_nobody_believes_silences_none():
    assert chosen([(0.0, TERMINAL, False), (1.0, PHONE, True)], QUIET) == [True, True]


@given(reports)
def test_the_best_door_always_counts_and_order_of_arrival_changes_nothing(said):
    counts = chosen(said, QUIET)
    best = min((rank for _, rank, _ in said), default=None)
    assert all(c for c, (_, rank, _) in zip(counts, said, strict=True) if rank == best)
    assert chosen(said[::-1], QUIET)[::-1] == counts


@given(reports)
def test_two_doors_never_both_count_within_the_quiet_time_after_the_better_one(said):
    for counts, (at, rank, _) in zip(chosen(said, QUIET), said, strict=True):
        better = [t for t, other, believed in said if believed and other < rank and at - QUIET <= t <= at]
        assert counts == (not better)


@given(st.lists(st.floats(0, 1e4), max_size=20).map(sorted), st.floats(0, 1e4), st.floats(0, 300))
def test_without_a_better_report_in_reach_it_counts(better, at, quiet):
    assert heeded(at, better, quiet) == (not any(at - quiet <= t <= at for t in better))
