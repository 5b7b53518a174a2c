"""One connection as bytes: when it is read, when it has to wait, what is written.

It waits while something of it is undecided: a frame in hand, a sign-on under way, its share of the queue.
What came meanwhile is kept in order; nothing more is read from the socket. What was received is read also
when the terminal has hung up.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from workers.jt808.framing import Splitter

if TYPE_CHECKING:
    from workers.gateway.server import Gateway
    from workers.gateway.session import Session


class Connection(asyncio.Protocol):
    """``waiting``: sign-ons under way; ``undecided``: fixes read and not yet answered; ``source``: the
    address at the other end; ``lost``: what it wrote is still read, but nobody listens."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._transport: asyncio.Transport | None = None
        self._splitter = Splitter()
        self._backlog: list[bytes] = []
        self._paused = False
        self._working: asyncio.Task[None] | None = None
        self._serial = 0
        self.waiting = 0
        self.undecided = 0
        self.lost = False
        self.source = "?"

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # of TCP
        self.source = str((transport.get_extra_info("peername") or ["?"])[0])
        self._transport.set_write_buffer_limits(high=self._gateway.limits.unread_bytes)
        self._gateway.arrived(self._session)

    def data_received(self, data: bytes) -> None:
        if self._gateway.stopping:
            return
        if self.busy or self._backlog:
            self._backlog.append(data)
            self.pause()
        else:
            self._gateway.intake.receive(self._session, data)

    def pause_writing(self) -> None:
        """More answers lie unread than we keep."""
        self._gateway.log.warning("terminal_reads_nothing", source=self.source)
        self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        self._gateway.gone(self._session)

    # reading

    @property
    def busy(self) -> bool:
        """Not waiting for the terminal, so not read and without a deadline."""
        working = self._working is not None or self.waiting > 0
        return working or self.undecided >= self._gateway.share_of(self._session)

    @property
    def between(self) -> bool:
        """Nothing of a frame is held."""
        return self._splitter.between

    @property
    def held_up(self) -> bool:
        return self._paused or bool(self._backlog)

    def keep(self, data: bytes) -> None:
        """Bytes that found no room; they come first when this connection goes on."""
        self._backlog.insert(0, data)
        self.pause()

    def passed(self, length: int) -> None:
        """So many bytes, ending with a delimiter, were read elsewhere."""
        self._splitter.skip(length)

    def pause(self) -> None:
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Read on, unless something still holds this connection up."""
        if self.busy or self._gateway.intake.holds(self._session):
            return
        if self._backlog:
            data, self._backlog = b"".join(self._backlog), []
            self._gateway.intake.receive(self._session, data)
        elif self._paused and not self._gateway.stopping:
            self._paused = False
            if self._transport is not None and not self._transport.is_closing():
                self._transport.resume_reading()

    def cancel(self) -> None:
        """Read no more: the gateway stops."""
        self.pause()
        if self._working is not None:
            self._working.cancel()

    # writing

    def next_serial(self) -> int:
        serial = self._serial
        self._serial = (serial + 1) & 0xFFFF
        return serial

    def write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def leave(self) -> None:
        """Close, and forget what was not yet read: who wrote it came back elsewhere and sends it again."""
        self._forget()
        self.close()

    def abort(self) -> None:
        """Hang up at once, and forget what was not yet read."""
        self._forget()
        if self._working is not None:
            self._working.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _forget(self) -> None:
        self._backlog.clear()
        self._gateway.intake.forget(self._session)

    @property
    def _session(self) -> Session:
        return cast("Session", self)
