"""A JT/T 808 terminal over TCP: what the demo day, ``replay`` and the tests speak with.

Sending waits for the platform's 0x8001 to that very serial; what was not answered can be sent again,
with the serial it had, over a new connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Self

from workers.jt808 import location
from workers.jt808.bad import BadMessage
from workers.jt808.framing import Frame, Splitter
from workers.jt808.general import GeneralAnswer, RegistrationAnswer, encode_general
from workers.jt808.header import Header, Version, split
from workers.jt808.identity import Authentication, Registration, encode_authentication, encode_registration
from workers.jt808.location import Location
from workers.jt808.messages import decode, frames

#: How many reports fit one 0x0704 of at most 1,023 bytes without additional items.
MOST_IN_BATCH = 30


#: Messages of the platform that ask for nothing.
_NO_COMMANDS = (0x8003, 0x8004)


class Unanswered(ConnectionError):
    """The platform did not answer in time, or closed the connection."""


class Rejected(PermissionError):
    """The platform refused registration or authentication; ``result`` is its byte."""

    def __init__(self, step: str, result: int) -> None:
        super().__init__(f"{step} refused with result {result}")
        self.result = result


class Terminal:
    """``phone``, ``plate`` and ``colour`` (JT/T 415: 2 yellow) name it; ``version`` 2013 or 2019.

    Answers are awaited for ``patience`` seconds; a report without one is sent up to ``attempts`` times,
    over a new connection when the old one is lost. Use ``async with``, or ``connect`` and ``close``.
    """

    def __init__(
        self, host: str, port: int, phone: str, plate: str = "", colour: int = 2,
        version: str = "2013", patience: float = 10.0, attempts: int = 1,
    ) -> None:  # fmt: skip
        self.host, self.port, self.phone = host, port, phone
        self.plate, self.colour, self.version = plate, colour, Version(version)
        self.patience, self.attempts = patience, attempts
        self.code: str | None = None
        self._serial = 0
        self._waiting: dict[tuple[int, int], asyncio.Future[GeneralAnswer | RegistrationAnswer]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.sign_on()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def connected(self) -> bool:
        return self._writer is not None and not self._writer.is_closing()

    async def connect(self) -> None:
        """Open the TCP connection, nothing more. Raises OSError."""
        await self.close()
        reader, self._writer = await asyncio.wait_for(
            asyncio.open_connection(self.host, self.port), self.patience
        )
        self._listening = asyncio.create_task(self._listen(reader))

    async def sign_on(self) -> None:
        """Connect, register unless a code is known, authenticate. Raises OSError, Rejected or Unanswered."""
        await self.connect()
        if self.code is None:
            await self.register()
        await self.authenticate()

    async def reconnect(self, attempts: int = 10, pause: float = 0.2) -> None:
        """Sign on again, waiting longer after each failure. Raises the last failure."""
        for attempt in range(attempts - 1):
            try:
                await self.sign_on()
            except Rejected:
                raise
            except (OSError, TimeoutError):
                await asyncio.sleep(min(5.0, pause * 2**attempt))
            else:
                return
        await self.sign_on()

    async def register(self) -> RegistrationAnswer:
        """0x0100. Keeps the code that was issued. Raises Rejected."""
        body = encode_registration(
            Registration(self.plate, self.colour, maker="HAZPK", model="SIM", terminal_id=self.phone[-7:],
                         version=self.version)
        )  # fmt: skip
        answer = await self._ask(0x0100, body)
        if not isinstance(answer, RegistrationAnswer) or answer.result:
            raise Rejected("registration", answer.result)
        self.code = answer.code
        return answer

    async def authenticate(self, code: str | None = None) -> None:
        """0x0102 with the code issued, or with ``code``. Raises Rejected."""
        given = Authentication(code if code is not None else self.code or "")
        answer = await self._ask(0x0102, encode_authentication(given, self.version))
        if answer.result:
            raise Rejected("authentication", answer.result)

    async def heartbeat(self) -> int:
        """0x0002. The result byte."""
        return (await self._ask(0x0002, b"")).result

    async def deregister(self) -> int:
        """0x0003. The result byte."""
        return (await self._ask(0x0003, b"")).result

    async def send_fix(self, fix: Location, extra: Mapping[int, bytes] | None = None) -> int:
        """0x0200. The result byte; 0 once the fix is stored."""
        return (await self._insist(0x0200, location.encode(fix, extra))).result

    async def send_fixes(self, fixes: Sequence[Location], backfill: bool = False) -> int:
        """0x0704, as many as ``MOST_IN_BATCH`` each. The worst result byte."""
        worst = 0
        for n in range(0, len(fixes), MOST_IN_BATCH):
            body = location.encode_batch([location.encode(f) for f in fixes[n : n + MOST_IN_BATCH]], backfill)
            worst = max(worst, (await self._insist(0x0704, body)).result)
        return worst

    async def send_raw(self, frame: bytes) -> int:
        """A recorded frame as it is. The result byte of the answer to its serial.

        Register and authenticate frames are answered too, but a code issued is not learned from them.
        """
        inside = Splitter().feed(frame)
        if len(inside) != 1 or not isinstance(inside[0], Frame):
            raise ValueError("not exactly one whole frame")
        header, _ = split(inside[0].content)
        return (await self._exchange(header.message_id, header.serial, (frame,))).result

    async def write(self, data: bytes) -> None:
        """Bytes as they are; no answer is awaited. Raises Unanswered without a connection."""
        if self._writer is None:
            raise Unanswered("not connected")
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        listening, self._listening = self._listening, None
        writer, self._writer = self._writer, None
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1.0)

    async def _ask(self, message_id: int, body: bytes) -> GeneralAnswer | RegistrationAnswer:
        return await self._exchange(*self._pack(message_id, body))

    async def _insist(self, message_id: int, body: bytes) -> GeneralAnswer | RegistrationAnswer:
        packed = self._pack(message_id, body)
        for _ in range(self.attempts - 1):
            with contextlib.suppress(Unanswered):
                return await self._exchange(*packed)
            if not self.connected:
                await self.reconnect()
        return await self._exchange(*packed)

    def _pack(self, message_id: int, body: bytes) -> tuple[int, int, Sequence[bytes]]:
        serial = self._serial
        packed = frames(message_id, self.phone, serial, body, self.version)
        self._serial = (serial + len(packed)) % 65536
        return message_id, serial, packed

    async def _exchange(
        self, message_id: int, serial: int, packed: Sequence[bytes]
    ) -> GeneralAnswer | RegistrationAnswer:
        answer: asyncio.Future[GeneralAnswer | RegistrationAnswer] = (
            asyncio.get_running_loop().create_future()
        )
        self._waiting[message_id, serial] = answer
        try:
            await self.write(b"".join(packed))
            return await asyncio.wait_for(answer, self.patience)
        except (OSError, TimeoutError) as error:
            raise Unanswered(f"0x{message_id:04X} serial {serial}: {error or 'no answer in time'}") from error
        finally:
            self._waiting.pop((message_id, serial), None)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        splitter = Splitter()
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                for item in splitter.feed(data):
                    if isinstance(item, Frame):
                        self._hear(item)
        if self._writer is not None:
            self._writer.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(Unanswered("the platform closed the connection"))

    def _hear(self, frame: Frame) -> None:
        try:
            message = decode(frame.content)
        except BadMessage:
            return
        value = message.value
        if isinstance(value, RegistrationAnswer):
            key = (0x0100, value.answered)
        elif isinstance(value, GeneralAnswer):
            key = (value.answered_id, value.answered)
        else:
            self._told(message.header)
            return
        answer = self._waiting.get(key)
        if answer is not None and not answer.done():
            answer.set_result(value)

    def _told(self, header: Header) -> None:
        """A command of the platform: texts are shown (to nobody), of all else it says that it cannot."""
        if header.message_id & 0x8000 and header.message_id not in _NO_COMMANDS and self._writer is not None:
            result = 0 if header.message_id == 0x8300 else 3
            body = encode_general(header.serial, header.message_id, result)
            _, _, packed = self._pack(0x0001, body)
            self._writer.write(b"".join(packed))
