"""Pages for terminals: what is asked goes into the table once, with who asked; nobody does another's duty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from geo.fix import Fix
from parking.db import reading, transaction
from parking.models import (
    Command,
    Terminal,
    TerminalConflict,
    TerminalEvidence,
    TerminalRequest,
    Violation,
)
from parking.services import commands, terminals, tracking
from parking.services.commands import Outcome
from parking.services.tracking import TerminalFix
from tests.visitors import Site, Visitor, hidden, text

pytestmark = pytest.mark.servers
NOW = datetime.now(UTC).replace(microsecond=0)
PHONE, OTHER = "13900000001", "13900000666"
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def chief(site: Site) -> Visitor:
    return site.signed_in("supervisor")


@pytest.fixture
def terminal(site: Site) -> int:
    with transaction(site.engine) as session:
        terminals.register(session, PHONE, "晋M12345", 2, NOW, version="2019", maker="HAZPK", device_id="A1")
        fixes = [
            Fix(NOW - timedelta(seconds=10 * n + 4), 110.92 - n * 5e-4, 35.68, 20.0, located=n > 0, status=2)
            for n in range(4)
        ]
        batch = [TerminalFix(PHONE, n, 0, f) for n, f in enumerate(fixes)]
        tracking.take(session, batch, NOW)
        return session.scalars(select(Terminal.id)).one()


def asked(site: Site) -> list[Command]:
    with reading(site.engine) as session:
        found = session.scalars(select(Command).order_by(Command.id)).all()
        session.expunge_all()
        return list(found)


def test_the_registry_shows_how_a_terminal_reports(site: Site, chief: Visitor, terminal: int):
    found = text(chief.get("/terminals"))
    assert PHONE in found and "晋M12345" in found and "2019" in found and "HAZPK" in found
    assert "25% 共 4 点" in found and "1 台" in found
    assert PHONE not in text(chief.get("/terminals?q=138")).replace("晋", "")
    page = text(site.signed_in("supervisor", "en").get(f"/terminals/{terminal}"))
    assert "JT/T 808-2019" in page and "25.0% of the newest 4 positions" in page


def test_a_text_is_asked_once_however_often_its_form_is_sent(site: Site, chief: Visitor, terminal: int):
    page = f"/terminals/{terminal}"
    key = hidden(chief.get(page), "key")
    for _ in range(2):
        sent = chief.send(
            f"{page}/tell", page, order_text=f"请驶离 {HOSTILE}", urgent="1", speak="1", key=key
        )
        assert sent.status_code == 303
    (command,) = asked(site)
    assert command.payload == {"text": f"请驶离 {HOSTILE}", "urgent": True, "speak": True}
    assert command.asked_by == "supervisor:supervisor"
    shown = chief.get(page).get_data(as_text=True)
    assert "待下发" in shown and "<script>alert" not in shown


def test_what_cannot_be_asked_is_said_and_typed_words_stay(site: Site, chief: Visitor, terminal: int):
    page = f"/terminals/{terminal}"
    refused = chief.send(f"{page}/tell", page, order_text="好😀")
    assert refused.status_code == 422 and "😀" in text(refused) and not asked(site)
    wrong = chief.send(f"{page}/order", page, act="parameters", parameter_report_s="0")
    assert wrong.status_code == 422 and "1 至 3600" in text(wrong)
    assert chief.send(f"{page}/order", page, act="parameters").status_code == 422
    assert chief.send(f"{page}/order", page, act="track", order_interval_s="x").status_code == 422
    assert chief.send(f"{page}/order", page, act="dance").status_code == 400
    assert chief.get("/terminals/999999").status_code == 404


def test_every_form_of_the_page_asks_its_command(site: Site, chief: Visitor, terminal: int):
    page = f"/terminals/{terminal}"
    for where, fields in (
        ("tell", {"act": "locate"}), ("order", {"act": "attributes"}), ("order", {"act": "ask_parameters"}),
        ("order", {"act": "restart"}), ("order", {"act": "confirm", "bit": "20"}),
        ("order", {"act": "track", "order_interval_s": "5", "order_valid_s": "60"}),
        ("order", {"act": "parameters", "parameter_report_s": "30"}),
    ):  # fmt: skip
        assert chief.send(f"{page}/{where}", page, **fields).status_code == 303, fields
    assert [c.kind for c in asked(site)] == [
        "locate_now", "ask_attributes", "ask_parameters", "restart_terminal", "confirm_alarm",
        "track_for_a_while", "set_parameters",
    ]  # fmt: skip


def test_a_dispatcher_tells_the_driver_and_does_nothing_more(site: Site, terminal: int):
    dispatcher, page = site.signed_in("dispatcher"), f"/terminals/{terminal}"
    assert dispatcher.send(f"{page}/tell", page, order_text="请驶离").status_code == 303
    for where, fields in (("order", {"act": "restart"}), ("areas", {"act": "push"}), ("release", {})):
        assert dispatcher.send(f"{page}/{where}", page, **fields).status_code == 403
    shown = text(dispatcher.get(page))
    assert "设置参数" not in shown and "解绑" not in shown
    (command,) = asked(site)
    taken = dispatcher.send(f"{page}/commands/{command.id}/withdraw", page)
    assert taken.status_code == 303 and "下发前已撤回" in text(dispatcher.get(page))


def test_an_answer_shows_in_the_list_of_commands(site: Site, chief: Visitor, terminal: int):
    page = f"/terminals/{terminal}"
    chief.send(f"{page}/tell", page, act="locate")
    reply = {
        "time": NOW.isoformat(),
        "lat": 35.68,
        "lon": 110.92,
        "speed_kmh": 12.0,
        "heading": 0,
        "located": True,
    }
    with transaction(site.engine) as session:
        (claimed,) = commands.claim(session, [PHONE], "gw", datetime.now(UTC))
        commands.settle(session, [Outcome(claimed.id, 0, reply)], NOW)
    found = text(chief.get(f"{page}/commands"))
    assert "已应答" in found and "35.680000° N, 110.920000° E" in found and "12 km/h" in found


def test_pushing_needs_a_park_and_a_vehicle(site: Site, chief: Visitor, terminal: int):
    page = f"/terminals/{terminal}"
    assert chief.send(f"{page}/areas", page, act="push").status_code == 303  # the little lot has no lines
    with transaction(site.engine) as session:
        session.get(Terminal, terminal).vehicle_id = None
    refused = chief.send(f"{page}/areas", page, act="push")
    assert refused.status_code == 422 and "未绑定车辆" in text(refused)


def test_a_released_terminal_makes_room_for_another(site: Site, chief: Visitor, terminal: int):
    page = f"/terminals/{terminal}"
    assert chief.send(f"{page}/release", page, order_reason=" ").status_code == 422
    assert chief.send(f"{page}/release", page, order_reason="换卡", bar="1").status_code == 303
    with transaction(site.engine) as session:
        assert terminals.register(session, OTHER, "晋M12345", 2, NOW).result == 0
        assert terminals.register(session, PHONE, "晋M12345", 2, NOW).result == 4
    assert "换卡" in text(chief.get("/terminals"))


def test_strangers_are_let_in_or_kept_out_on_the_page(site: Site, chief: Visitor):
    with transaction(site.engine) as session:
        for n in (1, 2):
            terminals.register(
                session,
                f"1381111000{n}",
                f"晋M7777{n}",
                2,
                NOW,
                enrolment="known",
                maker="<script>x</script>",
            )
        ids = session.scalars(select(TerminalRequest.id).order_by(TerminalRequest.id)).all()
    page = chief.get("/terminals")
    assert "待准入" in text(page) and "<script>x" not in page.get_data(as_text=True)
    assert chief.send(f"/terminals/requests/{ids[0]}", "/terminals", act="grant").status_code == 303
    assert chief.send(f"/terminals/requests/{ids[1]}", "/terminals", act="deny").status_code == 422
    denied = chief.send(f"/terminals/requests/{ids[1]}", "/terminals", act="deny", order_reason="不明")
    assert denied.status_code == 303
    assert chief.send(f"/terminals/requests/{ids[0]}", "/terminals", act="grant").status_code == 422
    with transaction(site.engine) as session:
        results = [
            terminals.register(
                session,
                f"1381111000{n}",
                f"晋M7777{n}",
                2,
                NOW,
                enrolment="known",
                maker="<script>x</script>",
            ).result
            for n in (1, 2)
        ]
    assert results == [0, 4]
    assert chief.send(f"/terminals/requests/{ids[1]}", "/terminals", act="readmit").status_code == 303


def test_a_conflict_is_shown_until_somebody_says_what_was_found(site: Site, chief: Visitor, terminal: int):
    with transaction(site.engine) as session:
        assert terminals.register(session, OTHER, "晋M12345", 2, NOW).result == 1
        conflict = session.scalars(select(TerminalConflict.id)).one()
    assert "两台终端申报同一车牌" in text(chief.get("/terminals"))
    assert chief.send(f"/terminals/conflicts/{conflict}", "/terminals", remark="").status_code == 422
    assert chief.send(f"/terminals/conflicts/{conflict}", "/terminals", remark="已核实").status_code == 303
    found = text(chief.get("/terminals"))
    assert "已核实" in found and "已处理" in found


def test_a_violation_shows_what_the_terminal_found_of_it(site: Site, chief: Visitor, terminal: int):
    with transaction(site.engine) as session:
        vehicle = session.get(Terminal, terminal).vehicle_id
        violation = Violation(
            vehicle_id=vehicle, kind="route_deviation", subject="", started_at=NOW, ended_at=None, lon=None,
            lat=None, certainty="certain", facts={"largest_offset_m": 90.0}, late=False, state="open",
            seen_at=NOW,
        )  # fmt: skip
        session.add(violation)
        session.flush()
        session.add(
            TerminalEvidence(
                terminal_id=terminal, vehicle_id=vehicle, alarm="terminal_route_left", first_at=NOW,
                last_at=NOW, serial=1, facts={}, violation_id=violation.id, seen_at=NOW,
            )
        )  # fmt: skip
        number = violation.id
    assert "路线偏离（终端判定）" in text(chief.get(f"/violations/{number}"))
    assert f"第 {number} 号" in text(chief.get(f"/terminals/{terminal}"))
    with reading(site.engine) as session:
        assert session.scalar(select(func.count()).select_from(TerminalEvidence)) == 1
