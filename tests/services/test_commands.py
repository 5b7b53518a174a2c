"""The life of a command; what a terminal holds; its own alarms; who is let in and who disagrees."""

from __future__ import annotations

from datetime import timedelta

import pytest
from shapely import box, to_wkb
from sqlalchemy import func, select

from parking.models import (
    Audit,
    Command,
    FixRow,
    LayerVersion,
    Letter,
    Notice,
    ParkRow,
    Terminal,
    TerminalConflict,
    TerminalEvidence,
    TerminalFence,
    TerminalRequest,
    Violation,
)
from parking.refused import Refused
from parking.rules import orders
from parking.rules.fences import PARTS
from parking.services import (
    commands,
    conflicts,
    enrolment,
    evidence,
    fences,
    notices,
    terminal_requests,
    terminal_watch,
    terminals,
    tracking,
)
from parking.services import park as parks
from parking.services.commands import Outcome
from parking.services.terminal_watch import Seen
from parking.services.tracking import TerminalFix
from parking.vocabulary import (
    CommandFault,
    CommandKind,
    CommandState,
    ConflictKind,
    FenceState,
    Refusal,
    RequestState,
    ViolationKind,
)
from tests import land

NOW = land.START + timedelta(minutes=10)
WHO = ("supervisor:li", "10.0.0.4")
PHONE = "13900000001"


@pytest.fixture
def terminal(session) -> Terminal:
    parks.load(session, land.park(), [], land.START, "test")
    terminals.register(session, PHONE, "晋M12345", 2, NOW, version="2013", device_id="A1")
    found = session.scalars(select(Terminal)).one()
    found.last_seen_at = NOW
    session.flush()
    return found


def ask(session, terminal, order=None, now=NOW, **more) -> Command:
    return commands.ask(session, terminal.id, order or orders.text("请驶离"), now, *WHO, **more)


def claim(session, now=NOW, phone=PHONE):
    return [c.id for c in commands.claim(session, [phone], "g", now)]


def words(refused) -> list:
    return [r.word for r in refused.value.reasons]


def test_who_asked_what_stays_on_record_and_the_same_form_sent_twice_is_one_command(session, terminal):
    first, again = ask(session, terminal, key="k1"), ask(session, terminal, key="k1")
    assert first.id == again.id and first.asked_by == "supervisor:li"
    line = session.scalars(select(Audit).where(Audit.subject == "command")).one()
    assert (line.actor, line.action, line.facts["kind"]) == ("supervisor:li", "asked", "send_text")
    assert ask(session, terminal, key="k2").id != first.id


def test_a_command_nobody_answers_expires_and_is_never_sent_afterwards(session, terminal):
    command = ask(session, terminal, patience=timedelta(minutes=5))
    later = NOW + timedelta(minutes=5)
    assert claim(session, later) == []
    assert commands.sweep(session, later) == 1 and command.state == CommandState.EXPIRED
    assert commands.sweep(session, later) == 0
    commands.settle(session, [Outcome(command.id)], later)
    assert command.state == CommandState.EXPIRED, "what is over stays over"


def test_a_command_is_taken_back_only_before_it_is_sent(session, terminal):
    command = ask(session, terminal)
    commands.withdraw(session, command.id, NOW, *WHO)
    assert (command.state, command.fault) == (CommandState.FAILED, CommandFault.WITHDRAWN)
    sent = ask(session, terminal)
    assert claim(session) == [sent.id]
    with pytest.raises(Refused) as no:
        commands.withdraw(session, sent.id, NOW, *WHO)
    assert words(no) == [Refusal.COMMAND_OVER]


def test_a_claimed_command_is_due_again_after_growing_waits(session, terminal):
    command = ask(session, terminal)
    moments = [timedelta(seconds=s) for s in (0, 10, 30, 90, 330)]
    for wait in moments[:4]:
        assert claim(session, NOW + wait - timedelta(seconds=1)) == []
        assert claim(session, NOW + wait) == [command.id]
    assert claim(session, NOW + moments[4]) == []
    assert (command.state, command.fault) == (CommandState.FAILED, CommandFault.NO_ANSWER)


