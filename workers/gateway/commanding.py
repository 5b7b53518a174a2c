"""Commands of the park, sent to the terminals connected here, and their answers.

The gateway calls, always from its event loop:

- ``on_welcome(phone, version, line)``: a terminal has authenticated; ``line`` sends to it.
- ``on_gone(phone, line)``: that connection is over.
- ``on_general_answer(phone, serial, message_id, result)``: a 0x0001 of that terminal.
- ``on_reply(phone, message)``: a 0x0104, 0x0107, 0x0201 or 0x0608 of that terminal.
- ``on_missing(phone, missing)``: a 0x0005: packages of ours that did not arrive.
- ``await tick()``: every second; claims what is due for connected phones, sends it, writes answers down.

Everything that touches the database happens in ``tick``, in a thread. A database that is away costs a
tick. Answers not yet written when the gateway dies are lost, and their commands are sent again.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Protocol

from parking import clock
from parking.services.commands import Claimed, Outcome
from parking.vocabulary import CommandFault, CommandKind
from workers.gateway import orders
from workers.gateway.sparing import Sparing
from workers.jt808.general import Missing
from workers.jt808.header import Version
from workers.jt808.identity import Attributes
from workers.jt808.location import LocationReply
from workers.jt808.orders import AreasAnswer
from workers.jt808.parameters import ParametersAnswer

TICK_S = 1.0

#: How far back to look for terminals that went to another gateway, seconds: several ticks.
MOVED_S = 30.0

#: Connections and answers written down in one transaction.
PER_FLUSH = 500

#: Divided messages kept per connection, so that packages can be sent again (0x0005).
KEPT = 4

Reply = ParametersAnswer | Attributes | LocationReply | AreasAnswer

_KIND_OF_REPLY: Mapping[type, CommandKind] = {
    ParametersAnswer: CommandKind.ASK_PARAMETERS,
    Attributes: CommandKind.ASK_ATTRIBUTES,
    LocationReply: CommandKind.LOCATE_NOW,
    AreasAnswer: CommandKind.ASK_AREAS,
}


class Line(Protocol):
    """A connection, of one terminal or of many: ``order`` sends a message to ``phone`` and returns the serial
    of its first package and the frames; given a ``serial`` it repeats that message. ``let_go``: another
    gateway has that terminal now. ``source``: the address of the other side."""

    source: str

    def order(
        self, phone: str, message_id: int, body: bytes, version: Version, serial: int | None = None
    ) -> tuple[int, Sequence[bytes]]: ...
    def resend(self, frames: Sequence[bytes]) -> None: ...
    def let_go(self, phone: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Welcome:
    """A terminal that authenticated, when and from where; ``over``: while another connection was open."""

    phone: str
    version: Version
    source: str
    over: bool
    at: datetime


class Store(Protocol):
    """Blocking calls, made from a thread; any of them may raise."""

    def claim(self, phones: Sequence[str]) -> list[Claimed]: ...
    def welcomed(self, welcomes: Sequence[Welcome]) -> None: ...
    def moved(self, seconds: float) -> list[str]: ...
    def settle(self, outcomes: Sequence[Outcome]) -> None: ...
    def unsendable(self, command_id: int, fault: CommandFault) -> None: ...
    def attributes(self, phone: str, said: Mapping[str, Any]) -> None: ...


@dataclass(slots=True)
class _Sent:
    """A command on this connection: serials of its first and last package, answered as ``message_id``."""

    command_id: int
    kind: CommandKind
    message_id: int
    first: int
    last: int


@dataclass(slots=True)
class _Link:
    line: Line
    version: Version
    sent: dict[int, _Sent] = field(default_factory=dict)
    divided: OrderedDict[int, Sequence[bytes]] = field(default_factory=OrderedDict)


class Commanding:
    """``store`` None: this gateway takes no commands; every call is then a no-op."""

    def __init__(self, store: Store | None, log: Sparing) -> None:
        self._store, self._log = store, log
        self._links: dict[str, _Link] = {}
        self._welcomes: list[Welcome] = []
        self._outcomes: list[Outcome] = []
        self._attributes: list[tuple[str, Mapping[str, Any]]] = []
        self.sent = self.superseded = 0

    def on_welcome(self, phone: str, version: Version, line: Line) -> None:
        if self._store is None:
            return
        before = self._links.get(phone)
        over = before is not None and before.line is not line
        self._links[phone] = _Link(line, version)
        self._welcomes.append(Welcome(phone, version, line.source, over, clock.now()))

    def on_gone(self, phone: str, line: Line) -> None:
        link = self._links.get(phone)
        if link is not None and link.line is line:
            del self._links[phone]

    def on_general_answer(self, phone: str, serial: int, message_id: int, result: int) -> None:
        """Matched by message id and the serial of the first or the last package, as terminals differ."""
        link = self._links.get(phone)
        if link is None:
            return
        for sent in list(link.sent.values()):
            if sent.message_id == message_id and serial in (sent.first, sent.last):
                self._outcomes.append(Outcome(sent.command_id, result))
                if result or sent.kind not in _KIND_OF_REPLY.values():
                    del link.sent[sent.command_id]

    def on_reply(self, phone: str, message: Reply) -> None:
        """A position and parameters name the serial they answer; the others answer the oldest question."""
        link, kind = self._links.get(phone), _KIND_OF_REPLY[type(message)]
        if link is None:
            return
        serial = _answered(message)
        for sent in list(link.sent.values()):
            if sent.kind is kind and serial in (None, sent.first, sent.last):
                del link.sent[sent.command_id]
                self._outcomes.append(Outcome(sent.command_id, 0, _facts(message)))
                return
        if isinstance(message, Attributes):
            self._attributes.append((phone, _facts(message)))

    def on_missing(self, phone: str, missing: Missing) -> None:
        link = self._links.get(phone)
        frames = link.divided.get(missing.first) if link else None
        if link is not None and frames is not None:
            link.line.resend([frames[n - 1] for n in missing.numbers if 1 <= n <= len(frames)])

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            await self.tick()

    async def tick(self) -> None:
        """Never raises: what could not be done is done a tick later."""
        if self._store is None or not self._busy():
            return
        try:
            await self._tick(self._store)
        except Exception as error:  # whatever the database says, the connections go on
            self._log.warning("commands_wait", why=f"{type(error).__name__}: {str(error)[:300]}")

    def _busy(self) -> bool:
        return bool(self._links or self._outcomes or self._welcomes or self._attributes)

    async def _tick(self, store: Store) -> None:
        began = time.monotonic()
        await self._flush(store)
        await self._let_go(store)
        claimed = await asyncio.to_thread(store.claim, list(self._links))
        for command in claimed:
            if fault := self._send(command):
                await asyncio.to_thread(store.unsendable, command.id, fault)
        if (took := time.monotonic() - began) > TICK_S:
            self._log.warning("commands_slow", seconds=round(took, 1))

    async def _flush(self, store: Store) -> None:
        """Write down what happened; what came meanwhile stays for the next time."""
        for held, write in ((self._welcomes, store.welcomed), (self._outcomes, store.settle)):
            while some := held[:PER_FLUSH]:
                await asyncio.to_thread(write, some)  # type: ignore[arg-type] # each takes its own list
                del held[: len(some)]
        while self._attributes:
            await asyncio.to_thread(store.attributes, *self._attributes[0])
            del self._attributes[0]

    async def _let_go(self, store: Store) -> None:
        """Close connections of terminals that have since come to another gateway."""
        for phone in await asyncio.to_thread(store.moved, MOVED_S):
            link = self._links.get(phone)
            if link is not None and all(phone != w.phone for w in self._welcomes):
                self._log.info("moved_to_another_gateway", phone=phone)
                self.superseded += 1
                link.line.let_go(phone)

    def _send(self, command: Claimed) -> CommandFault | None:
        """Send it; why not, when the protocol cannot carry it. A terminal gone meanwhile is sent it later."""
        link = self._links.get(command.phone)
        if link is None:
            return None
        version = _edition(link.version, command.version)
        try:
            message_id, body = orders.encode(command.kind, command.payload, version)
        except orders.NotInEdition:
            return CommandFault.EDITION
        except (ValueError, KeyError, TypeError) as error:
            self._log.error("command_not_encoded", command=command.id, why=f"{type(error).__name__}: {error}")
            return CommandFault.UNSENDABLE
        before = link.sent.get(command.id)
        first, frames = link.line.order(
            command.phone, message_id, body, version, before.first if before else None
        )
        last = (first + len(frames) - 1) % 65536
        link.sent[command.id] = _Sent(command.id, command.kind, message_id, first, last)
        if len(frames) > 1:
            link.divided[first] = frames
            while len(link.divided) > KEPT:
                link.divided.popitem(last=False)
        self.sent += 1
        return None


def _edition(spoken: Version, registered: str | None) -> Version:
    """No header tells 2011 from 2013; the registration did."""
    old = spoken is Version.V2013 and registered == Version.V2011
    return Version.V2011 if old else spoken


def _answered(message: Reply) -> int | None:
    if isinstance(message, LocationReply):
        return message.serial
    return message.answered if isinstance(message, ParametersAnswer) else None


def _facts(message: Reply) -> Mapping[str, Any]:
    """The reply as plain JSON."""
    if isinstance(message, LocationReply):
        at = message.location
        return {"time": at.time.isoformat(), "lat": at.lat, "lon": at.lon, "speed_kmh": at.speed_kmh,
                "heading": at.heading, "located": at.located}  # fmt: skip
    plain: Mapping[str, Any] = _plain(asdict(message))
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value
