"""One connection as a conversation: who speaks, what is said, what is answered.

What is plain is read by the intake, many connections at once; the rest comes here frame by frame. While
a frame waits for the database or for room, its connection is not read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from parking import clock
from parking.services.fixbatch import TerminalFix
from parking.services.terminals import bare_phone
from workers.gateway.connection import Connection
from workers.gateway.reports import reports
from workers.jt808 import general
from workers.jt808.assembly import Assembler, Joined
from workers.jt808.bad import BadMessage
from workers.jt808.framing import Frame, Skipped
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


class Session(Connection):
    """``phones``: who has authenticated here; one, or on a relay many. ``signed``: the same, by the phone
    as frames carry it. The gateway closes sessions whose ``deadline`` passed."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway)
        self._joining = Assembler()
        self._failures = 0
        self._claimed: str | None = None  # the phone registered here, authenticated or not
        self.phones: dict[str, None] = {}
        self.signed: dict[bytes, str] = {}
        self.relay = False
        self.deadline = time.monotonic() + gateway.limits.sign_on_s

    @property
    def phone(self) -> str | None:
        """The one who has authenticated here, or the first."""
        return next(iter(self.phones), None)

    def read(self, data: bytes) -> asyncio.Task[None]:
        """Read ``data`` frame by frame, beside the others; until that is done nothing more is read here."""
        self._working = asyncio.create_task(self._read(data))
        self._working.add_done_callback(self._done)
        return self._working

    async def _read(self, data: bytes) -> None:
        for item in self._splitter.feed(data):
            if isinstance(item, Skipped):
                self._skip(item.error)
            else:
                await self._hear(item)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._working = None
        if not task.cancelled() and (error := task.exception()) is not None:
            # a fault of ours costs this connection, not the gateway
            why = f"{type(error).__name__}: {error}"
            self._gateway.log.error("session_fault", source=self.source, why=why)
            self.close()
        self.go_on()

    def send(self, message_id: int, header: Header, body: bytes) -> None:
        """A message of ours, with our own serial, in the terminal's edition."""
        packed = frames(message_id, header.phone, self._serial, body, header.version)
        self._serial = (self._serial + len(packed)) % 65536
        self.write(b"".join(packed))

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
        """The same: over a relay's connection the other terminals go on."""
        self._gateway.leave(self, phone)
        if not self.relay:
            self.close()

    def resend(self, made: Sequence[bytes]) -> None:
        self.write(b"".join(made))

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
        if self.phones:
            self.deadline = time.monotonic() + self._gateway.limits.idle_s
        serials: Sequence[int] = ()
        raw = frame.raw
        if header.subpackaged:
            if not self.phones or header.message_id not in (*LOCATIONS, *REPLIES):
                return self.answer(header, Result.UNSUPPORTED if self.phones else Result.FAILED)
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
        if not self._joining.waits:
            return
        for waiting in self._joining.incomplete(now):
            missing = general.Missing(waiting.first.serial, waiting.missing)
            self._gateway.counts["packages_asked_for"] += len(waiting.missing)
            self.send(0x8003, waiting.first, general.encode_missing(missing, waiting.first.version))

    async def _act(self, header: Header, value: Any, raw: bytes, serials: Sequence[int]) -> None:
        commanding, phone = self._gateway.commanding, bare_phone(header.phone)
        match value:
            case Registration():
                await self._register(header, value)
            case Authentication():
                await self._authenticate(header, value)
            case general.TimeQuery():
                self.send(0x8004, header, general.encode_time(clock.now()))
            case general.GeneralAnswer() if phone not in self.phones:
                pass  # an answer is never answered
            case general.GeneralAnswer():
                commanding.on_general_answer(phone, value.answered, value.answered_id, value.result)
            case _ if phone not in self.phones:
                self._gateway.counts["refused"] += 1
                self._gateway.log.warning("not_authenticated", source=self.source, phone=header.phone)
                self.answer(header, Result.FAILED)
            case Location() | LocationReply() | Batch():
                if isinstance(value, LocationReply):
                    commanding.on_reply(phone, value)
                await self._report(header, value, raw, serials)
            case ParametersAnswer() | Attributes() | AreasAnswer():
                commanding.on_reply(phone, value)
                self.answer(header, Result.OK, serials)
            case general.Missing():
                commanding.on_missing(phone, value)
                self.answer(header, Result.OK)
            case general.Heartbeat():
                self.answer(header, Result.OK)
            case general.Deregister():
                self.answer(header, Result.OK)
                self._gateway.leave(self, bare_phone(header.phone))
            case _:
                self.answer(header, Result.UNSUPPORTED)

    async def _register(self, header: Header, value: Registration) -> None:
        result, code = 2, ""
        if self._unknown_other(header):
            return self._refuse(header, "registered as another")
        if value.plate and len(value.plate) <= LONGEST_PLATE:
            known = await self._gateway.ask(self._gateway.sink.register, header.phone, value)
            if known is None:
                return self._no_database()
            result, code = known.result, known.auth_code or ""
            if not result:
                self._claimed = bare_phone(header.phone)
        self.send(0x8100, header, general.encode_registration_answer(header.serial, result, code))
        if result:
            self._failed("register", header.phone)
        return None

    async def _authenticate(self, header: Header, value: Authentication) -> None:
        if self._unknown_other(header):
            return self._refuse(header, "authenticated as another")
        good = await self._gateway.signing.ask(header.phone, value.code)
        if good is None:
            return self._no_database()
        if not good:
            return self._refuse(header, "wrong code")
        self.sign(bytes.fromhex(header.phone))
        return self.answer(header, Result.OK)

    def sign(self, raw: bytes) -> None:
        """The terminal whose phone frames carry as ``raw`` has shown its code."""
        phone = bare_phone(raw.hex())
        self.phones[phone] = None
        self.signed[raw] = phone
        self.deadline = time.monotonic() + self._gateway.limits.idle_s
        if self.lost:
            return
        self._gateway.welcome(self, phone)
        edition = Version.V2019 if len(raw) > 6 else Version.V2013
        self._gateway.commanding.on_welcome(phone, edition, self)

    def unsign(self, phone: str) -> None:
        """It has to show its code again before it is heard."""
        self.phones.pop(phone, None)
        for digits in (12, 20):
            if len(phone) <= digits:
                self.signed.pop(bytes.fromhex(phone.zfill(digits)), None)

    def may_sign(self, raw: bytes) -> bool:
        """One connection is one terminal, unless it is a declared relay's."""
        if self.relay:
            return len(self.phones) < self._gateway.limits.relay_terminals
        own = self.phone or self._claimed
        return own is None or bare_phone(raw.hex()) == own

    def _no_database(self) -> None:
        """The terminal tries again by itself; over a relay's connection the others go on."""
        if not self.relay:
            self.close()

    def _unknown_other(self, header: Header) -> bool:
        """One connection is one terminal; nobody enrols a thousand through it."""
        return not self.may_sign(bytes.fromhex(header.phone))

    def _refuse(self, header: Header, why: str) -> None:
        self.answer(header, Result.FAILED)
        self._failed(why, header.phone)

    def _failed(self, why: str, phone: str) -> None:
        self._gateway.counts["refused"] += 1
        self._gateway.log.warning("sign_on_refused", source=self.source, phone=phone, why=why)
        self._failures += 1
        if not self.relay and self._failures >= self._gateway.limits.failures:
            self.close()

    def signed_on(self, raw: bytes, good: bool | None) -> None:
        """What became of a plain 0x0102; its answer was given."""
        if good is None:
            self._no_database()
        elif not good:
            self._failed("wrong code", raw.hex())

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
            header.phone, raw, fixes, lambda result: self.answer(header, result, serials), least, self
        ):
            await self._gateway.batcher.queue.put(report)
        return None

    async def _unreadable(
        self, header: Header, raw: bytes, error: BadMessage, serials: Sequence[int]
    ) -> None:
        self._skip(error)
        if self.phones and header.message_id in LOCATIONS:
            await self._gateway.bury(header.phone, raw, str(error))
        self.answer(header, Result.UNSUPPORTED if header.encryption else Result.BAD, serials)


def _fixes(header: Header, value: Location | LocationReply | Batch, raw: bytes) -> list[TerminalFix]:
    if isinstance(value, Batch):
        found, backfill = value.locations, value.backfill
    else:
        found, backfill = {0: value.location if isinstance(value, LocationReply) else value}, False
    return [
        TerminalFix(
            header.phone,
            header.serial,
            n,
            location.fix(backfill),
            _unset(location),
            raw,
            location.items or None,
        )
        for n, location in found.items()
    ]


def _unset(location: Location) -> dict[str, Any] | None:
    """What a clock said that is not set; the additional items are kept as they came."""
    said = location.extras.get("time_unset")
    return None if said is None else {"time_unset": said}