def test_orders_of_an_unknown_terminal_and_of_endless_patience_are_refused(session, terminal):
    with pytest.raises(Refused) as no:
        commands.ask(session, 10**9, orders.text("?"), NOW, *WHO)
    assert words(no) == [Refusal.TERMINAL_UNKNOWN]
    with pytest.raises(Refused) as no:
        ask(session, terminal, patience=timedelta(days=8))
    assert words(no) == [Refusal.OUT_OF_RANGE]


def answer_all(session, result=0, now=NOW):
    """The terminal takes everything it is sent."""
    done = []
    while claimed := commands.claim(session, [PHONE], "g", now):
        done += claimed
        commands.settle(session, [Outcome(c.id, result) for c in claimed], now)
    return [(c.kind, c.payload.get("number") or c.payload.get("numbers")) for c in done]


def held(session):
    session.expire_all()
    rows = session.scalars(select(TerminalFence).order_by(TerminalFence.kind, TerminalFence.number))
    return {(r.layer, r.code): FenceState(r.state) for r in rows}


def test_the_park_is_pushed_into_a_terminal_with_its_loss_and_is_there_once_answered(session, terminal):
    pushed = fences.push(session, terminal.id, NOW, *WHO)
    assert (pushed.set, pushed.deleted, pushed.not_held) == (5, 0, ())
    assert set(held(session).values()) == {FenceState.WANTED}
    sent = answer_all(session)
    assert [kind for kind, _ in sent].count(CommandKind.SET_ROUTE) == 2
    assert held(session) == dict.fromkeys(
        [("boundary", "BD"), ("control_line", "CL"), ("zone", "LOT"), ("route", "R1"), ("route", "R2")],
        FenceState.HELD,
    )
    line = session.scalars(select(TerminalFence).where(TerminalFence.code == "CL")).one()
    assert line.number == line.version_id * PARTS and line.loss["farthest_m"] < 1
    road = session.scalars(select(TerminalFence).where(TerminalFence.code == "R1")).one()
    assert road.loss["narrower_m"] >= road.loss["farthest_m"]
    assert fences.sweep(session, NOW) == 0, "nothing has changed"


def test_a_new_version_of_a_line_is_pushed_by_itself_and_the_old_one_deleted(session, terminal):
    fences.push(session, terminal.id, NOW, *WHO)
    answer_all(session)
    old = session.scalars(select(TerminalFence.number).where(TerminalFence.code == "CL")).one()
    _new_control_line(session, NOW + timedelta(days=1))
    assert fences.sweep(session, NOW) == 0, "not in force yet"
    later = NOW + timedelta(days=2)
    terminal.last_seen_at = later
    assert fences.sweep(session, later) == 1
    assert sorted(answer_all(session, now=later)) == sorted(
        [("delete_areas", [old]), ("set_area", session.scalars(
            select(TerminalFence.number).where(TerminalFence.code == "CL")).one())]
    )  # fmt: skip
    assert held(session)["control_line", "CL"] is FenceState.HELD
    assert session.scalar(select(func.count()).select_from(TerminalFence)) == 5


def _new_control_line(session, when):
    day = when.date()
    now_valid = session.scalars(select(LayerVersion).where(LayerVersion.code == "CL")).one()
    now_valid.effective_to = day
    park = session.scalars(select(ParkRow)).one()
    session.add(
        LayerVersion(
            park_id=park.id, kind="control_line", code="CL", name_zh="新线", name_en="new",
            wkb=to_wkb(land.placed(box(-1200, -1000, 1000, 1000))), attributes={}, document="x",
            issuing_body="x", approved_on=day, effective_from=day, sha256="n" * 64, loaded_at=NOW,
        )
    )  # fmt: skip
    park.loaded_at = NOW
    session.flush()


