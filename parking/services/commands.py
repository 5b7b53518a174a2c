"""Commands to terminals: asked by people, claimed by the gateway that holds the connection, answered.

At least once: a gateway that dies between sending and writing down the answer has the command sent again by
whoever holds the terminal next. Every effect is safe to repeat (setting the same area, asking again); a text
may be shown twice. Answers are written once: who comes second finds the command over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import String, any_, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session, aliased

from parking.models import Command, Terminal
from parking.refused import Refused, no
from parking.rules import retrying
from parking.rules.orders import Order
from parking.services import audit, command_effects
from parking.vocabulary import LIVE_COMMAND, CommandFault, CommandKind, CommandState, OrderField, Refusal

#: A command not answered in this time is given up, unless the person asks otherwise. Assumptions.
PATIENCE = timedelta(hours=1)
LONGEST_PATIENCE = timedelta(days=7)

#: Result byte of a general answer → why it failed (JT/T 808, message 0x0001).
_FAULTS: Mapping[int, CommandFault] = {
    1: CommandFault.REFUSED,
    2: CommandFault.NOT_UNDERSTOOD,
    3: CommandFault.NOT_SUPPORTED,
}

#: Kinds whose answer is a message of its own; the general answer only says that it was received.
REPLIED = frozenset(
    {CommandKind.LOCATE_NOW, CommandKind.ASK_PARAMETERS, CommandKind.ASK_ATTRIBUTES, CommandKind.ASK_AREAS}
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A command to be sent now. ``version``: the edition the terminal registered in, if it did."""

    id: int
    phone: str
    kind: CommandKind
    payload: Mapping[str, Any]
    version: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a terminal answered: ``result`` of its general answer, or ``reply`` of its own message."""

    command_id: int
    result: int = 0
    reply: Mapping[str, Any] | None = None


def ask(
    session: Session,
    terminal_id: int,
    order: Order,
    now: datetime,
    actor: str,
    source: str,
    *,
    patience: timedelta = PATIENCE,
    key: str | None = None,
) -> Command:
    """Queue an order. The same ``key`` again is the same command. Raises Refused."""
    if not timedelta(minutes=1) <= patience <= LONGEST_PATIENCE:
        most = int(LONGEST_PATIENCE.total_seconds() // 60)
        raise Refused(no(Refusal.OUT_OF_RANGE, OrderField.EXPIRES_MIN, least=1, most=most))
    if session.get(Terminal, terminal_id) is None:
        raise Refused(no(Refusal.TERMINAL_UNKNOWN))
    values = {
        "terminal_id": terminal_id, "kind": order.kind, "payload": dict(order.payload), "asked_at": now,
        "asked_by": actor, "idempotency_key": key, "expires_at": now + patience, "due_at": now,
        "state": CommandState.QUEUED, "attempts": 0, "sendings": 0,
    }  # fmt: skip
    made: Command | None = session.scalar(
        insert(Command).values(values).on_conflict_do_nothing().returning(Command)
    )
    if made is None:
        known = select(Command).where(Command.terminal_id == terminal_id, Command.idempotency_key == key)
        return session.scalars(known).one()
    facts = {"kind": order.kind, "terminal_id": terminal_id}
    audit.record(session, actor, "asked", "command", made.id, now, source, **facts)
    return made


def withdraw(session: Session, command_id: int, now: datetime, actor: str, source: str) -> Command:
    """Take back a command nobody sent yet. Refused once it was sent or is over."""
    command = session.get(Command, command_id, with_for_update=True)
    if command is None:
        raise Refused(no(Refusal.COMMAND_OVER, state=CommandState.EXPIRED))
    if command.state != CommandState.QUEUED:
        raise Refused(no(Refusal.COMMAND_OVER, state=CommandState(command.state)))
    _end(session, command, CommandState.FAILED, now, CommandFault.WITHDRAWN)
    audit.record(session, actor, "withdrawn", "command", command.id, now, source)
    return command


def claim(
    session: Session, phones: Collection[str], gateway: str, now: datetime, most: int = 200, pace: float = 1.0
) -> list[Claimed]:
    """The due commands of these connected terminals, one each, marked as sent by ``gateway``.

    ``pace``: how many seconds of ``now`` pass in a second of the terminal.

    Of several gateways that ask at once each command goes to one. Commands of a terminal keep their order.
    """
    if not phones or not _anything_due(session, now):
        return []
    older = aliased(Command)
    first = ~select(older.id).where(
        older.terminal_id == Command.terminal_id, older.id < Command.id, older.state.in_(LIVE_COMMAND),
        older.expires_at > now,
    ).exists()  # fmt: skip
    rows = session.execute(
        select(Command, Terminal.phone, Terminal.version)
        .join(Terminal, Terminal.id == Command.terminal_id)
        .where(*_due(now), Terminal.phone == any_(literal(list(phones), ARRAY(String))), first)
        .order_by(Command.id)
        .limit(most)
        .with_for_update(skip_locked=True, of=Command)
    ).all()
    return [
        _claimed(command, phone, version)
        for command, phone, version in rows
        if _sendable(session, command, gateway, now, pace)
    ]


def connected(session: Session, phones: Collection[str], now: datetime) -> None:
    """These terminals have just connected: what was sent to them before is sent again at once."""
    unanswered = (
        select(Command.id)
        .join(Terminal, Terminal.id == Command.terminal_id)
        .where(
            Terminal.phone == any_(literal(list(phones), ARRAY(String))),
            Command.state == CommandState.SENT,
        )
    )
    session.execute(update(Command).where(Command.id.in_(unanswered)).values(due_at=now, attempts=0))


def settle(session: Session, outcomes: Sequence[Outcome], now: datetime) -> int:
    """Write down what terminals answered, and let it take effect. Returns how many commands are over now."""
    ended = 0
    for outcome in outcomes:
        command = session.get(Command, outcome.command_id, with_for_update=True, populate_existing=True)
        if command is not None and command.state in LIVE_COMMAND:
            ended += _answer(session, command, outcome, now)
    return ended


def unsendable(session: Session, command_id: int, fault: CommandFault, now: datetime) -> None:
    """The gateway cannot put this into the terminal's edition of the protocol."""
    command = session.get(Command, command_id, with_for_update=True, populate_existing=True)
    if command is not None and command.state in LIVE_COMMAND:
        _end(session, command, CommandState.FAILED, now, fault)


