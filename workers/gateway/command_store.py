"""The park's commands as the gateway needs them: one visible transaction each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from parking import clock
from parking.db import reading, transaction
from parking.services import commands, terminal_watch
from parking.services.commands import Claimed, Outcome
from parking.vocabulary import CommandFault
from workers.gateway.commanding import Welcome


class CommandStore:
    """``name`` is that of this gateway, the same after a restart, another for each gateway."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self.name = engine, name[:80]

    def claim(self, phones: Sequence[str]) -> list[Claimed]:
        with transaction(self._engine) as session:
            return commands.claim(session, phones, self.name, clock.now(), pace=clock.pace())

    def welcomed(self, welcomes: Sequence[Welcome]) -> None:
        """Terminals have connected: what they speak, from where; what they did not answer is due again."""
        with transaction(self._engine) as session:
            seen = [
                terminal_watch.Seen(w.phone, str(w.version), w.source, w.over, self.name, w.at)
                for w in welcomes
            ]
            terminal_watch.connected(session, seen, clock.now())
        with transaction(self._engine) as session:
            commands.connected(session, {w.phone for w in welcomes}, clock.now())

    def moved(self, seconds: float) -> list[str]:
        """Phones another gateway took over within so many seconds."""
        since = clock.now() - timedelta(seconds=seconds) * clock.pace()
        with reading(self._engine) as session:
            return terminal_watch.moved(session, self.name, since)

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        with transaction(self._engine) as session:
            commands.settle(session, outcomes, clock.now())

    def unsendable(self, command_id: int, fault: CommandFault) -> None:
        with transaction(self._engine) as session:
            commands.unsendable(session, command_id, fault, clock.now())

    def attributes(self, phone: str, said: Mapping[str, Any]) -> None:
        """A terminal told of itself without being asked."""
        with transaction(self._engine) as session:
            terminal_watch.attributes(session, phone, said, clock.now())