def test_another_approved_route_is_pushed_and_the_former_deleted(session, terminal, monkeypatch):
    fences.push(session, terminal.id, NOW, *WHO)
    answer_all(session)
    monkeypatch.setattr(fences, "_routes_of", lambda s, terminals, now: [("R2",)] * len(terminals))
    assert fences.sweep(session, NOW) == 1
    assert [kind for kind, _ in answer_all(session)] == ["delete_routes"]
    assert ("route", "R1") not in held(session) and ("route", "R2") in held(session)


def test_what_a_terminal_does_not_take_is_said_and_tried_again_after_a_day(session, terminal):
    fences.push(session, terminal.id, NOW, *WHO)
    answer_all(session, result=3)
    assert set(held(session).values()) == {FenceState.FAILED}
    assert fences.sweep(session, NOW + timedelta(hours=1)) == 0
    later = NOW + timedelta(days=1, minutes=1)
    terminal.last_seen_at = later
    assert fences.sweep(session, later) == 1
    answer_all(session, now=later)
    assert set(held(session).values()) == {FenceState.HELD}


def test_a_push_overtakes_one_that_nobody_sent_yet(session, terminal):
    fences.push(session, terminal.id, NOW, *WHO)
    fences.push(session, terminal.id, NOW, *WHO)
    assert len(answer_all(session)) == 5
    faults = session.scalars(select(Command.fault).where(Command.state == CommandState.FAILED)).all()
    assert faults == [CommandFault.REPLACED] * 5


def test_a_terminal_is_made_to_forget_and_then_left_alone(session, terminal):
    fences.push(session, terminal.id, NOW, *WHO)
    answer_all(session)
    assert fences.withdraw(session, terminal.id, NOW, *WHO).deleted == 5
    assert {kind for kind, _ in answer_all(session)} == {"delete_areas", "delete_routes"}
    assert held(session) == {} and fences.sweep(session, NOW) == 0


def test_nothing_is_pushed_into_a_terminal_that_speaks_for_no_vehicle(session, terminal):
    terminal.vehicle_id = None
    with pytest.raises(Refused) as no:
        fences.push(session, terminal.id, NOW, *WHO)
    assert words(no) == [Refusal.TERMINAL_UNBOUND]


def report(session, second, alarm=0, item=None, x=0.0, y=-1800.0, serial=None):
    fix = land.fix(x, y, second, 20.0, alarm=alarm)
    entry = TerminalFix(PHONE, second if serial is None else serial, 0, fix, item)
    tracking.take(session, [entry], fix.time)


def kept(session):
    session.expire_all()
    rows = session.scalars(select(TerminalEvidence).order_by(TerminalEvidence.first_at, TerminalEvidence.id))
    return [
        (r.alarm, r.direction, int((r.first_at - land.START).total_seconds()),
         int((r.last_at - land.START).total_seconds()))
        for r in rows
    ]  # fmt: skip


def crossing(number, direction="in", kind=3):
    return {"area_crossing": {"kind": kind, "id": number, "direction": direction}}


def test_an_alarm_that_stays_set_is_one_alarm_until_a_report_lacks_it(session, terminal):
    for second in (0, 10, 20):
        report(session, second, 1 << 23)
    report(session, 30)
    for second in (40, 50):
        report(session, second, 1 << 23)
    assert kept(session) == [("terminal_route_left", None, 0, 20), ("terminal_route_left", None, 40, 50)]
    evidence.sweep(session, NOW)
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


def test_in_and_out_are_two_alarms_and_each_is_confirmed_once(session, terminal):
    report(session, 0, 1 << 20, crossing(8, "in"))
    report(session, 10, 1 << 20, crossing(8, "in"))
    report(session, 20, 1 << 20, crossing(8, "out"))
    assert [(d, a, b) for _, d, a, b in kept(session)] == [("in", 0, 10), ("out", 20, 20)]
    asked = session.scalars(select(Command).order_by(Command.id)).all()
    assert [(c.kind, c.payload, c.asked_by) for c in asked] == [
        ("confirm_alarm", {"bits": 1 << 20, "serial": 0}, "system"),
        ("confirm_alarm", {"bits": 1 << 20, "serial": 20}, "system"),
    ]


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
    assert evidence.sweep(session, NOW) == 1
    found = session.scalars(select(TerminalEvidence.violation_id).order_by(TerminalEvidence.id)).all()
    assert found == [ours[0], None]
    assert evidence.sweep(session, NOW) == 0


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


