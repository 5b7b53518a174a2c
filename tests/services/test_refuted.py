"""What all positions together do not show accuses nobody any more; but nothing of it is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from parking.models import (
    Audit,
    Bay,
    Booking,
    FixRow,
    Hold,
    Letter,
    Lot,
    Notice,
    ParkRow,
    Passage,
    Vehicle,
    Violation,
    Watch,
)
from parking.refused import Refused
from parking.rules.monitor import State
from parking.rules.policy import PolicyWrong
from parking.services import notices, silence, terminals, tracking, violations
from parking.services import park as parks
from parking.vocabulary import Mark, Refusal, Role
from tests import land
from tests.land import START, after, drive, fix, stand
from tests.rules.test_belief import sent_as_gcj02
from tests.truck_stories import PHONE, deliver, take

WANG = "supervisor:wang"


def of(session, kind):
    session.flush()
    return session.scalars(
        select(Violation).where(Violation.kind == kind).order_by(Violation.started_at)
    ).all()


#: Out through the gate and then to the west. Without the middle it looks like a way out through the fence.
BEFORE = [fix(0, -430 - 10 * n, 5 * n, 20) for n in range(3)]
MIDDLE = [fix(0, -480, 15, 20), fix(0, -520, 20, 20), fix(0, -600, 30, 20), fix(-100, -620, 40, 20)]
AFTER = [fix(-250 - 20 * n, -620, 50 + 5 * n, 20) for n in range(4)]


@pytest.fixture
def refuted(loaded):
    """A crossing of the fence that late fixes turned into a passage through the gate."""
    take(loaded, BEFORE + AFTER)
    (accused,) = of(loaded, "boundary_crossing")
    assert accused.state == "open"
    take(loaded, MIDDLE, AFTER[-1].time)
    deliver(loaded, AFTER[-1].time)
    return loaded


def test_a_crossing_that_late_fixes_do_not_show_is_refuted_and_stays_on_record(refuted):
    (accused,) = of(refuted, "boundary_crossing")
    assert accused.state == "refuted"
    gates = refuted.scalars(select(Passage).where(Passage.refuted_at.is_(None))).all()
    assert [p.kind for p in gates] == ["boundary_at_gate"]


def test_what_it_said_before_is_in_the_audit_trail(refuted):
    (accused,) = of(refuted, "boundary_crossing")
    (line,) = refuted.scalars(select(Audit).where(Audit.action == "refuted", Audit.subject == "violation"))
    assert line.subject_id == accused.id
    assert line.facts["before"]["state"] == "open"
    assert line.facts["before"]["facts"]["direction"] == "out"


def test_the_supervisor_is_told_once(refuted):
    (letter,) = refuted.scalars(select(Letter).where(Letter.name == "violation_refuted")).all()
    assert [notices.announce(refuted, letter, START) for _ in range(2)] == [1, 0]
    (notice,) = refuted.scalars(select(Notice).where(Notice.letter_id == letter.id)).all()
    assert (notice.role, notice.facts["kind"]) == (Role.SUPERVISOR, "boundary_crossing")


def test_there_is_nothing_to_acknowledge_any_more(refuted):
    (accused,) = of(refuted, "boundary_crossing")
    with pytest.raises(Refused) as no:
        violations.acknowledge(refuted, accused.id, "已核实", START, "supervisor:wang", "test")
    assert no.value.reasons[0].word == Refusal.VIOLATION_REFUTED


def test_judging_again_refutes_only_once(refuted):
    lines = len(refuted.scalars(select(Audit)).all())
    vehicle = of(refuted, "boundary_crossing")[0].vehicle_id
    tracking.judge_again(refuted, vehicle, MIDDLE[0].time, AFTER[-1].time)
    assert len(refuted.scalars(select(Audit)).all()) == lines
    assert len(refuted.scalars(select(Letter).where(Letter.name == "violation_refuted")).all()) == 1


def test_an_acknowledged_one_keeps_what_people_wrote(loaded):
    take(loaded, BEFORE + AFTER)
    (accused,) = of(loaded, "boundary_crossing")
    violations.acknowledge(loaded, accused.id, "已核实", AFTER[-1].time, WANG, "test")
    take(loaded, MIDDLE, AFTER[-1].time)
    deliver(loaded, AFTER[-1].time)
    (accused,) = of(loaded, "boundary_crossing")
    assert (accused.state, accused.remark, accused.acknowledged_by) == (
        "refuted",
        "已核实",
        "supervisor:wang",
    )
    (line,) = loaded.scalars(select(Audit).where(Audit.action == "refuted", Audit.subject == "violation"))
    assert line.facts["before"]["state"] == "acknowledged"


def test_what_is_found_again_is_open_again_and_told_again(refuted):
    """Still later fixes show that it did go over the fence, 100 m beside the gate."""
    beside = [fix(-100, -490, 17, 20), fix(-100, -520, 18, 20)]
    take(refuted, beside, AFTER[-1].time)
    deliver(refuted, AFTER[-1].time)
    (back,) = of(refuted, "boundary_crossing")
    assert back.state == "open"
    actions = [a.action for a in refuted.scalars(select(Audit).order_by(Audit.id)) if a.subject_id == back.id]
    assert "refuted" in actions and actions[-1] == "reinstated"
    told = refuted.scalars(select(Letter).where(Letter.name == "violation_seen")).all()
    assert len([t for t in told if t.payload["violation_id"] == back.id]) == 2


def test_a_stop_in_two_halves_is_refuted_when_it_drove_between_them(loaded):
    take(loaded, [*stand(0, 100, 200), *stand(0, 100, 200, begin=500)])
    assert [v.state for v in of(loaded, "illegal_stop")] == ["open"]
    away = drive([(0, 100), (0, 350), (0, 100)], kmh=7, every_s=20, begin=210)
    take(loaded, away, START + timedelta(seconds=800))
    deliver(loaded, START + timedelta(seconds=800))
    assert [v.state for v in of(loaded, "illegal_stop")] == ["refuted"]


def test_a_beginning_that_came_late_corrects_time_and_place(loaded):
    standing = stand(0, 100, 900)
    take(loaded, standing[20:])
    (stop,) = of(loaded, "illegal_stop")
    assert stop.started_at == standing[20].time
    take(loaded, standing[:20], standing[-1].time)
    deliver(loaded, standing[-1].time)
    (stop,) = of(loaded, "illegal_stop")
    assert (stop.started_at, stop.state, stop.facts["seconds"]) == (standing[0].time, "open", 900)
    corrected = select(Audit).where(Audit.action == "corrected_by_late_fixes", Audit.subject_id == stop.id)
    (line,) = loaded.scalars(corrected)
    assert line.facts["before"]["started_at"] == standing[20].time.isoformat()


def test_a_passage_that_did_not_happen_is_refuted_too(loaded):
    """One fix beyond the control line; the fixes around it, sent later, leave no second to get there."""
    take(loaded, [fix(0, -1300, 0, 30), fix(0, -960, 60, 30), fix(0, -1120, 120, 30)])
    passages = loaded.scalars(select(Passage)).all()
    assert len(passages) == 2
    take(loaded, [fix(0, -1100, 59, 30), fix(0, -1098, 61, 30)], START + timedelta(seconds=130))
    deliver(loaded, START + timedelta(seconds=130))
    assert all(p.refuted_at for p in loaded.scalars(select(Passage)))
    marks = loaded.scalars(select(FixRow.mark).order_by(FixRow.time)).all()
    assert marks == [None, Mark.LATE, Mark.TELEPORT, Mark.LATE, None]
    lines = loaded.scalars(select(Audit).where(Audit.subject == "passage", Audit.action == "refuted")).all()
    assert {a.subject_id for a in lines} == {p.id for p in passages}


def test_a_gap_that_late_fixes_fill_was_no_silence_but_one_people_were_told_of_was(loaded):
    way = drive([(0, 0), (0, 60)], kmh=5)
    on = drive([(0, 100), (0, 160)], kmh=5, begin=900)
    between = [fix(0, 60 + n / 25, after(way) + 20 * n, 3) for n in range(40)]
    take(loaded, way + on)
    assert [v.state for v in of(loaded, "lost_signal")] == ["open"]
    take(loaded, between, on[-1].time)
    deliver(loaded, on[-1].time)
    assert [v.state for v in of(loaded, "lost_signal")] == ["refuted"]


def test_a_silence_told_while_it_lasted_stays(loaded):
    way = drive([(0, 0), (0, 60)], kmh=5)
    take(loaded, way)
    silence.sweep(loaded, way[-1].time + timedelta(seconds=400))
    (told,) = of(loaded, "lost_signal")
    between = [fix(0, 60 + n / 25, after(way) + 20 * n, 3) for n in range(40)]
    take(loaded, [fix(0, 100, 900, 5)], START + timedelta(seconds=905))
    take(loaded, between, START + timedelta(seconds=910))
    deliver(loaded, START + timedelta(seconds=910))
    assert [(v.id, v.state) for v in of(loaded, "lost_signal")] == [(told.id, "open")]


def test_what_a_displaced_terminal_seemed_to_do_is_refuted_when_it_is_found_out(loaded):
    seemed = sent_as_gcj02(drive([(0, -1200), (0, 380)], kmh=28))
    for n in range(0, len(seemed), 5):
        take(loaded, seemed[n : n + 5])
    assert any(v.state == "open" for v in loaded.scalars(select(Violation)))
    deliver(loaded, seemed[-1].time)
    loaded.expire_all()
    assert {v.state for v in loaded.scalars(select(Violation))} == {"refuted"}
    assert set(loaded.scalars(select(FixRow.mark))) == {Mark.GCJ02}
    assert State.from_json(loaded.scalars(select(Watch)).one().state).displaced


def test_judged_again_days_later_on_time_fixes_are_still_believed(loaded):
    """A terminal kept one fix back for 71 hours; what came at once then is older than 72 hours now."""
    way = drive([(-300, -430), (-300, -650)])
    late = way.pop(3)
    take(loaded, way)
    before = [(v.kind, v.started_at, v.state) for v in loaded.scalars(select(Violation))]
    much_later = way[0].time + timedelta(hours=73)
    loaded.flush()
    tracking.judge_again(loaded, loaded.scalars(select(Vehicle.id)).one(), late.time, much_later)
    assert [(v.kind, v.started_at, v.state) for v in loaded.scalars(select(Violation))] == before
    assert set(loaded.scalars(select(FixRow.mark))) == {None}


def test_a_booking_made_afterwards_refutes_nothing(loaded):
    """It had none when it came; that one was written for it later is no evidence of where it was."""
    way = drive([(0, -1200), (0, -700)])
    late = way.pop(4)
    take(loaded, way)
    assert [v.state for v in of(loaded, "ring_unbooked")] == ["open"]
    lot = loaded.scalars(select(Lot.id)).one()
    loaded.add(
        Booking(
            code="B1", lot_id=lot, plate="晋M00001", plate_colour=2, carrier="某公司", driver_name="王",
            driver_phone="13800000000", escort_name="李", waybill_no="W1", mass_kg=0, load_state="loaded",
            window_start=START - timedelta(hours=1), window_end=START + timedelta(hours=3), state="approved",
            created_at=START + timedelta(minutes=10),
        )
    )  # fmt: skip
    take(loaded, [late], way[-1].time)
    deliver(loaded, way[-1].time)
    assert [v.state for v in of(loaded, "ring_unbooked")] == ["open"]


def test_a_policy_changed_afterwards_refutes_nothing(loaded):
    way = drive([(0, -1200), (0, -700)])
    late = way.pop(4)
    take(loaded, way)
    milder = replace(land.park(), policy={"ring_unbooked": False})
    parks.load(loaded, milder, [], START + timedelta(hours=1), "test")
    take(loaded, [late], START + timedelta(hours=1, seconds=5))
    deliver(loaded, START + timedelta(hours=1, seconds=5))
    assert [v.state for v in of(loaded, "ring_unbooked")] == ["open"]


def test_a_control_line_with_numbers_nobody_can_read_is_not_loaded(session):
    broken = land.feature(land.LayerKind.CONTROL_LINE, "CL2", land.box(-9, -9, 9, 9), ring_stop="perhaps")
    with pytest.raises(PolicyWrong, match="CL2"):
        parks.load(session, land.park(broken), [], START, "test")
    assert session.scalars(select(ParkRow)).all() == []


@pytest.mark.parametrize("hours", [0, 5])
def test_a_wrong_bay_older_than_the_look_back_stays_one_episode(session, hours):
    """It stands in the wrong bay for hours; a late fix makes no second accusation of it, and ends none."""
    bays = [
        land.feature(
            land.LayerKind.BAY, f"B{n:02d}", land.box(-400 + 4 * n, -360, -396 + 4 * n, -340),
            zone="LOT", length_m=20, width_m=4,
        )
        for n in range(20)
    ]  # fmt: skip
    parks.load(session, land.park(*bays), [], START, "test")
    terminals.register(session, PHONE, "晋M00001", 2, START)
    lot = session.scalars(select(Lot.id)).one()
    booking = Booking(
        code="B1", lot_id=lot, plate="晋M00001", plate_colour=2, carrier="某公司", driver_name="王",
        driver_phone="13800000000", escort_name="李", waybill_no="W1", mass_kg=0, load_state="loaded",
        window_start=START, window_end=START + timedelta(hours=9), state="used", created_at=START,
    )  # fmt: skip
    session.add(booking)
    session.flush()
    bay = session.scalars(select(Bay.id).where(Bay.code == "B02")).one()
    during = Range(START, START + timedelta(hours=9))
    session.add(
        Hold(bay_id=bay, booking_id=booking.id, during=during, state="occupied", held_at=START, held_by="t")
    )
    standing = stand(-350, -350, 1200 + 3600 * hours, every_s=60)
    late = standing.pop(-8)
    take(session, standing)
    (told,) = of(session, "wrong_bay")
    take(session, [late], standing[-1].time)
    deliver(session, standing[-1].time)
    take(session, stand(-350, -350, 300, begin=after(standing, 60), every_s=60))
    (still,) = of(session, "wrong_bay")
    assert (still.id, still.started_at, still.ended_at, still.state) == (told.id, START, None, "open")
