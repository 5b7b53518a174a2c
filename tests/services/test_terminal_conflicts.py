"""Two terminals with one plate, one terminal in two places: news once, until somebody looked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from parking.models import (
    Letter,
    Notice,
    TerminalConflict,
)
from parking.refused import Refused
from parking.services import (
    conflicts,
    notices,
    terminal_watch,
)
from parking.services.terminal_watch import Seen
from parking.vocabulary import (
    ConflictKind,
    Refusal,
)
from tests import land
from tests.terminal_stories import NOW, PHONE, WHO, open_conflicts, register, report, told, words


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


def test_the_newest_connection_wins_whichever_gateway_writes_first(session, terminal):
    def seen(gateway, second):
        at = NOW + timedelta(seconds=second)
        return Seen(PHONE, "2013", "10.0.0.1", gateway=gateway, at=at)

    since = NOW - timedelta(seconds=30)
    terminal_watch.connected(session, [seen("g2", 5)], NOW)
    terminal_watch.connected(session, [seen("g1", 0)], NOW + timedelta(seconds=1))
    session.flush()
    assert terminal_watch.moved(session, "g1", since) == [PHONE]
    assert terminal_watch.moved(session, "g2", since) == []
    terminal_watch.connected(session, [seen("g1", 9)], NOW + timedelta(seconds=10))
    session.flush()
    assert terminal_watch.moved(session, "g2", since) == [PHONE]