def waiting(session):
    return session.scalars(select(TerminalRequest).order_by(TerminalRequest.id)).all()


def register(session, phone="13900000009", plate="晋M99999", now=NOW, enrolment_="known", **more):
    return terminals.register(session, phone, plate, 2, now, enrolment=enrolment_, **more).result


def test_a_stranger_asks_a_person_answers_and_he_registers(session, terminal):
    assert [register(session, maker="HAZPK"), register(session, maker="HAZPK")] == [4, 4]
    (request,) = waiting(session)
    assert (request.phone, request.plate, request.times, request.maker) == (
        "13900000009",
        "晋M99999",
        2,
        "HAZPK",
    )
    enrolment.grant(session, request.id, NOW, *WHO)
    assert register(session) == 0 and request.state == RequestState.GRANTED
    with pytest.raises(Refused) as no:
        enrolment.grant(session, request.id, NOW, *WHO)
    assert words(no) == [Refusal.REQUEST_OVER]


def test_who_is_denied_stays_out_also_where_enrolment_is_open_until_let_in_again(session, terminal):
    register(session)
    (request,) = waiting(session)
    with pytest.raises(Refused):
        enrolment.deny(session, request.id, " ", NOW, *WHO)
    enrolment.deny(session, request.id, "不明设备", NOW, *WHO)
    assert register(session, enrolment_="open") == 4
    enrolment.readmit(session, request.id, NOW, *WHO)
    assert register(session, enrolment_="open") == 0


def test_a_stranger_is_not_let_in_for_a_plate_that_has_a_terminal(session, terminal):
    register(session, plate="晋M12345")
    with pytest.raises(Refused) as no:
        enrolment.grant(session, waiting(session)[0].id, NOW, *WHO)
    assert words(no) == [Refusal.PLATE_HAS_TERMINAL]


def test_a_flood_of_strangers_is_kept_within_bounds_and_pushes_out_no_answer(session, terminal, monkeypatch):
    monkeypatch.setattr(terminal_requests, "MOST_WAITING", 5)
    register(session, "13911111111")
    enrolment.deny(session, waiting(session)[0].id, "不明", NOW, *WHO)
    for n in range(12):
        register(session, f"139{n:08d}", f"晋M{n:05d}", NOW + timedelta(seconds=n))
    assert [r.phone for r in waiting(session)] == ["13911111111", *(f"139{n:08d}" for n in range(7, 12))]


def test_a_released_vehicle_takes_a_new_terminal_at_once_and_the_old_code_is_worth_nothing(session, terminal):
    code = terminal.auth_code
    assert register(session, plate="晋M12345", enrolment_="open") == 1
    with pytest.raises(Refused):
        enrolment.release(session, terminal.id, "", NOW, *WHO)
    enrolment.release(session, terminal.id, "换卡", NOW, *WHO, bar=True)
    assert register(session, plate="晋M12345", enrolment_="open") == 0
    assert terminals.authenticate(session, PHONE, code, NOW) is None
    assert register(session, PHONE, "晋M12345", enrolment_="open") == 4, "its number was barred"
    line = session.scalars(select(Audit).where(Audit.action == "released")).one()
    assert line.facts["reason"] == "换卡" and line.actor == "supervisor:li"
    tracking.take(session, [TerminalFix(PHONE, 1, 0, land.fix(0, 0, 0))], NOW)
    assert session.scalars(select(FixRow.mark)).one() == "unbound"


