"""One connection: bytes in, answers out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from parking import clock
from parking.services.terminals import bare_phone
from parking.services.tracking import TerminalFix
from workers.gateway.reports import reports
from workers.jt808 import general
from workers.jt808.assembly import Assembler, Joined
from workers.jt808.bad import BadMessage
from workers.jt808.framing import Frame, Skipped, Splitter
from workers.jt808.general import Result
from workers.jt808.header import Header, Version, split
from workers.jt808.identity import Attributes, Authentication, Registration
from workers.jt808.location import Batch, Location, LocationReply
from workers.jt808.messages import frames, read_body
from workers.jt808.orders import AreasAnswer
from workers.jt808.parameters import ParametersAnswer

if TYPE_CHECKING:
    from workers.gateway.server import Gateway

#: Messages that carry positions.
LOCATIONS = (0x0200, 0x0201, 0x0704)

#: Answers to questions of ours that may come divided.
REPLIES = (0x0104, 0x0107, 0x0608)

#: Longest plate or VIN that is kept.
LONGEST_PLATE = 20


class Session:
    """``phone`` is None until authentication. The gateway closes sessions whose ``deadline`` passed."""

    def __init__(self, gateway: Gateway, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._gateway, self._reader, self._writer = gateway, reader, writer
        self._splitter, self._joining = Splitter(), Assembler()
        self._serial = 0
        self._failures = 0
        self.busy = False  # not waiting for the terminal, so no deadline
        self.phone: str | None = None
        self._claimed: str | None = None  # the phone registered here, authenticated or not
        self.source = str((writer.get_extra_info("peername") or ["?"])[0])
        self.deadline = time.monotonic() + gateway.limits.sign_on_s

    async def run(self) -> None:
        """Until the terminal or we close."""
        while not self._writer.is_closing() and (data := await self._reader.read(65536)):
            self.busy = True
            for item in self._splitter.feed(data):
                if isinstance(item, Skipped):
                    self._skip(item.error)
                else:
                    await self._hear(item)
            self.busy = False

    def close(self) -> None:
        self._writer.close()

    def abort(self) -> None:
        self._writer.transport.abort()

    async def gone(self) -> None:
        await self._writer.wait_closed()

    def send(self, message_id: int, header: Header, body: bytes) -> None:
        """A message of ours, with our own serial, in the terminal's edition."""
        if self._writer.is_closing():
            return
        for frame in frames(message_id, header.phone, self._serial, body, header.version):
            self._serial = (self._serial + 1) % 65536
            self._writer.write(frame)
        self._check_unread()

    def order(
        self, phone: str, message_id: int, body: bytes, version: Version, serial: int | None = None
    ) -> tuple[int, Sequence[bytes]]:
        """``Line`` of workers.gateway.commanding."""
        first = self._serial if serial is None else serial
        made = frames(message_id, phone, first, body, version)
        if serial is None:
            self._serial = (self._serial + len(made)) % 65536
        self.resend(made)
        return first, made

    def let_go(self, phone: str) -> None:
        """The same: one connection is one terminal here."""
        self.close()

    def resend(self, made: Sequence[bytes]) -> None:
        if not self._writer.is_closing():
            self._writer.write(b"".join(made))
            self._check_unread()

    def _check_unread(self) -> None:
        if self._writer.transport.get_write_buffer_size() > self._gateway.limits.unread_bytes:
            self._gateway.log.warning("terminal_reads_nothing", phone=self.phone, source=self.source)
            self.abort()

    def answer(self, header: Header, result: Result, serials: Sequence[int] = ()) -> None:
        """0x8001 to the message, or to each of its packages."""
        for serial in serials or (header.serial,):
            self.send(0x8001, header, general.encode_general(serial, header.message_id, result))

    def _skip(self, error: BadMessage) -> None:
        self._gateway.counts["bad_frames"] += 1
        self._gateway.log.warning("bad_frame", source=self.source, phone=self.phone, why=str(error))

    async def _hear(self, frame: Frame) -> None:
        self._gateway.counts["frames"] += 1
        try:
            header, body = split(frame.content)
        except BadMessage as error:
            return self._skip(error)
        if self.phone is not None:
            self.deadline = time.monotonic() + self._gateway.limits.idle_s
        serials: Sequence[int] = ()
        raw = frame.raw
        if header.subpackaged:
            if self.phone is None or header.message_id not in (*LOCATIONS, *REPLIES):
                return self.answer(header, Result.UNSUPPORTED if self.phone else Result.FAILED)
            if (joined := self._join(header, body)) is None:
                return None
            header, body, serials, raw = joined.header, joined.body, joined.serials, joined.raw
        try:
            value = read_body(header, body)
        except BadMessage as error:
            return await self._unreadable(header, raw, error, serials)
        return await self._act(header, value, raw, serials)

    def _join(self, header: Header, body: bytes) -> Joined | None:
        dropped = self._joining.dropped
        joined = self._joining.add(header, body, time.monotonic())
        self._gateway.counts["packages_given_up"] += self._joining.dropped - dropped
        return joined

    def ask_for_missing(self, now: float) -> None:
        """0x8003 for each divided message that has waited a while for one of its packages."""
        for waiting in self._joining.incomplete(now):
            missing = general.Missing(waiting.first.serial, waiting.missing)
            self._gateway.counts["packages_asked_for"] += len(waiting.missing)
            self.send(0x8003, waiting.first, general.encode_missing(missing, waiting.first.version))

    async def _act(self, header: Header, value: Any, raw: bytes, serials: Sequence[int]) -> None:
        commanding = self._gateway.commanding
        match value:
            case Registration():
                await self._register(header, value)
            case Authentication():
                await self._authenticate(header, value)
            case general.TimeQuery():
                self.send(0x8004, header, general.encode_time(clock.now()))
            case general.GeneralAnswer() if self.phone is None or bare_phone(header.phone) != self.phone:
                pass  # an answer is never answered
            case general.GeneralAnswer():
                commanding.on_general_answer(self.phone, value.answered, value.answered_id, value.result)
            case _ if self.phone is None or bare_phone(header.phone) != self.phone:
                self._gateway.counts["refused"] += 1
                self._gateway.log.warning("not_authenticated", source=self.source, phone=header.phone)
                self.answer(header, Result.FAILED)
            case Location() | LocationReply() | Batch():
                if isinstance(value, LocationReply):
                    commanding.on_reply(self.phone, value)
                await self._report(header, value, raw, serials)
            case ParametersAnswer() | Attributes() | AreasAnswer():
                commanding.on_reply(self.phone, value)
                self.answer(header, Result.OK, serials)
            case general.Missing():
                commanding.on_missing(self.phone, value)
                self.answer(header, Result.OK)
            case general.Heartbeat():
                self.answer(header, Result.OK)
            case general.Deregister():
                self.answer(header, Result.OK)
                self._gateway.leave(self)
            case _:
                self.answer(header, Result.UNSUPPORTED)

    async def _register(self, header: Header, value: Registration) -> None:
        result, code = 2, ""
        if self._unknown_other(header):
            return self._refuse(header, "registered as another")
        if value.plate and len(value.plate) <= LONGEST_PLATE:
            known = await self._gateway.ask(self._gateway.sink.register, header.phone, value)
            if known is None:
                return self.close()  # the database is away: the terminal tries again by itself
            result, code = known.result, known.auth_code or ""
            if not result:
                self._claimed = bare_phone(header.phone)
        self.send(0x8100, header, general.encode_registration_answer(header.serial, result, code))
        if result:
            self._failed("register", header)
        return None

    async def _authenticate(self, header: Header, value: Authentication) -> None:
        if self._unknown_other(header):
            return self._refuse(header, "authenticated as another")
        good = await self._gateway.ask(self._gateway.sink.authenticate, header.phone, value.code)
        if good is None:
            return self.close()
        if not good:
            return self._refuse(header, "wrong code")
        self.phone = bare_phone(header.phone)
        self.deadline = time.monotonic() + self._gateway.limits.idle_s
        self._gateway.welcome(self)
        self.answer(header, Result.OK)
        return self._gateway.commanding.on_welcome(self.phone, header.version, self)

    def _unknown_other(self, header: Header) -> bool:
        """One connection is one terminal; nobody enrols a thousand through it."""
        own = self.phone or self._claimed
        return own is not None and bare_phone(header.phone) != own

    def _refuse(self, header: Header, why: str) -> None:
        self.answer(header, Result.FAILED)
        self._failed(why, header)

    def _failed(self, why: str, header: Header) -> None:
        self._gateway.counts["refused"] += 1
        self._gateway.log.warning("sign_on_refused", source=self.source, phone=header.phone, why=why)
        self._failures += 1
        if self._failures >= self._gateway.limits.failures:
            self.close()

    async def _report(
        self, header: Header, value: Location | LocationReply | Batch, raw: bytes, serials: Sequence[int]
    ) -> None:
        fixes, least = _fixes(header, value, raw), Result.OK
        if isinstance(value, Batch) and value.unreadable:
            first, more = value.unreadable[0], len(value.unreadable) - 1
            why = f"item {first.item}: {first.error}" + (f" (and {more} more items)" if more else "")
            if not await self._gateway.bury(header.phone, raw, why):
                least = Result.FAILED  # not all of it is kept
            if not fixes:
                return self.answer(header, Result.BAD, serials)
        for report in reports(
            header.phone, raw, fixes, lambda result: self.answer(header, result, serials), least
        ):
            await self._gateway.batcher.queue.put(report)
        return None

    async def _unreadable(
        self, header: Header, raw: bytes, error: BadMessage, serials: Sequence[int]
    ) -> None:
        self._skip(error)
        if self.phone is not None and header.message_id in LOCATIONS:
            await self._gateway.bury(header.phone, raw, str(error))
        self.answer(header, Result.UNSUPPORTED if header.encryption else Result.BAD, serials)


def _fixes(header: Header, value: Location | LocationReply | Batch, raw: bytes) -> list[TerminalFix]:
    if isinstance(value, Batch):
        found, backfill = value.locations, value.backfill
    else:
        found, backfill = {0: value.location if isinstance(value, LocationReply) else value}, False
    return [
        TerminalFix(
            header.phone, header.serial, n, location.fix(backfill), dict(location.extras) or None, raw
        )
        for n, location in found.items()
    ]
