"""Claims of terminals that cannot both be true: written down once, announced, closed by people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import TerminalsDisagree
from parking.models import TerminalConflict
from parking.refused import Refused, no
from parking.services import audit
from parking.vocabulary import ConflictKind, ConflictState, FormField, Refusal

#: A flood of false claims is no flood of news: beyond so many open conflicts of a kind none is added.
MOST_OPEN = 200


def note(
    session: Session,
    kind: ConflictKind,
    phone: str,
    other: str,
    now: datetime,
    *,
    terminal_id: int | None = None,
    vehicle_id: int | None = None,
    **facts: Any,
) -> bool:
    """Write a conflict down; one that is open already is only counted. True when it is news."""
    c = TerminalConflict
    open_one = c.state == ConflictState.OPEN
    known = session.scalar(
        select(c).where(open_one, c.kind == kind, c.phone == phone, c.other == other).with_for_update()
    )
    if known is not None:
        known.last_at, known.times = now, known.times + 1
        return False
    if (session.scalar(select(func.count(c.id)).where(open_one, c.kind == kind)) or 0) >= MOST_OPEN:
        return False
    made = session.scalar(
        insert(c)
        .values(
            kind=kind, phone=phone, other=other[:80], terminal_id=terminal_id, vehicle_id=vehicle_id,
            facts=facts, first_at=now, last_at=now, times=1, state=ConflictState.OPEN,
        )
        .on_conflict_do_nothing()
        .returning(c.id)
    )  # fmt: skip
    if made is not None:
        outbox.post(session, TerminalsDisagree(made))
    return made is not None


def close(session: Session, conflict_id: int, remark: str, now: datetime, actor: str, source: str) -> None:
    """A person looked at it. Refused: over already, no remark."""
    conflict = session.get(TerminalConflict, conflict_id, with_for_update=True)
    if conflict is None or conflict.state != ConflictState.OPEN:
        raise Refused(no(Refusal.CONFLICT_OVER))
    if not remark.strip():
        raise Refused(no(Refusal.REMARK_MISSING, FormField.REMARK))
    conflict.state, conflict.closed_at, conflict.closed_by = ConflictState.CLOSED, now, actor
    conflict.remark = remark.strip()[:500]
    audit.record(
        session, actor, "closed", "terminal_conflict", conflict_id, now, source, remark=conflict.remark
    )
