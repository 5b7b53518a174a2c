"""One truck with one terminal in the little park, and what it sends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.fix import Fix
from parking.models import Letter
from parking.services import park, terminals, tracking
from parking.services.tracking import Taken, TerminalFix
from tests import land

PHONE, PLATE = "13900000001", "晋M00001"


def load(session: Session) -> None:
    park.load(session, land.park(), [], land.START, "test")
    terminals.register(session, PHONE, PLATE, 2, land.START)


def entries(fixes: Sequence[Fix], phone: str = PHONE) -> list[TerminalFix]:
    """Numbered as they are given."""
    return [TerminalFix(phone, n, 0, f) for n, f in enumerate(fixes)]


def take(session: Session, fixes: Sequence[Fix], now: datetime | None = None) -> Taken:
    """Send fixes whose serial follows from their time, so that they may come in any order and in parts."""
    batch = [TerminalFix(PHONE, int(f.time.timestamp() * 2) % 65536, 0, f) for f in fixes]
    return tracking.take(session, batch, now or max(f.time for f in fixes) + timedelta(seconds=5))


def deliver(session: Session, now: datetime) -> None:
    """Carry every letter about late fixes, as the worker does."""
    session.flush()
    asked = select(Letter).where(Letter.name == "fixes_came_late", Letter.done_at.is_(None))
    for letter in session.scalars(asked).all():
        earliest = datetime.fromisoformat(letter.payload["earliest"])
        tracking.judge_again(session, letter.payload["vehicle_id"], earliest, now)
        letter.done_at = now
    session.flush()
