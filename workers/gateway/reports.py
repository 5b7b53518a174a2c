"""Reports on their way from a connection to the database, and the answer that waits for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from parking.services.fixbatch import FixBatch, TerminalFix
from workers.jt808 import bulk
from workers.jt808.framing import wrap
from workers.jt808.general import Result

if TYPE_CHECKING:
    from workers.gateway.session import Session

#: The largest piece of one message that is stored at once, fixes.
LARGEST_PIECE = 250


@dataclass(slots=True)
class Answer:
    """Given once all ``pieces`` of a message are decided, with the worst result."""

    give: Callable[[Result], None]
    pieces: int = 1
    result: Result = Result.OK
    spoilt: int = 0  # pieces that could not be stored

    def decided(self, result: Result) -> None:
        self.result = max(self.result, result)
        self.pieces -= 1
        if self.pieces == 0:
            self.give(self.result)


@dataclass(slots=True)
class Report:
    """One message, or a piece of one: stored in one transaction. ``session``: whose share it takes."""

    phone: str
    raw: bytes
    fixes: Sequence[TerminalFix]
    answer: Answer
    session: Session | None = None

    def __len__(self) -> int:
        return len(self.fixes)

    def halves(self) -> tuple[Report, Report]:
        """Two reports in its place, under the same answer."""
        middle = len(self.fixes) // 2
        self.answer.pieces += 1
        return replace(self, fixes=self.fixes[:middle]), replace(self, fixes=self.fixes[middle:])

    def columns(self) -> FixBatch:
        return FixBatch.of(self.fixes)

    def held(self) -> None:
        if self.session is not None:
            self.session.undecided += len(self.fixes)

    def decided(self, result: Result) -> None:
        self.answer.decided(result)
        if self.session is not None:
            self.session.undecided -= len(self.fixes)
            self.session.go_on()


@dataclass(slots=True)
class Block:
    """Many messages of one fix each, in columns: message ``n`` came from ``sessions[n]``."""

    sessions: list[Session]
    phones: list[bytes]  # as carried
    contents: list[bytes]  # header and body, for who asks what could not be stored
    serials: NDArray[np.uint16]
    fixes: FixBatch

    def __len__(self) -> int:
        return len(self.sessions)

    def columns(self) -> FixBatch:
        return self.fixes

    def held(self) -> None:
        for session in self.sessions:
            session.undecided += 1

    def apart(self) -> list[Report]:
        """The same messages one by one."""
        return [
            Report(
                self.phones[n].hex(), wrap(self.contents[n]), self.fixes[n : n + 1],
                Answer(lambda result, n=n: self._give([n], result)), self.sessions[n],
            )
            for n in range(len(self))
        ]  # fmt: skip

    def decided(self, result: Result) -> None:
        """Answer every message, each connection in one piece."""
        self._give(range(len(self)), result)
        for session in self.sessions:
            session.undecided -= 1
        for session in dict.fromkeys(self.sessions):
            if session.held_up:
                session.go_on()

    def _give(self, rows: Sequence[int], result: Result) -> None:
        sessions = [self.sessions[n] for n in rows]
        serials = self.serials[list(rows)]
        answer(sessions, [self.phones[n] for n in rows], serials, bulk.REPORT, result)


def answer(
    sessions: Sequence[Session],
    phones: Sequence[bytes],
    serials: NDArray[np.uint16],
    message: int,
    result: Result,
) -> None:
    """0x8001 to many messages; what goes to one connection goes in one piece."""
    own = [session.next_serial() for session in sessions]
    made = bulk.answers(phones, own, serials, np.full(len(phones), message, np.uint16), result)
    pieces: dict[Session, bytes] = {}
    for session, frame in zip(sessions, made, strict=True):
        before = pieces.get(session)
        pieces[session] = frame if before is None else before + frame
    for session, piece in pieces.items():
        session.write(piece)


def reports(
    phone: str,
    raw: bytes,
    fixes: Sequence[TerminalFix],
    give: Callable[[Result], None],
    least: Result = Result.OK,
    session: Session | None = None,
) -> list[Report]:
    """The message's fixes in pieces that share one answer, not better than ``least``."""
    pieces = [fixes[n : n + LARGEST_PIECE] for n in range(0, len(fixes), LARGEST_PIECE)] or [()]
    answer = Answer(give, len(pieces), least)
    return [Report(phone, raw, piece, answer, session) for piece in pieces]


@dataclass(slots=True)
class Queue:
    """Holds about ``limit`` fixes; who brings more waits, and reads nothing more from its socket."""

    limit: int
    fixes: int = 0
    since: float = 0.0  # when the oldest came, by the loop's clock
    _held: deque[Report | Block] = field(default_factory=deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __len__(self) -> int:
        return self.fixes or len(self._held)

    @property
    def full(self) -> bool:
        return self.fixes >= self.limit

    @property
    def free(self) -> int:
        return max(0, self.limit - self.fixes)

    async def room(self) -> None:
        """Until there is some."""
        if self.full:
            async with self._room:
                await self._room.wait_for(lambda: not self.full)

    async def put(self, report: Report) -> None:
        await self.room()
        self.put_now(report)

    def put_now(self, held: Report | Block) -> None:
        if not self._held:
            self.since = asyncio.get_running_loop().time()
        held.held()
        self.fixes += len(held)
        self._held.append(held)
        self._arrived.set()

    async def wait(self, seconds: float) -> bool:
        """True as soon as something is there, False after ``seconds`` without."""
        try:
            async with asyncio.timeout(seconds):
                await self._arrived.wait()
        except TimeoutError:
            return False
        return True

    def wake(self) -> None:
        """End ``wait`` though nothing came."""
        self._arrived.set()

    async def take(self, most: int) -> list[Report | Block]:
        """The oldest, together at most ``most`` fixes (but at least one report or block, if there is any)."""
        taken: list[Report | Block] = []
        count = 0
        while self._held and (not taken or count + len(self._held[0]) <= most):
            taken.append(self._held.popleft())
            count += len(taken[-1])
        self.fixes -= count
        self.since = 0.0  # what is left has waited long enough
        if not self._held:
            self._arrived.clear()
        async with self._room:
            self._room.notify_all()
        return taken
