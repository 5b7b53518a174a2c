"""Joins sub-packages. What is still missing its brothers is bounded in number, bytes and age."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from workers.jt808.header import Header

MOST_SETS = 8
MOST_BYTES = 512 * 1024
MOST_PARTS = 1024
OLDEST_S = 120.0


@dataclass(slots=True)
class _Set:
    since: float
    total: int
    parts: dict[int, bytes] = field(default_factory=dict)
    serials: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Joined:
    """A whole body. ``header`` is that of the first package; ``serials``: of each, in order."""

    header: Header
    body: bytes
    serials: tuple[int, ...]


class Assembler:
    """One per connection. Sets are told apart by phone, message id and the serial of their first package."""

    def __init__(self) -> None:
        self._sets: OrderedDict[tuple[str, int, int], _Set] = OrderedDict()
        self.dropped = 0  # sets given up

    @property
    def held_bytes(self) -> int:
        return sum(len(part) for held in self._sets.values() for part in held.parts.values())

    def add(self, header: Header, body: bytes, now: float) -> Joined | None:
        """The whole once its last part is here. ``now`` in seconds of any steady clock."""
        self._forget_old(now)
        if header.total > MOST_PARTS:
            self.dropped += 1
            return None
        key = (header.phone, header.message_id, (header.serial - header.number + 1) % 65536)
        held = self._sets.setdefault(key, _Set(now, header.total))
        if held.total != header.total:
            held = self._sets[key] = _Set(now, header.total)
        held.parts[header.number], held.serials[header.number] = body, header.serial
        if len(held.parts) < held.total:
            self._bound()
            return None
        del self._sets[key]
        order = range(1, held.total + 1)
        first = replace(header, serial=key[2], total=1, number=1, subpackaged=False)
        return Joined(first, b"".join(held.parts[n] for n in order), tuple(held.serials[n] for n in order))

    def _forget_old(self, now: float) -> None:
        while self._sets and next(iter(self._sets.values())).since < now - OLDEST_S:
            self._drop_oldest()

    def _bound(self) -> None:
        while len(self._sets) > MOST_SETS or (len(self._sets) and self.held_bytes > MOST_BYTES):
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        self._sets.popitem(last=False)
        self.dropped += 1
