"""The packed tracks that may have passed near a place, many blocks at once.

An index of times and one of cells name the blocks, each block's outline the tracks in it; only those are
read. One statement gives both, so a block that is packed anew meanwhile is seen either as it was or as it
will be.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast

import psycopg
from psycopg import sql
from sqlalchemy.orm import Session

from geo.passing import Place, box_around
from parking.packed import block, cells, outline, ways
from parking.packed.block import Path
from parking.packed.columns import micros

#: Fixes given at once: enough to be judged by arrays, few enough to stay in the processor's cache.
HELD = 65_536
_CANDIDATES = sql.SQL(
    "COPY (SELECT path, outline FROM fix_block WHERE tstzrange(since, until, '[]')"
    " && tstzrange({since}, {until}, '[]') AND cells && {cells}) TO STDOUT (FORMAT BINARY)"
)


def paths(session: Session, place: Place, since: datetime, until: datetime) -> Iterator[tuple[int, Path]]:
    """(how many blocks it is from, tracks) again and again, until all is given. Raises Damaged."""
    box, begin, end = box_around(place), micros(since), micros(until)
    held: list[Path] = []
    for packed, outlined in _candidates(session, place, since, until):
        wanted = None if outlined is None else outline.near(outlined, packed, box, begin, end)
        if wanted is not None and not len(wanted):
            continue
        held.append(block.read_path(packed, wanted))
        if sum(len(path.time) for path in held) >= HELD:
            yield len(held), ways.joined(held)
            held = []
    if held:
        yield len(held), ways.joined(held)


def _candidates(
    session: Session, place: Place, since: datetime, until: datetime
) -> Iterator[tuple[bytes, bytes | None]]:
    """Blocks as (path, outline). By COPY: as bytes, not as twice as many digits."""
    wanted = {"since": since, "until": until, "cells": cells.around(place)}
    statement = _CANDIDATES.format(**{name: sql.Literal(value) for name, value in wanted.items()})
    session.flush()
    raw = cast("psycopg.Connection[Any]", session.connection().connection.driver_connection)
    with raw.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(["bytea", "bytea"])
        yield from cast("Iterator[tuple[bytes, bytes | None]]", copy.rows())
