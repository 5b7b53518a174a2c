"""What terminals send again, told from what is new before anything is judged.

A terminal sends again what was not answered. It does so when we are slow, so a repeat has to cost less than
a new fix, or the slowness feeds itself. One that stands twice in a batch is seen without the database. One
that was stored in an earlier batch takes a look at the table, for which nobody pays while nothing is sent
again: the first such batch is undone and taken again, and those after it are looked up before they are
judged, until ``CALM`` batches in a row brought nothing but new fixes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from parking.services import storing
from parking.services.fixbatch import FixBatch
from parking.services.owners import Owner
from parking.services.packedkeys import Said, Stem

#: So many batches in a row without a repeat, and the next are trusted to be new.
CALM = 30

_watchful: WeakKeyDictionary[Engine, int] = WeakKeyDictionary()  # batches still to be looked up


def expected(session: Session) -> bool:
    """Terminals have been sending again what was stored already."""
    return _watchful.get(session.get_bind().engine, 0) > 0


def met(session: Session, count: int) -> None:
    """So many fixes of a batch were repeats."""
    engine = session.get_bind().engine
    _watchful[engine] = CALM if count else max(0, _watchful.get(engine, 0) - 1)


def once(fixes: FixBatch) -> FixBatch:
    """Each fix of the batch once: the first with its phone, time, serial, item and words."""
    if len(set(zip(fixes.phones, fixes.serial.tolist(), fixes.item.tolist(), strict=True))) == len(fixes):
        return fixes
    keys = zip(fixes.phones, fixes.at.tolist(), fixes.serial.tolist(), fixes.item.tolist(), _said(fixes),
               strict=True)  # fmt: skip
    first: dict[tuple[object, ...], int] = {}
    for row, key in enumerate(keys):
        first.setdefault(key, row)
    return fixes if len(first) == len(fixes) else fixes.taken(np.array(list(first.values()), np.intp))


def unknown(session: Session, fixes: FixBatch, owned: Sequence[Owner]) -> tuple[FixBatch, list[Owner]]:
    """What was not stored yet. Another fix with the same key, as a terminal with a standing clock sends
    after a restart, is not the same fix: it gets the next free ``item``."""
    stems: list[Stem] = list(
        zip(fixes.at.tolist(), [o.terminal_id for o in owned], fixes.serial.tolist(), strict=True)
    )
    taken = storing.stored(session, stems)
    item, fresh = fixes.item.copy(), []
    for row, (stem, own, words) in enumerate(zip(stems, fixes.item.tolist(), _said(fixes), strict=True)):
        there = taken[stem]
        if there.get(own) == words:
            continue
        if own in there:
            if words in there.values():
                continue
            item[row] = own = max(there) + 1
        there[own] = words
        fresh.append(row)
    rows = np.array(fresh, np.intp)
    return replace(fixes, item=item).taken(rows), [owned[n] for n in fresh]


def _said(fixes: FixBatch) -> Iterable[Said]:
    return zip(fixes.lon.tolist(), fixes.lat.tolist(), fixes.alarm.tolist(), fixes.status.tolist(),
               strict=True)  # fmt: skip
