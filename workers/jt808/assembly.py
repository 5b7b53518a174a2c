"""Joins sub-packages. What is still missing its brothers is bounded in number, bytes and age."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from workers.jt808.framing import wrap
from workers.jt808.header import Header

MOST_SETS = 8
MOST_BYTES = 512 * 1024
MOST_PARTS = 1024
OLDEST_S = 120.0

#: Seconds without a new package after which the missing ones are asked for, and how often.
ASK_AFTER_S, ASK_TIMES = 5.0, 3


@dataclass(slots=True)
class _Set:
    since: float
    first: Header
    last: float = 0.0
    asked: int = 0
    parts: dict[int, bytes] = field(default_factory=dict)
    serials: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.first.total

    @property
    def missing(self) -> tuple[int, ...]:
        return tuple(n for n in range(1, self.total + 1) if n not in self.parts)


@dataclass(frozen=True, slots=True)
class Joined:
    """A whole body. ``header`` is that of the first package; ``serials``: of each, in order;
    ``raw``: the frames of all packages, in order."""

    header: Header
    body: bytes
    serials: tuple[int, ...]
    raw: bytes


@dataclass(frozen=True, slots=True)
class Incomplete:
    """A set that waits for packages ``missing`` (numbers from 1); ``first``: header of its first package."""

    first: Header
    missing: tuple[int, ...]


class Assembler:
    """One per connection. Sets are told apart by phone, message id and the serial of their first package."""

    def __init__(self) -> None:
        self._sets: OrderedDict[tuple[str, int, int], _Set] = OrderedDict()
        self.dropped = 0  # sets given up

    @property
    def waits(self) -> bool:
        return bool(self._sets)

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
        if (held := self._sets.get(key)) is None or held.total != header.total:
            held = self._begin(key, header, now)
        held.parts[header.number], held.serials[header.number], held.last = body, header.serial, now
        if len(held.parts) < held.total:
            self._bound()
            return None
        del self._sets[key]
        return _joined(held)

    def incomplete(self, now: float) -> list[Incomplete]:
        """What to ask for now (0x8003): each set a few times, a while after its last package came."""
        self._forget_old(now)
        waiting = [s for s in self._sets.values() if s.asked < ASK_TIMES and now - s.last >= ASK_AFTER_S]
        for held in waiting:
            held.last, held.asked = now, held.asked + 1
        return [Incomplete(held.first, held.missing) for held in waiting]

    def _begin(self, key: tuple[str, int, int], header: Header, now: float) -> _Set:
        if self._sets.pop(key, None) is not None:
            self.dropped += 1
        held = self._sets[key] = _Set(now, replace(header, serial=key[2], number=1))
        return held

    def _forget_old(self, now: float) -> None:
        while self._sets and next(iter(self._sets.values())).since < now - OLDEST_S:
            self._drop_oldest()

    def _bound(self) -> None:
        while len(self._sets) > MOST_SETS or (len(self._sets) and self.held_bytes > MOST_BYTES):
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        self._sets.popitem(last=False)
        self.dropped += 1


def _joined(held: _Set) -> Joined:
    order = range(1, held.total + 1)
    headers = (replace(held.first, number=n, serial=held.serials[n]) for n in order)
    return Joined(
        replace(held.first, total=1, number=1, subpackaged=False),
        b"".join(held.parts[n] for n in order),
        tuple(held.serials[n] for n in order),
        b"".join(wrap(h.encode(held.parts[h.number])) for h in headers),
    )
