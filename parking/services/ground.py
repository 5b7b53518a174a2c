"""The compiled park the monitor judges on; compiled again only when layers were loaded again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from parking.queries import park as parks
from parking.rules.ground import Ground

_cache: dict[tuple[str, int, datetime], Ground] = {}


def current(session: Session) -> Ground:
    """The loaded park, compiled. Raises parking.queries.park.NoPark."""
    key = parks.stamp(session)
    found = _cache.get(key)
    if found is None:  # another thread may clear between two looks, so there is only one
        found = Ground(parks.current(session))
        _cache.clear()
        _cache[key] = found
    return found
