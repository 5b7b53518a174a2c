"""What follows from a command that is over: what the terminal holds now, what it is. Safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from parking.models import Command, Terminal, TerminalFence
from parking.services import profiles
from parking.vocabulary import CommandKind, CommandState, FenceState


def apply(session: Session, command: Command, now: datetime) -> None:
    """Let the end of ``command`` take effect."""
    if command.kind in (CommandKind.SET_AREA, CommandKind.SET_ROUTE):
        _set(session, command, now)
    elif command.kind in (CommandKind.DELETE_AREAS, CommandKind.DELETE_ROUTES):
        _deleted(session, command, now)
    elif command.kind == CommandKind.ASK_ATTRIBUTES and command.reply:
        attributes(session, command.terminal_id, command.reply, now)


def attributes(session: Session, terminal_id: int, said: Mapping[str, Any], now: datetime) -> None:
    """What a terminal says of itself (0x0107)."""
    terminal, profile = session.get_one(Terminal, terminal_id), profiles.hold_one(session, terminal_id)
    terminal.maker = str(said.get("maker") or terminal.maker or "")[:24] or None
    terminal.model = str(said.get("model") or terminal.model or "")[:60] or None
    profile.hardware = str(said.get("hardware", ""))[:60] or None
    profile.firmware = str(said.get("firmware", ""))[:60] or None
    profile.iccid = str(said.get("iccid", ""))[:20] or None
    profile.dangerous_goods = bool(said.get("dangerous_goods"))
    profile.attributes_at = now


def _set(session: Session, command: Command, now: datetime) -> None:
    good = command.state == CommandState.ANSWERED
    state = FenceState.HELD if good else FenceState.FAILED
    session.execute(
        update(TerminalFence)
        .where(TerminalFence.command_id == command.id)
        .values(state=state, changed_at=now)
    )


def _deleted(session: Session, command: Command, now: datetime) -> None:
    """What is deleted is forgotten; what could not be is still there."""
    mine = TerminalFence.command_id == command.id
    if command.state == CommandState.ANSWERED:
        session.execute(delete(TerminalFence).where(mine))
    else:
        session.execute(
            update(TerminalFence).where(mine).values(state=FenceState.GOING, command_id=None, changed_at=now)
        )
