"""The life of a command: asked once, sent in order, given up in time, on record."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from parking.models import (
    Audit,
)
from parking.refused import Refused
from parking.rules import orders
from parking.services import (
    commands,
)
from parking.services.commands import Outcome
from parking.vocabulary import (
    CommandFault,
    CommandState,
    Refusal,
)
from tests.terminal_stories import NOW, PHONE, WHO, ask, claim, words


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


def test_where_park_time_runs_fast_a_terminal_has_its_seconds_all_the_same(session, terminal):
    command = ask(session, terminal)
    assert commands.claim(session, [PHONE], "g", NOW, pace=60)[0].id == command.id
    assert command.due_at == NOW + timedelta(minutes=10)
