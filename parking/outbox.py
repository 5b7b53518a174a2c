"""Post news with the change; someone else carries it afterwards (at least once)."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from parking.events import Event
from parking.models.outbox import Letter

#: PostgreSQL notification channel the relay listens to.
CHANNEL = "hazpark_outbox"


def post(session: Session, *events: Event) -> None:
    """Write one letter per event into this transaction and ring the relay at its commit.

    Letters carry real time, not park time: their age tells whether the house works.
    """
    if not events:
        return
    at = datetime.now(UTC)
    session.add_all(Letter(name=e.name, payload=e.payload(), created_at=at) for e in events)
    session.execute(text(f"NOTIFY {CHANNEL}"))
