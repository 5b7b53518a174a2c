"""A process proves that it works by writing here from the middle of its work."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parking.models import Heartbeat


def beat(session: Session, process: str, real_now: datetime, trouble: str | None = None) -> None:
    """Note that ``process`` did a round of work just now (real time, not park time), or what hinders it."""
    said = {"seen_at": real_now, "trouble": trouble and trouble[:300]}
    row = insert(Heartbeat).values(process=process, **said)
    session.execute(row.on_conflict_do_update(index_elements=["process"], set_=said))
