"""What many connections brought in the same moment is read together.

A connection's bytes are plain when every frame in them is an authentication, or a position report of a
terminal that has authenticated there. Those become one block of columns. Any other connection's bytes are
read frame by frame by its session; either way each connection is read in the order it was written.

Reports are read while the queue has room. Who begins with signing on is read at once: behind a full queue
it would lose patience, come back over yet another connection and stand behind everything again.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from parking.services.fixbatch import FixBatch
from workers.gateway.reports import Block
from workers.jt808 import bulk
from workers.jt808.bad import BadMessage
from workers.jt808.header import Version
from workers.jt808.identity import read_authentication
from workers.jt808.reader import Reader

if TYPE_CHECKING:
    from workers.gateway.server import Gateway
    from workers.gateway.session import Session

#: The shortest report: two delimiters, header, body, checksum.
SHORTEST = 1 + 12 + 28 + 1 + 1

#: Bytes of one connection that are read at once.
PIECE = 64 * 1024


#: Whole frames of registration (0x0100) or authentication (0x0102), as many as come first.
_SIGN_ONS = re.compile(rb"(?:\x7e\x01[\x00\x02][^\x7e]*\x7e)+")


class Intake:
    """``receive`` takes what a connection brought; ``run`` reads it while the queue has room, ``run_signing``
    reads sign-ons at any time."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._brought: dict[Session, bytes] = {}
        self._arrived = asyncio.Event()
        self._signing: dict[Session, bytes] = {}  # what begins with a sign-on
        self._signs = asyncio.Event()

    def receive(self, session: Session, data: bytes) -> None:
        signs = session in self._signing
        before = (self._signing if signs else self._brought).get(session)
        if before is not None or len(data) > PIECE or self._gateway.batcher.queue.full:
            session.pause()
        if signs or (before is None and session.between and _SIGN_ONS.match(data)):
            self._signing[session] = data if before is None else before + data
            self._signs.set()
        else:
            self._brought[session] = data if before is None else before + data
            self._arrived.set()

    def holds(self, session: Session) -> bool:
        return session in self._brought or session in self._signing

    def forget(self, session: Session) -> None:
        self._brought.pop(session, None)
        self._signing.pop(session, None)

    async def run(self) -> None:
        """For ever: a moment for others to come, then all that came."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(self._gateway.limits.read_s)
            await self._gateway.batcher.queue.room()
            self._try(self._read_brought)

    async def run_signing(self) -> None:
        """The same for those who sign on."""
        while True:
            await self._signs.wait()
            await asyncio.sleep(self._gateway.limits.read_s)
            self._try(self._read_signing)

    def read(self) -> None:
        """Read the sign-ons, and what fits into the queue; the rest stays."""
        self._read_signing()
        self._read_brought()

    def _try(self, reading: Callable[[], None]) -> None:
        try:
            reading()
        except Exception as error:  # ours; who brought it is cut off and sends again
            self._gateway.log.error("intake_fault", why=f"{type(error).__name__}: {error}")
            self._gateway.counts["faults"] += 1

    def _read_brought(self) -> None:
        self._read(*self._take())

    def _read_signing(self) -> None:
        """The sign-ons that come first; what follows them waits for their answers, and then in line."""
        sessions, streams = [], []
        for session, data in self._signing.items():
            found = _SIGN_ONS.match(data)
            end = found.end() if found else len(data)
            if end < len(data):
                session.keep(data[end:])
            sessions.append(session)
            streams.append(data[:end])
        self._signing.clear()
        self._signs.clear()
        self._read(sessions, streams)

    def _read(self, sessions: list[Session], streams: list[bytes]) -> None:
        if not sessions:
            return
        try:
            slow = self._plainly(sessions, streams)
        except Exception:
            for session in sessions:
                session.abort()
            raise
        for n in slow:
            sessions[n].read(streams[n])
        for session in sessions:
            if session.held_up:
                session.go_on()

    def _take(self) -> tuple[list[Session], list[bytes]]:
        free = self._gateway.batcher.queue.free * SHORTEST
        sessions, streams = [], []
        while self._brought and free > 0:
            session = next(iter(self._brought))
            data = self._brought.pop(session)
            piece, rest = _cut(data, min(free, PIECE))
            if rest:
                session.keep(rest)
            free -= max(SHORTEST, len(piece))
            sessions.append(session)
            streams.append(piece)
        if not self._brought:
            self._arrived.clear()
        return sessions, streams

    def _plainly(self, sessions: Sequence[Session], streams: Sequence[bytes]) -> list[int]:
        """Read what is plain; the numbers of the streams that are not."""
        slow = [n for n, s in enumerate(sessions) if not s.between]
        held = set(slow)
        fast = [n for n in range(len(sessions)) if n not in held] if held else list(range(len(sessions)))
        if not fast:
            return slow
        plain, good = bulk.read([streams[n] for n in fast] if held else streams)
        own = [sessions[n] for n in fast]
        rows = np.flatnonzero(plain.message == bulk.REPORT)
        reports, fine = bulk.reports(plain, rows)
        sources = plain.source.tolist()
        names = [own[s].signed.get(p) for s, p in zip(sources, plain.phone, strict=True)]
        good[plain.source[rows[~fine]]] = False
        signing = np.flatnonzero(plain.message == bulk.SIGN_ON)
        for n in rows.tolist():
            if names[n] is None:
                good[sources[n]] = False
        codes = self._codes(own, plain, signing, good)
        if not good.all():
            keep = good[plain.source[rows]]
            rows, reports = rows[keep], _these(reports, np.flatnonzero(keep))
        self._note([(own[n], len(streams[fast[n]])) for n in np.flatnonzero(good).tolist()])
        self._gateway.counts["frames"] += int(good[plain.source].sum())
        if len(rows):
            self._gateway.batcher.queue.put_now(_block(own, plain, rows, reports, names))
        for n, code in codes:
            if good[sources[n]]:
                self._gateway.signing.show(own[sources[n]], plain.phone[n], int(plain.serial[n]), code)
        return slow + [fast[n] for n in np.flatnonzero(~good).tolist()]

    def _codes(
        self, own: Sequence[Session], plain: bulk.Plain, rows: NDArray[np.int64], good: NDArray[np.bool_]
    ) -> list[tuple[int, str]]:
        """The codes shown; what the session has to refuse is left to it."""
        found = []
        asked = Counter(plain.source[rows].tolist())
        for n in rows.tolist():
            place = int(plain.source[n])
            session = own[place]
            try:
                found.append((n, _code(plain, n)))
            except BadMessage:
                good[place] = False
            if not session.may_sign(plain.phone[n]) or (asked[place] > 1 and not session.relay):
                good[place] = False
        return found

    def _note(self, read: Sequence[tuple[Session, int]]) -> None:
        deadline = time.monotonic() + self._gateway.limits.idle_s
        for session, length in read:
            session.passed(length)
            if session.phones:
                session.deadline = deadline


def _cut(data: bytes, most: int) -> tuple[bytes, bytes]:
    """At most about so many bytes, if possible whole frames, and the rest."""
    if len(data) <= most:
        return data, b""
    at = data.rfind(b"\x7e\x7e", 0, most) + 1 or data.rfind(b"\x7e", 0, most) + 1 or most
    return data[:at], data[at:]


def _code(plain: bulk.Plain, n: int) -> str:
    body = plain.content[plain.body[n] : plain.end[n]]
    version = Version.V2019 if plain.late[n] else Version.V2013
    return read_authentication(Reader(body, 0), version).code


def _these(reports: bulk.Reports, rows: NDArray[np.int64]) -> bulk.Reports:
    columns = (reports.at, reports.lon, reports.lat, reports.speed_kmh, reports.heading, reports.altitude_m,
               reports.alarm, reports.status, reports.located)  # fmt: skip
    return bulk.Reports(*(c[rows] for c in columns), [reports.items[n] for n in rows.tolist()])


def _block(
    own: Sequence[Session], plain: bulk.Plain, rows: NDArray[np.int64], reports: bulk.Reports,
    names: Sequence[str | None],
) -> Block:  # fmt: skip
    picked, count, content = rows.tolist(), len(rows), plain.content
    spans = zip(plain.begin[rows].tolist(), plain.end[rows].tolist(), strict=True)
    fixes = FixBatch(
        [names[n] or "" for n in picked], plain.serial[rows].astype(np.int32), np.zeros(count, np.int16),
        reports.at, reports.lon, reports.lat, reports.speed_kmh, reports.heading, reports.altitude_m,
        reports.located, reports.alarm, reports.status, np.zeros(count, np.bool_), reports.items,
        [None] * count,
    )  # fmt: skip
    return Block(
        [own[s] for s in plain.source[rows].tolist()], [plain.phone[n] for n in picked],
        [content[a:b] for a, b in spans], plain.serial[rows], fixes,
    )  # fmt: skip
