"""The gateway: listens, keeps one live session per phone, and stops without losing what it received."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from workers.gateway.batcher import Batcher
from workers.gateway.commanding import Commanding, Store
from workers.gateway.deadletter import DeadLetters
from workers.gateway.limits import Limits
from workers.gateway.session import Session
from workers.gateway.sink import Sink
from workers.gateway.sparing import Sparing

_T = TypeVar("_T")

STATISTICS_S = 60.0


class Gateway:
    """``dead_letters``: file for what could not be stored. ``stats()`` tells what happened so far."""

    def __init__(
        self, sink: Sink, dead_letters: Path, limits: Limits | None = None, commands: Store | None = None
    ) -> None:
        self.sink, self.limits, self.log = sink, limits or Limits(), Sparing()
        self.commanding = Commanding(commands, self.log)
        self.counts: Counter[str] = Counter()
        self._dead = DeadLetters(dead_letters)
        self.batcher = Batcher(sink, self.limits, self._dead, self.log, self.counts)
        self._askers = ThreadPoolExecutor(4, "gateway-asker")
        self._sessions: dict[Session, asyncio.Task[None]] = {}
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
        self._server = await asyncio.start_server(self._accept, host, port, backlog=1024, limit=65536)
        running = (self.batcher.run(), self._watch(), self.commanding.run())
        self._tasks = [asyncio.create_task(one) for one in running]

    async def stop(self) -> None:
        """Accept and read no more; store and answer what was received; close."""
        if self._server is not None:
            self._server.close()
        for task in list(self._sessions.values()):
            task.cancel()
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

    def welcome(self, session: Session) -> None:
        """``session`` has authenticated; an older one of the same phone is closed."""
        assert session.phone is not None  # noqa: S101 - set by the caller
        self._strangers.pop(session, None)
        older = self._live.get(session.phone)
        self._live[session.phone] = session
        if older is not None and older is not session:
            self.counts["superseded"] += 1
            older.close()

    def leave(self, session: Session) -> None:
        """``session`` has no phone any more; it may sign on again."""
        self._left(session)
        session.phone = None
        session.deadline = time.monotonic() + self.limits.sign_on_s
        self._strangers[session] = None

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

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counts["connections"] += 1
        if len(self._sessions) >= self.limits.allowed_connections and not self._make_room():
            self.log.warning("too_many_connections", allowed=self.limits.allowed_connections)
            writer.transport.abort()
            return
        session = Session(self, reader, writer)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - we are one
        self._sessions[session] = task
        self._strangers[session] = None
        try:
            await session.run()
        except OSError:
            pass  # the other side went away
        except asyncio.CancelledError:
            await self._batch_ended()
        except Exception as error:  # a fault of ours costs this connection, not the gateway
            self.log.error("session_fault", source=session.source, why=f"{type(error).__name__}: {error}")
        finally:
            self._forget(session)
            session.close()

    async def _batch_ended(self) -> None:
        """While stopping: keep the connection open for the answers still to come."""
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait(self._tasks[:1], timeout=self.limits.drain_s + 1)

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
        self._left(session)

    def _left(self, session: Session) -> None:
        if session.phone is not None and self._live.get(session.phone) is session:
            del self._live[session.phone]
            self.commanding.on_gone(session.phone, session)

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
            for session in list(self._live.values()):
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
