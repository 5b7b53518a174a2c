"""The gateway: listens, keeps one live session per phone, and stops without losing what it received."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import TypeVar

from workers.gateway.batcher import Batcher
from workers.gateway.commanding import Commanding, Store
from workers.gateway.deadletter import DeadLetters
from workers.gateway.intake import Intake
from workers.gateway.limits import Limits
from workers.gateway.session import Session
from workers.gateway.signing import Signing
from workers.gateway.sink import Sink
from workers.gateway.sparing import Sparing

_T = TypeVar("_T")
Network = IPv4Network | IPv6Network

STATISTICS_S = 60.0


class Gateway:
    """``dead_letters``: file for what could not be stored. ``stats()`` tells what happened so far."""

    def __init__(
        self,
        sink: Sink,
        dead_letters: Path,
        limits: Limits | None = None,
        relays: Sequence[Network] = (),
        commands: Store | None = None,
    ) -> None:
        self.sink, self.limits, self.log = sink, limits or Limits(), Sparing()
        self.commanding = Commanding(commands, self.log)
        self.counts: Counter[str] = Counter()
        self.stopping = False
        self._relays = tuple(relays)
        self._dead = DeadLetters(dead_letters)
        self.batcher = Batcher(sink, self.limits, self._dead, self.log, self.counts, self._disown)
        self.intake, self.signing = Intake(self), Signing(self)
        self._askers = ThreadPoolExecutor(4, "gateway-asker")
        self._sessions: dict[Session, None] = {}
        self._strangers: dict[Session, None] = {}  # not authenticated, oldest first
        self._live: dict[str, Session] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where we listen; the one chosen by the system when 0 was asked for."""
        if self._server is None:
            raise RuntimeError("not started")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def writing(self) -> asyncio.Task[None]:
        """The task that stores; when it ends before ``stop``, something is broken."""
        return self._tasks[0]

    @property
    def connections(self) -> int:
        return len(self._sessions)

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError when the address is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Session(self), host, port, backlog=4096)
        reading = (self.intake.run(), self.intake.run_signing())
        work = (self.batcher.run(), *reading, self._watch(), self.commanding.run())
        self._tasks = [asyncio.create_task(part) for part in work]

    async def stop(self) -> None:
        """Accept and read no more; store and answer what was received; close."""
        self.stopping = True
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(Exception):  # said where it happened; what was not read is sent again
            self.intake.read()
        await asyncio.sleep(0)
        for session in list(self._sessions):
            session.cancel()
        await asyncio.sleep(0)
        await self._drain()
        for session in list(self._sessions):
            session.close()
        await self._flushed()
        self._askers.shutdown(wait=False, cancel_futures=True)
        self.batcher.close()
        self.log.info("stopped", **self.stats())

    def stats(self) -> dict[str, int]:
        """Connections open, terminals live and fixes queued now; the rest counted since the start."""
        now = {"open": len(self._sessions), "live": len(self._live), "queued": self.batcher.queue.fixes}
        return {**now, **self.counts}

    def share_of(self, session: Session) -> float:
        """How many fixes of one connection may wait for the database."""
        if session.relay or self.limits.share >= 1:
            return math.inf
        return self.limits.queue * self.limits.share

    def welcome(self, session: Session, phone: str) -> None:
        """``phone`` has authenticated on ``session``; an older connection of the same phone is closed, a
        relay's once all its terminals have gone elsewhere."""
        self._strangers.pop(session, None)
        older = self._live.get(phone)
        self._live[phone] = session
        if older is not None and older is not session:
            self.counts["superseded"] += 1
            older.unsign(phone)
            if not older.phones:
                older.leave()

    def leave(self, session: Session, phone: str) -> None:
        """``phone`` is not served on ``session`` any more; it may sign on again."""
        self._left(session, phone)
        session.unsign(phone)
        if not session.phones:
            session.deadline = time.monotonic() + self.limits.sign_on_s
            self._strangers[session] = None

    def _disown(self, phone: str) -> None:
        if (session := self._live.get(phone)) is not None:
            self.leave(session, phone)

    async def ask(self, call: Callable[..., _T], *arguments: object) -> _T | None:
        """The sink's answer, or None when it could not give one."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._askers, call, *arguments)
        except Exception as error:  # whatever it is, one terminal's sign-on must not end the gateway
            self.log.warning("sign_on_failed", why=f"{type(error).__name__}: {str(error)[:300]}")
            return None

    async def bury(self, phone: str, raw: bytes, reason: str) -> bool:
        """Keep a message that cannot be read. False where that failed."""
        self.counts["dead"] += 1
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._askers, self._dead.write, phone, raw, reason
            )
        except OSError as error:
            self.log.error("dead_letter_lost", phone=phone, why=str(error))
            return False
        return True

    def arrived(self, session: Session) -> None:
        """A connection was made."""
        self.counts["connections"] += 1
        if len(self._sessions) >= self.limits.allowed_connections and not self._make_room():
            self.log.warning("too_many_connections", allowed=self.limits.allowed_connections)
            session.abort()
            return
        session.relay = _within(session.source, self._relays)
        self._sessions[session] = None
        self._strangers[session] = None

    def gone(self, session: Session) -> None:
        """A connection was lost."""
        self._forget(session)

    def _make_room(self) -> bool:
        """Close the oldest connection nobody has authenticated on."""
        for session in self._strangers:
            self._forget(session)
            session.abort()
            self.counts["evicted"] += 1
            return True
        return False

    def _forget(self, session: Session) -> None:
        self._sessions.pop(session, None)
        self._strangers.pop(session, None)
        for phone in session.phones:
            self._left(session, phone)

    def _left(self, session: Session, phone: str) -> None:
        if self._live.get(phone) is session:
            del self._live[phone]
            self.commanding.on_gone(phone, session)

    async def _watch(self) -> None:
        """Close what has been silent too long; say now and then what was done."""
        pause = min(5.0, self.limits.sign_on_s / 4, self.limits.idle_s / 4)
        said = time.monotonic()
        while True:
            await asyncio.sleep(pause)
            now = time.monotonic()
            for session in [s for s in self._sessions if s.deadline < now and not s.busy]:
                self.counts["idle"] += 1
                self.log.info("idle_closed", source=session.source, phone=session.phone)
                session.abort()
            for session in list(self._sessions):
                session.ask_for_missing(now)
            if now - said >= STATISTICS_S:
                said = now
                self.log.info("statistics", **self.stats())

    async def _drain(self) -> None:
        self.batcher.stop()
        writing, *others = self._tasks
        _, late = await asyncio.wait([writing], timeout=self.limits.drain_s)
        if not late and (broken := writing.exception()) is not None:
            self.log.error("writer_broken", why=f"{type(broken).__name__}: {broken}")
        if late:
            self.log.error("not_stored_at_stop", fixes=self.batcher.queue.fixes)
        for task in (*others, *late):
            task.cancel()
        await asyncio.gather(*others, *late, return_exceptions=True)

    async def _flushed(self) -> None:
        """Give the last answers a moment to leave."""
        ends = time.monotonic() + 1.0
        while self._sessions and time.monotonic() < ends:
            await asyncio.sleep(0.01)


def _within(source: str, networks: Sequence[Network]) -> bool:
    try:
        address = ip_address(source)
    except ValueError:
        return False
    return any(address in network for network in networks)
