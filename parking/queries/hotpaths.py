"""Hot fixes as paths, in slices of time, so that a busy hour does not fill the memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from parking.packed import ways
from parking.packed.block import Leads, Path
from parking.queries import hotfixes

#: Time read at once.
SLICE = timedelta(minutes=30)


def paths(session: Session, since: datetime, until: datetime) -> Iterator[Path]:
    """Every hot fix with since ≤ time ≤ until, each slice with the last fix of each track before it."""
    known: dict[tuple[int, int], tuple[int, float, float]] = {}
    for begin, end in _slices(session, since, until):
        rows = hotfixes.columns(session, begin, end).by_vehicle()
        if not len(rows):
            continue
        leads = ways.leads_of(rows, known) if known else Leads.none(len(rows.tracks()))
        known.update(ways.last_placed(rows))
        yield ways.path_of(rows, leads)


def _slices(session: Session, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Slices that hold rows, each from the oldest hot fix that is left."""
    asked = text("SELECT min(time) FROM fix WHERE time >= :since AND time <= :until")
    while (oldest := session.scalar(asked, {"since": since, "until": until})) is not None:
        end = min(oldest + SLICE, until)
        yield oldest, end
        since = end + timedelta(microseconds=1)
