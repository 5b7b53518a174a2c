"""Reports on their way from a connection to the database, and the answer that waits for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from parking.services.tracking import TerminalFix
from workers.jt808.general import Result

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
    """One message, or a piece of one: stored in one transaction."""

    phone: str
    raw: bytes
    fixes: Sequence[TerminalFix]
    answer: Answer

    def halves(self) -> tuple[Report, Report]:
        """Two reports in its place, under the same answer."""
        middle = len(self.fixes) // 2
        self.answer.pieces += 1
        return replace(self, fixes=self.fixes[:middle]), replace(self, fixes=self.fixes[middle:])


def reports(
    phone: str,
    raw: bytes,
    fixes: Sequence[TerminalFix],
    give: Callable[[Result], None],
    least: Result = Result.OK,
) -> list[Report]:
    """The message's fixes in pieces that share one answer, not better than ``least``."""
    pieces = [fixes[n : n + LARGEST_PIECE] for n in range(0, len(fixes), LARGEST_PIECE)] or [()]
    answer = Answer(give, len(pieces), least)
    return [Report(phone, raw, piece, answer) for piece in pieces]


@dataclass(slots=True)
class Queue:
    """Holds about ``limit`` fixes; who brings more waits, and reads nothing more from its socket."""

    limit: int
    fixes: int = 0
    _held: deque[Report] = field(default_factory=deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __len__(self) -> int:
        return len(self._held)

    @property
    def full(self) -> bool:
        return self.fixes >= self.limit

    async def put(self, report: Report) -> None:
        if self.full:
            async with self._room:
                await self._room.wait_for(lambda: not self.full)
        self.fixes += len(report.fixes)
        self._held.append(report)
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

    async def take(self, most: int) -> list[Report]:
        """The oldest reports, together at most ``most`` fixes (but at least one report, if there is any)."""
        taken: list[Report] = []
        count = 0
        while self._held and (not taken or count + len(self._held[0].fixes) <= most):
            taken.append(self._held.popleft())
            count += len(taken[-1].fixes)
        self.fixes -= count
        if not self._held:
            self._arrived.clear()
        async with self._room:
            self._room.notify_all()
        return taken
