"""Which fixes are packed already: what is sent again long after is known, though its partition is empty.

Blocks are never changed, only replaced under another number: what was read of one is kept for the next batch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from parking import arrays
from parking.packed import block
from parking.packed.block import Keys
from parking.packed.numbers import Damaged
from parking.services.remembered import cursor

#: Microseconds since 1970, terminal, serial: what a fix is looked up by.
Stem = tuple[int, int, int]
#: Degrees, alarm, status: what tells two fixes with one stem apart.
Said = tuple[float, float, int, int]

#: Nothing younger is packed: ``pack_after_h`` is at least 1 (parking.settings). Microseconds.
YOUNGEST_US = 3_600_000_000
#: Times farther ahead are packed once they have lain for a while (services.packing). Microseconds.
AHEAD_US = 86_400_000_000
_FACTOR = 0x9E3779B97F4A7C1  # large and odd
#: Blocks that are kept to be searched, about 1.3 megabytes each.
MOST = 32

Ints = NDArray[np.int64]
_lock = Lock()
_read: WeakKeyDictionary[Engine, OrderedDict[int, Page]] = WeakKeyDictionary()

#: A period, and so a block, spans at most a day.
_WHERE = """
SELECT DISTINCT b.id FROM unnest(%s, %s) AS v (since, until)
JOIN fix_block AS b ON b.since <= v.until AND b.until >= v.since AND b.until < v.until + interval '1 day'
WHERE b.terminals && %s
"""
_READ = "SELECT id, path, rest FROM fix_block WHERE id = ANY(%s)"


def possible(at: Ints, now_us: int) -> NDArray[np.bool_]:
    """Which of these times (microseconds since 1970) may lie in a packed period; (n,)."""
    return (at < now_us - YOUNGEST_US) | (at > now_us + AHEAD_US)


def known(session: Session, stems: Collection[Stem]) -> dict[Stem, dict[int, Said]]:
    """Those of ``stems`` that are packed, by item. Blocks that cannot hold them are not read."""
    found: dict[Stem, dict[int, Said]] = {}
    wanted = list(set(stems))
    if not wanted:
        return found
    at, terminal, serial = np.array(wanted, np.int64).T
    sought = _mixed(at, terminal, serial)
    for page in _pages(session, at, np.unique(terminal)):
        first, last = (np.searchsorted(page.mixed, sought, side) for side in ("left", "right"))
        for n in np.flatnonzero(last > first).tolist():
            for row in page.rows[first[n] : last[n]].tolist():
                stem, item, said = page.one(row)
                if stem == wanted[n]:
                    found.setdefault(stem, {})[item] = said
    return found


def _mixed(at: Ints, terminal: Ints, serial: Ints) -> Ints:
    """One number for each stem, seldom the same for two."""
    return at * _FACTOR + terminal * (_FACTOR + 2) + serial  # whole numbers wrap around


@dataclass(frozen=True, slots=True)
class Page:
    """What a block holds, to be searched: ``rows`` in the order of ``mixed``, ascending."""

    keys: Keys
    mixed: Ints
    rows: Ints

    @classmethod
    def of(cls, path: bytes, rest: bytes) -> Page:
        keys = block.read_keys(path, rest)
        mixed = _mixed(keys.time, keys.terminal, keys.serial)
        rows = np.argsort(mixed, kind="stable")
        return cls(keys, mixed[rows], rows)

    def one(self, row: int) -> tuple[Stem, int, Said]:
        k = self.keys
        stem = (int(k.time[row]), int(k.terminal[row]), int(k.serial[row]))
        said = (float(k.lon[row]), float(k.lat[row]), int(k.alarm[row]), int(k.status[row]))
        return stem, int(k.item[row]), said


def _pages(session: Session, at: Ints, terminals: Ints) -> Iterator[Page]:
    """Every block of these terminals at these times."""
    hours = np.unique(at // 3_600_000_000) * 3_600_000_000
    spans = [arrays.instants(hours), arrays.instants(hours + 3_599_999_999)]
    engine = session.get_bind().engine
    with cursor(session) as asking:
        missing = []
        for (number,) in asking.execute(_WHERE, [*spans, arrays.int8s(terminals)]).fetchall():
            if page := _recalled(engine, number):
                yield page
            else:
                missing.append(number)
        if missing:
            for number, path, rest in asking.execute(_READ, [missing]):
                with suppress(Damaged):  # whoever reads tracks is told; what comes in is stored all the same
                    page = Page.of(path, rest)
                    _remember(engine, number, page)
                    yield page


def _recalled(engine: Engine, number: int) -> Page | None:
    with _lock:
        kept = _read.setdefault(engine, OrderedDict())
        if number in kept:
            kept.move_to_end(number)
        return kept.get(number)


def _remember(engine: Engine, number: int, page: Page) -> None:
    with _lock:
        kept = _read.setdefault(engine, OrderedDict())
        kept[number] = page
        while len(kept) > MOST:
            kept.popitem(last=False)
