"""Terminals nobody knows: their requests to register, kept within bounds until a person answers."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parking.models import TerminalRequest
from parking.vocabulary import RequestState

#: Requests kept that nobody answered. A flood pushes out the oldest, never an answer.
MOST_WAITING = 500

#: A request not repeated for this long is forgotten.
FORGOTTEN = timedelta(days=30)


def note(
    session: Session, phone: str, plate: str, plate_colour: int, now: datetime, *, version: str | None,
    maker: str | None, model: str | None, device_id: str | None,
) -> None:  # fmt: skip
    """A terminal nobody knows asked to register; asked again it is only counted."""
    said = {
        "plate": plate[:20], "plate_colour": plate_colour, "version": version, "maker": (maker or "")[:24],
        "model": (model or "")[:60], "device_id": (device_id or "")[:60], "last_at": now,
    }  # fmt: skip
    r = TerminalRequest
    session.execute(
        insert(r)
        .values(phone=phone, first_at=now, times=1, state=RequestState.WAITING, **said)
        .on_conflict_do_update(index_elements=["phone"], set_={**said, "times": r.times + 1})
    )
    _bound(session, now)


def denied(session: Session, phone: str) -> bool:
    """A person said no to this number."""
    found = select(TerminalRequest.id).where(
        TerminalRequest.phone == phone, TerminalRequest.state == RequestState.DENIED
    )
    return session.scalar(found) is not None


def _bound(session: Session, now: datetime) -> None:
    r = TerminalRequest
    waiting = select(func.count(r.id)).where(r.state == RequestState.WAITING)
    over = (session.scalar(waiting) or 0) - MOST_WAITING
    old = select(r.id).where(r.state == RequestState.WAITING)
    if over > 0:
        oldest = old.order_by(r.last_at, r.id).limit(over)
        session.execute(delete(r).where(r.id.in_(oldest)))
    session.execute(delete(r).where(r.state == RequestState.WAITING, r.last_at < now - FORGOTTEN))
