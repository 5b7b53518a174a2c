"""What a terminal holds of the park follows the park, and what it does not take is said."""

from __future__ import annotations

from datetime import timedelta

import pytest
from shapely import box, to_wkb
from sqlalchemy import func, select

from parking.models import (
    Command,
    LayerVersion,
    ParkRow,
    TerminalFence,
)
from parking.refused import Refused
from parking.rules.fences import PARTS
from parking.services import (
    fences,
)
from parking.vocabulary import (
    CommandFault,
    CommandKind,
    CommandState,
    FenceState,
    Refusal,
)
from tests import land
from tests.terminal_stories import NOW, WHO, answer_all, held, words


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
