"""The terminal's own alarms: each told once, tied to our area and our violation."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from parking.models import (
    Command,
    FixRow,
    TerminalEvidence,
    TerminalFence,
    Violation,
)
from parking.services import (
    fences,
    terminal_evidence,
    tracking,
)
from parking.services.tracking import TerminalFix
from parking.vocabulary import (
    ViolationKind,
)
from tests import land
from tests.terminal_stories import NOW, PHONE, WHO, answer_all, crossing, kept, report


def test_an_alarm_that_stays_set_is_one_alarm_until_a_report_lacks_it(session, terminal):
    for second in (0, 10, 20):
        report(session, second, 1 << 23)
    report(session, 30)
    for second in (40, 50):
        report(session, second, 1 << 23)
    assert kept(session) == [("terminal_route_left", None, 0, 20), ("terminal_route_left", None, 40, 50)]
    terminal_evidence.sweep(session, NOW)
    ends = [r.ended_at for r in session.scalars(select(TerminalEvidence).order_by(TerminalEvidence.id))]
    assert ends == [land.START + timedelta(seconds=30), None]


def test_a_report_sent_twice_or_late_adds_no_alarm(session, terminal):
    for second in (0, 20):
        report(session, second, 1 << 23)
    report(session, 20, 1 << 23)
    report(session, 10, 1 << 23)
    assert kept(session) == [("terminal_route_left", None, 0, 20)]
    report(session, 100)
    report(session, 60, 1 << 23)
    assert kept(session) == [("terminal_route_left", None, 0, 60)]


def test_in_and_out_are_two_alarms_and_what_waits_to_be_sent_confirms_both(session, terminal):
    report(session, 0, 1 << 20, crossing(8, "in"))
    report(session, 10, 1 << 20, crossing(8, "in"))
    report(session, 20, 1 << 20, crossing(8, "out"))
    assert [(d, a, b) for _, d, a, b in kept(session)] == [("in", 0, 10), ("out", 20, 20)]
    (asked,) = session.scalars(select(Command)).all()
    assert (asked.kind, asked.payload, asked.asked_by) == (
        "confirm_alarm", {"bits": 1 << 20, "serial": 0}, "system",
    )  # fmt: skip
    answer_all(session)
    report(session, 30, 1 << 20, crossing(8, "in"))
    assert len(session.scalars(select(Command)).all()) == 2


def test_an_emergency_is_never_confirmed_by_itself(session, terminal):
    report(session, 0, 1)
    assert kept(session) == [] and session.scalar(select(func.count()).select_from(Command)) == 0


def test_the_alarm_names_the_area_of_ours_it_is_about(session, terminal):
    fences.push(session, terminal.id, NOW, *WHO)
    answer_all(session)
    numbers = {r.code: r.number for r in session.scalars(select(TerminalFence))}
    report(session, 0, 1 << 20, crossing(numbers["CL"]))
    report(session, 10, 1 << 21, crossing(numbers["R1"], "out", 4))
    segment = (numbers["R2"] * 256 + 3) % 2**32
    report(session, 20, 1 << 22, {"segment_time": {"id": segment, "seconds": 9, "result": "too_short"}})
    report(session, 30, 1 << 20, crossing(numbers["CL"], kind=1))
    found = session.scalars(select(TerminalEvidence).order_by(TerminalEvidence.id)).all()
    assert [r.code for r in found] == ["CL", "R1", "R2", None], "a circle of that number is not ours"


def test_evidence_of_the_terminal_is_linked_to_our_violation_of_that_time(session, terminal):
    report(session, 0, 1 << 20, crossing(8, "in"))
    report(session, 5, 1 << 1, {"overspeed_area": {"kind": 0}})
    ours = [
        _violation(session, terminal, ViolationKind.BOUNDARY_CROSSING, 60),
        _violation(session, terminal, ViolationKind.BOUNDARY_CROSSING, 5000),
        _violation(session, terminal, ViolationKind.ILLEGAL_STOP, 0),
    ]
    assert terminal_evidence.sweep(session, NOW) == 1
    found = session.scalars(select(TerminalEvidence.violation_id).order_by(TerminalEvidence.id)).all()
    assert found == [ours[0], None]
    assert terminal_evidence.sweep(session, NOW) == 0


def _violation(session, terminal, kind, second):
    at = land.START + timedelta(seconds=second)
    made = Violation(
        vehicle_id=terminal.vehicle_id, kind=kind, subject="BD", started_at=at, ended_at=at, lon=None,
        lat=None, certainty="certain", facts={}, late=False, state="open", seen_at=at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def test_a_time_nobody_believes_is_replaced_by_the_time_it_came(session, terminal):
    fix = land.fix(0, 0, 0, alarm=1 << 23)
    future = land.fix(0, 0, 10**6, alarm=1 << 23)
    tracking.take(session, [TerminalFix(PHONE, 1, 0, fix)], NOW)
    tracking.take(session, [TerminalFix(PHONE, 2, 0, future)], NOW)
    (one,) = session.scalars(select(TerminalEvidence)).all()
    assert one.lon is not None and (one.first_at, one.last_at) == (fix.time, NOW)
    assert session.scalars(select(FixRow.mark).order_by(FixRow.time)).all() == [None, "future"]
