"""Which partitions ``fix`` has, and how many rows wait in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

SCHEMA, DEFAULT = "hot", "fix_default"
_BOUNDS = re.compile(r"FROM \('([^']+)'\) TO \('([^']+)'\)")
_LIST = text(
    "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid)"
    " FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = 'fix'::regclass"
)


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """A partition of ``fix`` in schema ``hot``: start ≤ time < end."""

    start: datetime
    end: datetime
    name: str


def listed(session: Session) -> list[Partition]:
    """Every partition but the default one, oldest first."""
    found = []
    for name, bounds in session.execute(_LIST):
        if match := _BOUNDS.search(bounds):
            start, end = (datetime.fromisoformat(bound) for bound in match.groups())
            found.append(Partition(start, end, name))
    return sorted(found)


def empty(session: Session, name: str) -> bool:
    asked = text(f'SELECT NOT EXISTS (SELECT FROM {SCHEMA}."{name}")')  # noqa: S608 - a name we made
    return bool(session.scalar(asked))
