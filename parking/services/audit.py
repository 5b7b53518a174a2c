"""The audit trail: who did what, when, from where. Rows are only ever added."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from parking.models import Audit


def record(
    session: Session,
    actor: str,
    action: str,
    subject: str,
    subject_id: int | None,
    at: datetime,
    source: str,
    **facts: Any,
) -> None:
    """Write one line, e.g. ``record(session, "guard:wang", "admit", "visit", 7, now, "10.0.0.4")``."""
    session.add(
        Audit(
            at=at,
            actor=actor,
            action=action,
            subject=subject,
            subject_id=subject_id,
            source=source,
            facts=facts,
        )
    )
