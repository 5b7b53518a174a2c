"""What another line would have caught: the difference of two judgings, and nothing else."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, box

from geo.fix import FixColumns
from geo.shapes import LayerKind
from parking.rules.whatif import Period, differences, grounds, paired, summed, with_layer, with_version
from tests import land
from tests.land import BOOKED, START, STRANGER, after, drive, feature, stand

PERIOD = Period(START, START + timedelta(hours=4))
PARK = land.park()
WIDER = feature(LayerKind.CONTROL_LINE, "CL", box(-1600, -1600, 1600, 1600), land.APPROVAL)
NARROW = feature(LayerKind.CONTROL_LINE, "CL", box(-700, -700, 700, 700), land.APPROVAL)


def compared(new, fixes, journey=STRANGER, period=PERIOD):
    [found] = differences(*grounds(PARK, new), FixColumns.of([fixes]), [lambda _: journey], period)
    return found


def kinds(findings):
    return sorted({f.kind.value for f in findings})


BETWEEN = stand(-1300, 0, 3600)  # beyond the line there is, inside the wider one


def test_a_wider_line_catches_who_stood_between_the_two():
    found = compared(with_version(PARK, WIDER), BETWEEN)
    assert found.only_old == () and found.both == ()
    assert "ring_unbooked" in kinds(found.only_new)


def test_a_narrower_line_lets_go_who_stood_between_the_two():
    found = compared(with_version(PARK, NARROW), stand(-850, 0, 3600))
    assert "ring_unbooked" in kinds(found.only_old) and found.only_new == ()


def test_who_offends_under_both_is_in_both_once():
    found = compared(with_version(PARK, WIDER), stand(-850, 0, 3600))
    assert {f.kind for f in found.only_old} <= {g.kind for _, g in found.both} | {
        f.kind for f in found.only_old
    }
    assert "ring_unbooked" in {g.kind.value for _, g in found.both}
    assert "ring_unbooked" not in kinds([*found.only_old, *found.only_new])


def test_a_version_binds_in_the_replay_whatever_its_own_dates():
    from dataclasses import replace
    from datetime import date

    later = replace(WIDER, approval=replace(land.APPROVAL, effective_from=date(2030, 1, 1)))
    assert "ring_unbooked" in kinds(compared(with_version(PARK, later), BETWEEN).only_new)
    assert with_layer(PARK, LayerKind.CONTROL_LINE, [later]).in_force(LayerKind.CONTROL_LINE, START)


def test_only_what_touches_the_period_is_compared():
    before = Period(START + timedelta(hours=3), START + timedelta(hours=4))
    assert not compared(
        with_version(PARK, WIDER),
        [*BETWEEN, *drive([(-3000, 0), (-4000, 0)], begin=after(BETWEEN))],
        period=before,
    ).only_new


def test_a_vehicle_without_fixes_differs_in_nothing():
    assert not compared(with_version(PARK, WIDER), []).any


def test_counts_are_by_kind():
    found = compared(with_version(PARK, WIDER), BETWEEN)
    assert summed({1: found, 2: found})["ring_unbooked"] == {"only_old": 0, "only_new": 2, "both": 0}


FEW = settings(max_examples=20)
spots = st.tuples(st.integers(-1900, 1900), st.integers(-1900, 1900))


@FEW
@given(st.lists(spots, min_size=2, max_size=4), st.sampled_from([BOOKED, STRANGER]))
def test_under_the_same_lines_nothing_differs(points, journey):
    if LineString(points).length < 50:
        return
    fixes = drive(points)
    found = compared(PARK, fixes, journey)
    assert found.only_old == () and found.only_new == ()
    assert all(old.key == new.key for old, new in found.both)


@FEW
@given(st.lists(spots, min_size=2, max_size=3))
def test_every_offence_of_either_judging_is_told_once(points):
    if LineString(points).length < 50:
        return
    old, new = grounds(PARK, with_version(PARK, WIDER))
    from parking.rules.monitor import rejudge

    fixes = drive(points)
    now = max(f.time for f in fixes)
    one, other = (
        [f for f in rejudge(g, fixes, lambda _: STRANGER, now).findings if f.offence] for g in (old, new)
    )
    found = paired(one, other)
    assert sorted(map(id, one)) == sorted(map(id, [*found.only_old, *(a for a, _ in found.both)]))
    assert sorted(map(id, other)) == sorted(map(id, [*found.only_new, *(b for _, b in found.both)]))
