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
    if key not in _cache:
        park = parks.current(session)
        _cache.clear()
        _cache[key] = Ground(park)
    return _cache[key]
