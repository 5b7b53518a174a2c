"""A terminal that does what it is told, and remembers it; it may answer wrongly, late or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from workers.jt808 import general, location, parameters
from workers.jt808.assembly import Assembler
from workers.jt808.framing import Frame
from workers.jt808.header import Header, split
from workers.jt808.messages import frames, read_body
from workers.terminal import Terminal

#: Questions with an answer of their own.
QUESTIONS = (0x8104, 0x8106, 0x8107, 0x8201, 0x8608)


@dataclass
class Manners:
    """``result`` of its general answers (None: silent); ``last``: it names the last package's serial;
    ``replies`` by message id of the question; ``lost``: package numbers it misses the first time."""

    result: int | None = 0
    last: bool = False
    replies: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)


class Obedient(Terminal):
    """``orders``: (message id, value, serial) of what it was told, each time it was told."""

    def __init__(self, *args: Any, manners: Manners | None = None, read_as: Any = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self.manners = manners or Manners()
        self.orders: list[tuple[int, Any, int]] = []
        self.raw: list[bytes] = []
        self._read_as = read_as
        self._joining = Assembler()

    @property
    def values(self) -> list[Any]:
        return [value for _, value, _ in self.orders]

    def _hear(self, frame: Frame) -> None:
        header, body = split(frame.content)
        if header.message_id in (0x8001, 0x8100):
            return super()._hear(frame)
        self.raw.append(frame.content)
        serials = [header.serial]
        if header.subpackaged:
            if header.number in self.manners.lost:
                self.manners.lost.discard(header.number)
                missing = general.encode_missing(
                    general.Missing(header.serial - header.number + 1, (header.number,)), header.version
                )
                return self._say(0x0005, missing)
            if (joined := self._joining.add(header, body, 0.0)) is None:
                return None
            header, body, serials = joined.header, joined.body, list(joined.serials)
        version = self._read_as or header.version
        value = read_body(Header(header.message_id, header.phone, header.serial, version), body)
        self.orders.append((header.message_id, value, header.serial))
        return self._answer(header, serials[-1] if self.manners.last else serials[0])

    def _answer(self, header: Header, serial: int) -> None:
        if header.message_id in self.manners.replies:
            number, body = self.manners.replies[header.message_id]
            return self._say(number, body)
        if self.manners.result is None:
            return None
        if header.message_id == 0x8201:
            body = serial.to_bytes(2, "big") + location.encode(self.here())
            return self._say(0x0201, body)
        if header.message_id == 0x8104:
            settings: dict[int, parameters.Setting] = {0x29: 30, 0x83: "晋M12345"}
            return self._say(0x0104, parameters.encode_answer(parameters.ParametersAnswer(serial, settings)))
        return self._say(0x0001, general.encode_general(serial, header.message_id, self.manners.result))

    def here(self) -> location.Location:
        from tests.gateways import at

        return at(0)

    def _say(self, message_id: int, body: bytes) -> None:
        assert self._writer is not None
        for raw in frames(message_id, self.phone, self._serial, body, self.version):
            self._serial = (self._serial + 1) % 65536
            self._writer.write(raw)


async def until(condition: Any, seconds: float = 10.0) -> None:
    ends = asyncio.get_running_loop().time() + seconds
    while not (found := condition()):
        if asyncio.get_running_loop().time() > ends:
            raise AssertionError("it did not happen in time")
        await asyncio.sleep(0.02)
    return found
