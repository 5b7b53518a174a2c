"""Fixes into their table, a batch in one statement."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from parking import arrays
from parking.rules.plausibility import MARKS
from parking.services import packedkeys
from parking.services.fixbatch import NO_ALTITUDE, NO_HEADING, FixBatch, instant, microseconds
from parking.services.owners import Owner
from parking.services.packedkeys import Said, Stem
from parking.services.remembered import cursor

_INSERT = f"""
INSERT INTO fix (time, terminal_id, serial, item, vehicle_id, lon, lat, speed_kmh, heading, altitude_m,
    located, alarm, status, backfill, items, extras, mark, received_at)
SELECT v.at, v.terminal, v.serial, v.item, nullif(v.vehicle, 0), v.lon, v.lat, nullif(v.speed, 'NaN'),
    nullif(v.heading, {NO_HEADING}), nullif(v.altitude, {NO_ALTITUDE}), v.located, v.alarm, v.status,
    v.backfill, v.items, v.extras::jsonb, (%s::text[])[v.mark], %s
FROM unnest(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    AS v (at, terminal, serial, item, vehicle, lon, lat, speed, heading, altitude, located, alarm, status,
        backfill, items, extras, mark)
ON CONFLICT DO NOTHING
"""  # noqa: S608 - numbers of our own

#: Names of the marks; the first has index 1, so that 0 is none.
_NAMES = [str(mark) for mark in MARKS[1:]]


def insert(
    session: Session, fixes: FixBatch, owners: Sequence[Owner], marks: NDArray[np.int8], now: datetime
) -> int:
    """Store what is not stored yet; how many that were.

    A row under a packed key does not count, though it was written: who gets fewer than he gave asks what is
    ``stored`` and begins again. Packed ones are looked for last: from the first row on nobody can empty the
    partition, so none can slip from table to blocks between the two looks.
    """
    if not len(fixes):
        return 0
    with cursor(session) as writing:
        writing.execute(_INSERT, [
            _NAMES, now, arrays.instants(fixes.at), arrays.int8s([o.terminal_id for o in owners]),
            arrays.int4s(fixes.serial), arrays.int2s(fixes.item),
            arrays.int8s([o.vehicle_id for o in owners]), arrays.float8s(fixes.lon),
            arrays.float8s(fixes.lat), arrays.float8s(fixes.speed_kmh), arrays.int2s(fixes.heading),
            arrays.int4s(fixes.altitude_m), arrays.bools(fixes.located), arrays.int8s(fixes.alarm),
            arrays.int8s(fixes.status), arrays.bools(fixes.backfill), arrays.byteas(fixes.items),
            arrays.texts([json.dumps(dict(e)) if e else None for e in fixes.extras]), arrays.int2s(marks),
        ])  # fmt: skip
        written = writing.rowcount
    return max(0, written - _packed(session, fixes, owners, now))


def _packed(session: Session, fixes: FixBatch, owners: Sequence[Owner], now: datetime) -> int:
    """How many of the fixes stand under a packed key."""
    rows = np.flatnonzero(packedkeys.possible(fixes.at, microseconds(now))).tolist()
    stems = {n: (int(fixes.at[n]), owners[n].terminal_id, int(fixes.serial[n])) for n in rows}
    known = packedkeys.known(session, stems.values())
    return sum(int(fixes.item[n]) in known.get(stem, ()) for n, stem in stems.items())


#: Row by row over the key, whatever the planner thinks of the table: a plan is made for each question, as
#: one made while a partition was empty would read all of it for every row of ours later. The bounds keep
#: all other partitions out of it: hundreds of them cost 50 ms and more.
_STORED = """
SELECT v.n, found.item, found.lon, found.lat, found.alarm, found.status
FROM unnest(%s, %s, %s, %s) AS v (n, at, terminal, serial),
    LATERAL (SELECT * FROM fix WHERE time = v.at AND terminal_id = v.terminal AND serial = v.serial
        AND time BETWEEN %s AND %s OFFSET 0) AS found
"""

#: Times further apart than this are asked for separately, microseconds; so many questions at most.
_APART = 3_600_000_000
_QUESTIONS = 16


def stored(session: Session, stems: Collection[Stem]) -> dict[Stem, dict[int, Said]]:
    """What is stored under these, packed or not, by item.

    Where table and blocks hold one item, the packed one has it and the other the next free one, as readers
    see it.
    """
    found: dict[Stem, dict[int, Said]] = {s: {} for s in stems}
    if not found:
        return found
    times, terminals, serials = (np.array(column, np.int64) for column in zip(*found, strict=True))
    there = list(found.values())
    with cursor(session) as asking:
        for rows in _close_in_time(times):
            at = times[rows]
            asking.execute(
                _STORED,
                [arrays.int4s(rows), arrays.instants(at), arrays.int8s(terminals[rows]),
                 arrays.int4s(serials[rows]), instant(int(at[0])), instant(int(at[-1]))],
                prepare=False, binary=True,
            )  # fmt: skip
            for n, item, lon, lat, alarm, status in asking:
                there[n][item] = (lon, lat, alarm, status)
    for stem, packed in packedkeys.known(session, found).items():
        found[stem] = _joined(packed, found[stem])
    return found


def _joined(packed: dict[int, Said], hot: dict[int, Said]) -> dict[int, Said]:
    joined = dict(packed)
    for item, said in sorted(hot.items()):
        if item not in joined:
            joined[item] = said
        elif said not in joined.values():
            joined[max(joined) + 1] = said
    return joined


def _close_in_time(times: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Rows in order of time, cut at the widest gaps: one clock that is wrong by years opens no partitions
    for the others."""
    order = np.argsort(times, kind="stable")
    gaps = np.diff(times[order])
    wide = np.flatnonzero(gaps > _APART)
    cuts = np.sort(wide[np.argsort(gaps[wide])[1 - _QUESTIONS :]])
    return np.split(order, cuts + 1)