def sweep(session: Session, now: datetime) -> int:
    """Give up what has waited too long. Returns how many."""
    late = session.scalars(
        select(Command)
        .where(Command.state.in_(LIVE_COMMAND), Command.expires_at <= now)
        .order_by(Command.id)
        .limit(1000)
        .with_for_update(skip_locked=True)
    ).all()
    for command in late:
        _end(session, command, CommandState.EXPIRED, now)
    return len(late)


def _anything_due(session: Session, now: datetime) -> bool:
    """Asked every second by every gateway: one look at a small index."""
    return session.scalar(select(Command.id).where(*_due(now)).limit(1)) is not None


def _due(now: datetime) -> tuple[Any, ...]:
    live = or_(Command.state == CommandState.QUEUED, Command.state == CommandState.SENT)
    return live, Command.due_at <= now, Command.expires_at > now


def _sendable(session: Session, command: Command, gateway: str, now: datetime, pace: float) -> bool:
    """Mark it as sent; False when it was sent in vain often enough."""
    if retrying.given_up(command.attempts, command.sendings):
        _end(session, command, CommandState.FAILED, now, CommandFault.NO_ANSWER)
        return False
    command.state, command.gateway, command.sent_at = CommandState.SENT, gateway, now
    command.attempts, command.sendings = command.attempts + 1, command.sendings + 1
    command.due_at = now + retrying.wait(command.attempts) * pace
    return True


def _claimed(command: Command, phone: str, version: str | None) -> Claimed:
    return Claimed(command.id, phone, CommandKind(command.kind), command.payload, version)


def _answer(session: Session, command: Command, outcome: Outcome, now: datetime) -> bool:
    if fault := _FAULTS.get(outcome.result):
        return _end(session, command, CommandState.FAILED, now, fault)
    if outcome.reply is None and command.kind in REPLIED:
        return False  # received; its own answer is still to come
    command.reply = dict(outcome.reply) if outcome.reply is not None else None
    return _end(session, command, CommandState.ANSWERED, now)


def _end(
    session: Session, command: Command, state: CommandState, now: datetime, fault: CommandFault | None = None
) -> bool:
    command.state, command.fault, command.ended_at = state, fault, now
    session.flush()
    command_effects.apply(session, command, now)
    return True