def test_another_device_may_take_a_number_that_was_released(session, terminal):
    assert register(session, PHONE, "晋M12345", enrolment_="open", device_id="B2") == 3
    enrolment.release(session, terminal.id, "换设备", NOW, *WHO)
    assert register(session, PHONE, "晋M12345", enrolment_="open", device_id="B2") == 0


def open_conflicts(session):
    rows = session.scalars(select(TerminalConflict).order_by(TerminalConflict.id))
    return [(r.kind, r.phone, r.other, r.times, r.state) for r in rows]


def told(session):
    return [n for n in session.scalars(select(Letter.name)) if n == "terminals_disagree"]


def test_two_terminals_that_claim_one_plate_are_news_once_until_somebody_looked(session, terminal):
    for _ in range(3):
        assert register(session, "13900000666", "晋M12345", enrolment_="open") == 1
    assert open_conflicts(session) == [("plate_claimed", "13900000666", PHONE, 3, "conflict_open")]
    assert len(told(session)) == 1
    conflict = session.scalars(select(TerminalConflict)).one()
    with pytest.raises(Refused) as no:
        conflicts.close(session, conflict.id, " ", NOW, *WHO)
    assert words(no) == [Refusal.REMARK_MISSING]
    conflicts.close(session, conflict.id, "已联系承运企业", NOW, *WHO)
    register(session, "13900000666", "晋M12345", enrolment_="open")
    assert len(told(session)) == 2


def test_everybody_on_watch_reads_of_the_conflict(session, terminal):
    register(session, "13900000666", "晋M12345", enrolment_="open")
    letter = session.scalars(select(Letter).where(Letter.name == "terminals_disagree")).one()
    assert notices.announce(session, letter, NOW) == 2 and notices.announce(session, letter, NOW) == 0
    notice = session.scalars(select(Notice)).first()
    assert notice.severity == "alarm"
    assert notice.facts == {
        "phone": "13900000666",
        "other": PHONE,
        "conflict": "plate_claimed",
        "plate": "晋M12345",
    }


def test_another_device_with_the_same_number_is_a_conflict(session, terminal):
    register(session, PHONE, "晋M12345", enrolment_="open", device_id="B2")
    assert open_conflicts(session) == [("two_places", PHONE, "B2", 1, "conflict_open")]


def test_a_flood_of_claims_is_no_flood_of_news(session, terminal, monkeypatch):
    monkeypatch.setattr(conflicts, "MOST_OPEN", 5)
    for n in range(20):
        register(session, f"138{n:08d}", "晋M12345", enrolment_="open")
    assert len(open_conflicts(session)) == len(told(session)) == 5


def test_connections_from_two_addresses_in_turn_are_told(session, terminal):
    for n, source in enumerate(("10.0.0.1", "10.0.0.2") * 2):
        terminal_watch.connected(session, [Seen(PHONE, "2013", source)], NOW + timedelta(seconds=n))
    assert open_conflicts(session) == [("two_places", PHONE, "", 1, "conflict_open")]
    assert session.scalars(select(TerminalConflict.facts)).one() == {"sources": ["10.0.0.1", "10.0.0.2"]}


def test_positions_that_take_turns_are_told_and_a_single_jump_is_not(session, terminal):
    for n in range(8):
        report(session, 30 * n, x=0 if n != 3 else 15_000)
    assert terminal_watch.sweep(session, land.START + timedelta(seconds=240)) == 0
    for n in range(8, 20):
        report(session, 30 * n, x=15_000 if n % 2 else 0)
    assert terminal_watch.sweep(session, land.START + timedelta(seconds=600)) == 1
    assert terminal_watch.sweep(session, land.START + timedelta(seconds=601)) == 0
    ((kind, phone, *_),) = open_conflicts(session)
    assert (kind, phone) == (ConflictKind.POSITIONS_ALTERNATE, PHONE)
    assert session.scalars(select(TerminalConflict.facts)).one()["metres"] == pytest.approx(15_000, rel=0.02)
