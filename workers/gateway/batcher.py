"""Fixes into the database, batch by batch; a terminal is answered after the commit and not before.

One batch is one transaction. While the database is away the same batch is tried again and nothing is
answered. When the data itself is refused, the batch is halved until the fix at fault stands alone: its
message is kept as a dead letter and answered "failed"; every other fix, its neighbours in the same
message too, is stored.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from parking.services.fixbatch import FixBatch
from parking.services.owners import NeverRegistered
from parking.services.terminals import bare_phone
from workers.gateway.deadletter import DeadLetters
from workers.gateway.limits import Limits
from workers.gateway.reports import Block, Queue, Report
from workers.gateway.sink import Sink, outage
from workers.gateway.sparing import Sparing
from workers.jt808.general import Result

#: An error that may be an outage or the data: with a database that answers, so many tries decide.
UNSURE_TRIES = 5

#: So many fixes of one message are looked for one by one; then what is left of it is refused together, so
#: that nobody keeps the writer busy with messages that are rotten throughout.
MOST_SPOILT = 5

BEAT_S = 10.0


class Batcher:
    """Owns the queue and the one thread that writes; order of arrival is order of storing."""

    def __init__(
        self, sink: Sink, limits: Limits, dead: DeadLetters, log: Sparing, counts: Counter[str],
        unknown: Callable[[str], None],
    ) -> None:  # fmt: skip
        """``unknown`` is told the phone of a terminal that signed on and is not registered any more."""
        self.queue = Queue(limits.queue)
        self._sink, self._limits, self._dead, self._log, self._counts = sink, limits, dead, log, counts
        self._writer = ThreadPoolExecutor(1, "gateway-writer")
        self._teller = ThreadPoolExecutor(1, "gateway-teller")
        self._unknown = unknown
        self._news: dict[tuple[str, object], Mapping[str, Any]] = {}
        self._telling: asyncio.Task[None] | None = None
        self._stopping = False
        self._beaten = 0.0
        self._trouble: str | None = None

    async def run(self) -> None:
        """Until stopped and empty."""
        while not self._stopping or len(self.queue):
            if await self.queue.wait(1.0):
                await self._gather()
                await self._store(await self.queue.take(self._limits.batch))
            await self._beat()
        if self._telling is not None:
            await self._telling

    def stop(self) -> None:
        """Take no rest any more: store what is queued, then end."""
        self._stopping = True
        self.queue.wake()

    def close(self) -> None:
        self._writer.shutdown(wait=False, cancel_futures=True)
        self._teller.shutdown(wait=False, cancel_futures=True)

    async def _gather(self) -> None:
        """Let a batch grow, until its oldest fix has waited a moment; it has if the last batch took long."""
        if self._stopping or self.queue.fixes >= self._limits.batch:
            return
        ends = self.queue.since + self._limits.gather_s
        while self.queue.fixes < self._limits.batch and asyncio.get_running_loop().time() < ends:
            await asyncio.sleep(self._limits.gather_s / 5)

    async def _store(self, batch: Sequence[Report | Block]) -> None:
        if not batch:
            return
        error = await self._committed(batch)
        if error is None:
            self._done(batch)
            return
        self._counts["halved"] += 1
        reports = _apart(batch)
        if isinstance(error, NeverRegistered):
            await self._without(reports, error)
        elif len(reports) > 1:
            half = len(reports) // 2
            await self._store(reports[:half])
            await self._store(reports[half:])
        elif _worth_halving(reports[0]):
            for piece in reports[0].halves():
                await self._store([piece])
        else:
            await self._bury(reports[0], error)

    async def _without(self, reports: Sequence[Report], error: NeverRegistered) -> None:
        """Store all but what came from terminals the park does not know; they have to sign on again."""
        phones = set(error.phones)
        strange = [r for r in reports if bare_phone(r.phone) in phones]
        await self._store([r for r in reports if bare_phone(r.phone) not in phones])
        for report in strange:
            await self._bury(report, error)
        for phone in phones:
            self._unknown(phone)

    async def _committed(self, batch: Sequence[Report | Block]) -> Exception | None:
        """None once stored; else why the data was refused. Waits out every outage."""
        pause, tries = self._limits.retry_s, 0
        fixes = await self._in_writer(_columns, batch)
        while True:
            try:
                self._announce(await self._in_writer(self._sink.take, fixes))
                return None
            except Exception as error:  # every kind of refusal is decided here
                tries += 1
                if not await self._is_outage(error, tries):
                    return error
                self._log.warning(
                    "database_away", why=_brief(error), waiting_fixes=self.queue.fixes + len(fixes)
                )
                await self._beat(_brief(error))
            self._counts["retries"] += 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, self._limits.retry_most_s)

    async def _is_outage(self, error: Exception, tries: int) -> bool:
        sure = outage(error)
        if sure is not None:
            return sure
        return tries < UNSURE_TRIES or not await self._in_writer(self._sink.ready)

    def _done(self, batch: Sequence[Report | Block]) -> None:
        self._counts["batches"] += 1
        for report in batch:
            self._counts["fixes"] += len(report)
            report.decided(Result.OK)

    async def _bury(self, report: Report, error: Exception) -> None:
        report.answer.spoilt += 1
        if report.answer.spoilt == 1:  # one letter a message: it holds all of it
            self._counts["dead"] += 1
            self._log.error(
                "report_refused", phone=report.phone, why=_brief(error), kept=str(self._dead.path)
            )
            try:
                await self._in_writer(self._dead.write, report.phone, report.raw, _brief(error))
            except OSError as broken:
                self._log.error("dead_letter_lost", phone=report.phone, why=_brief(broken))
        report.decided(Result.FAILED)

    def _announce(self, news: Sequence[Mapping[str, Any]]) -> None:
        """Tell the live stream, beside the work; while it is slow, only the last of each vehicle waits."""
        self._news.update((_about(item), item) for item in news)
        if self._news and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        while self._news:
            news, self._news = list(self._news.values()), {}
            try:
                await asyncio.get_running_loop().run_in_executor(self._teller, self._sink.tell, news)
            except Exception as error:  # a map that moves late is no reason to lose a fix
                self._log.warning("live_stream_away", why=_brief(error))

    async def _beat(self, trouble: str | None = None) -> None:
        """Now and then say that we work; at once when that is not so, or is so again."""
        now = asyncio.get_running_loop().time()
        if now - self._beaten < BEAT_S and (trouble is None) == (self._trouble is None):
            return
        self._beaten, self._trouble = now, trouble
        try:
            await self._in_writer(self._sink.beat, trouble)
        except Exception as error:  # the next batch will find out by itself
            self._log.warning("heartbeat_not_written", why=_brief(error))

    async def _in_writer(self, call: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writer, call, *arguments)


def _columns(batch: Sequence[Report | Block]) -> FixBatch:
    return FixBatch.joined([held.columns() for held in batch])


def _apart(batch: Sequence[Report | Block]) -> list[Report]:
    """One report for each message."""
    return [report for held in batch for report in (held.apart() if isinstance(held, Block) else [held])]


def _about(news: Mapping[str, Any]) -> tuple[str, object]:
    return str(news["type"]), news.get("vehicle_id", news.get("violation_id"))


def _worth_halving(report: Report) -> bool:
    return len(report.fixes) > 1 and report.answer.spoilt < MOST_SPOILT


def _brief(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__
