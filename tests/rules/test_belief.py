"""What a broken terminal says is kept and marked, never judged; and what is true is not called broken."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from geo.datum import gcj02_from_wgs84
from parking.rules.frozen import MOVING_BIT
from parking.rules.monitor import State, judge, rejudge, still
from parking.vocabulary import Mark, ViolationKind
from tests.land import (
    BOOKED,
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


def frozen_at(x, y, speeds, every_s=10.0, begin=0.0, **more):
    return [fix(x, y, begin + every_s * n, v, **more) for n, v in enumerate(speeds)]


def test_a_place_that_stays_while_the_speed_says_it_moves_is_frozen(land):
    marks = judged(land, frozen_at(0, 0, [20] * 6)).marks
    assert marks == (None, Mark.FROZEN, Mark.FROZEN, Mark.FROZEN, Mark.FROZEN, Mark.FROZEN)


def test_a_repeated_place_within_the_receivers_lag_is_believed(land):
    assert judged(land, frozen_at(0, 0, [20, 20], every_s=2)).marks == (None, None)


def test_a_frozen_place_is_not_believed_until_it_changes(land):
    fixes = frozen_at(0, 0, [20, 20, 0, 0, 0]) + drive([(0, 60), (0, 90)], begin=50)
    marks = judged(land, fixes).marks
    assert marks[:5] == (None, *[Mark.FROZEN] * 4)
    assert set(marks[5:]) == {None}


def test_a_frozen_terminal_inside_is_silence_and_no_stop(land):
    frozen = judged(land, frozen_at(0, 100, [25] * 60))
    assert kinds(frozen.findings) == []
    told = still(land, frozen.state, BOOKED, START + timedelta(seconds=600)).findings
    assert kinds(told) == ["lost_signal"]


def test_a_terminal_that_holds_its_place_while_parked_is_believed(land):
    parked = frozen_at(-300, -325, [0.0] * 100, every_s=30)
    starts = [fix(-300, -325, 3010, 15), fix(-300, -360, 3020, 15)]
    assert set(judged(land, parked + starts).marks) == {None}


def test_the_moving_bit_of_a_terminal_without_speed_counts_after_two_minutes(land):
    marks = judged(land, frozen_at(0, 0, [None] * 8, every_s=20, status=MOVING_BIT)).marks
    assert marks == (*[None] * 6, Mark.FROZEN, Mark.FROZEN)


def test_an_odometer_that_runs_belies_a_place_that_stays(land):
    runs = [replace(f, odometer_km=5000 + 0.1 * n) for n, f in enumerate(frozen_at(0, 0, [None] * 6))]
    stands = [replace(f, odometer_km=5000.0) for f in frozen_at(0, 0, [None] * 6)]
    assert judged(land, runs).marks == (None, None, None, Mark.FROZEN, Mark.FROZEN, Mark.FROZEN)
    assert set(judged(land, stands).marks) == {None}


def test_a_stray_of_a_parked_vehicle_is_drift_and_crosses_nothing(land):
    """It stands 30 m inside the fence; one position lies 40 m outside."""
    parked = stand(-300, -470, 280)
    parked[10] = fix(-300, -540, 200, 0)
    result = judged(land, parked)
    assert [m for m in result.marks if m] == [Mark.DRIFT]
    assert "boundary_crossing" not in kinds(result.findings)


def test_who_says_it_stands_but_stays_away_did_drive(land):
    """A speed stuck at 0 hides no departure: the first fix elsewhere is doubted, the next ones are not."""
    leaves = [replace(f, speed_kmh=0.0) for f in drive([(-300, -450), (-300, -900)], kmh=40, every_s=10)]
    fixes = stand(-300, -450, 200) + [replace(f, time=f.time + timedelta(seconds=210)) for f in leaves]
    result = judged(land, fixes)
    assert result.marks.count(Mark.DRIFT) <= 2
    assert "boundary_crossing" in kinds(result.findings)


def test_creeping_away_from_a_stop_is_lost_for_a_minute_at_most(land):
    creeps = [fix(0, 100 + 0.7 * 10 * n, 310 + 10 * n, 2.5) for n in range(40)]
    marks = judged(land, stand(0, 100, 300) + creeps).marks
    assert marks.count(Mark.DRIFT) <= 6 and set(marks[-20:]) == {None}


def test_after_a_silence_a_parked_vehicle_is_where_it_says(land):
    fixes = [*stand(-300, -325, 600), fix(0, 395, 4000, 0.0), fix(0, 395, 4020, 0.0)]
    assert set(judged(land, fixes).marks) == {None}


def test_a_spike_between_two_good_fixes_is_marked_and_they_are_not(land):
    marks = judged(land, [fix(0, 0, 0, 20), fix(5000, 0, 5, 20), fix(0, 55, 10, 20)]).marks
    assert marks == (None, Mark.TELEPORT, None)


def test_a_wrong_first_fix_poisons_nothing_that_follows(land):
    """The receiver woke with an old place inside the ring, and is 5 km away in truth."""
    woke = [fix(900, 900, 0, 0)]
    truth = drive([(-6000, 0), (-5600, 0)], kmh=40, begin=5)
    result = judged(land, woke + truth, STRANGER)
    assert result.marks == (None, Mark.TELEPORT, *[None] * (len(truth) - 1))
    assert result.findings == ()
    assert result.state.standing == frozenset()


def test_two_strays_in_a_row_do_not_move_a_vehicle_for_long(land):
    fixes = drive([(0, -300), (0, 300)])
    fixes[5], fixes[6] = fix(4000, 0, 25, 28), fix(4010, 5, 30, 28)
    result = judged(land, fixes)
    assert [m for m in result.marks if m] == [Mark.TELEPORT, Mark.TELEPORT]
    assert set(result.marks[-8:]) == {None}
    assert result.findings == ()


def test_a_fix_older_than_a_doubted_one_is_late_too(land):
    """Else the order of arrival would decide what is believed."""
    result = judged(land, [fix(0, 0, 0, 20), fix(5000, 0, 20, 20), fix(0, 50, 10, 20)])
    assert result.marks == (None, Mark.TELEPORT, Mark.LATE)


# ── GCJ-02 ──────────────────────────────────────────────────────────────────────────────────────────────


def sent_as_gcj02(fixes):
    lon, lat = gcj02_from_wgs84([f.lon for f in fixes], [f.lat for f in fixes])
    return [replace(f, lon=float(a), lat=float(b)) for f, a, b in zip(fixes, lon, lat, strict=True)]


IN_AND_TO_THE_DOCK = drive([(0, -1700), (0, 380)], kmh=28)


def test_a_drive_displaced_as_gcj02_is_found_out_and_then_marked(land):
    result = judged(land, sent_as_gcj02(IN_AND_TO_THE_DOCK))
    first = result.marks.index(Mark.GCJ02)
    assert 9 <= first <= 20
    assert set(result.marks[first:]) == {Mark.GCJ02}


def test_judged_again_the_whole_displaced_drive_is_marked_and_accuses_nobody(land):
    result = rejudge(land, sent_as_gcj02(IN_AND_TO_THE_DOCK), lambda _: BOOKED, LATER)
    assert set(result.marks) == {Mark.GCJ02}
    assert result.findings == ()


def test_a_terminal_once_displaced_stays_marked_from_the_first_fix_of_the_next_drive(land):
    proven = judged(land, sent_as_gcj02(IN_AND_TO_THE_DOCK)).state
    next_day = [
        replace(f, time=f.time + timedelta(hours=10)) for f in sent_as_gcj02(drive([(300, 0), (200, 0)]))
    ]
    assert set(judged(land, next_day, state=proven).marks) == {Mark.GCJ02}


def test_a_terminal_that_was_mended_is_believed_again(land):
    proven = judged(land, sent_as_gcj02(IN_AND_TO_THE_DOCK)).state
    mended = [replace(f, time=f.time + timedelta(hours=10)) for f in IN_AND_TO_THE_DOCK]
    marks = judged(land, mended, state=proven).marks
    assert set(marks[:9]) == {Mark.GCJ02} and set(marks[-20:]) == {None}


def test_the_true_drive_is_never_taken_for_displaced(land):
    assert Mark.GCJ02 not in judged(land, IN_AND_TO_THE_DOCK).marks


def test_a_real_detour_is_not_taken_for_a_displaced_terminal(land):
    """Random off-route drives all over the neighbourhood: none of them is called displaced."""
    dice = random.Random(7)
    for _ in range(40):
        spots = [(dice.uniform(-1500, 1500), dice.uniform(-1500, 1500)) for _ in range(5)]
        assert Mark.GCJ02 not in judged(land, drive(spots, kmh=60, every_s=10)).marks


def test_a_drive_along_where_the_shifted_route_would_be_is_too_short_to_be_proof(land):
    short = sent_as_gcj02(drive([(0, -1700), (0, -1300)], kmh=28))
    assert Mark.GCJ02 not in judged(land, short).marks


def test_a_standing_vehicle_is_no_evidence_of_displacement(land):
    assert set(judged(land, sent_as_gcj02(stand(0, -1500, 3600))).marks) == {None}


# ── states of before ────────────────────────────────────────────────────────────────────────────────────


def test_a_state_written_by_the_version_before_is_read():
    state = judged(ground(), stand(0, 100, 200)).state
    old = state.to_json() | {"schema": 1}
    for name in ("newest", "heard", "frozen", "drift", "shift", "bay"):
        del old[name]
    for name in ("calm", "count", "mean_x", "mean_y", "away"):
        del old["stand"][name]
    del old["last"]["odometer_km"]
    read = State.from_json(old)
    assert (read.last, read.newest) == (state.last, state.newest)
    more = judge(ground(), read, stand(0, 100, 200, begin=220), lambda _: BOOKED, LATER)
    assert ViolationKind.ILLEGAL_STOP in {f.kind for f in more.findings}


def test_one_drive_gives_the_same_marks_in_one_piece_or_fix_by_fix(land):
    fixes = sent_as_gcj02(IN_AND_TO_THE_DOCK) + stand(-300, -325, 400, begin=after(IN_AND_TO_THE_DOCK, 600))
    whole, state, marks = judged(land, fixes), State.new(), []
    for one in fixes:
        part = judged(land, [one], state=State.from_json(state.to_json()))
        state, marks = part.state, marks + list(part.marks)
    assert tuple(marks) == whole.marks and state == whole.state


@pytest.mark.parametrize("kmh", [45, 90])
def test_offences_are_found_as_before_when_nothing_is_odd(land, kmh):
    assert "speeding" in kinds(offences(land, drive([(0, -300), (0, 300)], kmh=kmh)))
