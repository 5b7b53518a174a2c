"""The compiled park the monitor judges on; compiled again only when layers were loaded again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from parking.queries import park as parks
from parking.rules.monitor import Ground
from parking.rules.policy import Policy

_cache: dict[tuple[str, int, datetime], tuple[Ground, Policy]] = {}


def current(session: Session) -> tuple[Ground, Policy]:
    """Ground and policy of the loaded park. Raises parking.queries.park.NoPark."""
    key = parks.stamp(session)
    if key not in _cache:
        park = parks.current(session)
        _cache.clear()
        _cache[key] = (Ground(park), Policy.from_mapping(park.policy))
    return _cache[key]
