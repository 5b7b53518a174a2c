"""Post news with the change; someone else carries it afterwards (at least once).

The life of a letter: ``post`` writes it with the change; the relay ``take``s it and sends its number to
the broker; a worker counts an ``attempt``, then ``hold``s the letter, does the work and ``finish``es it
in one transaction. A letter that is lost on the way, by broker, worker or machine, is taken again after
RESEND. A letter that fails MAX_ATTEMPTS times is parked, seen on the health page, and holds up no other.

Letters carry real time, not park time: their age tells whether the house works.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, text, update
from sqlalchemy.orm import Session

from parking.events import Event
from parking.models.outbox import Letter

#: PostgreSQL notification channel the relay listens to.
CHANNEL = "hazpark_outbox"

#: A letter not done this long after it was sent is sent again; doubled for each failed attempt, up to 32×.
RESEND = timedelta(seconds=5)

#: A letter that was begun this often and never finished is parked.
MAX_ATTEMPTS = 8


def post(session: Session, *events: Event) -> None:
    """Write one letter per event into this transaction and ring the relay at its commit."""
    if not events:
        return
    at = datetime.now(UTC)
    session.add_all(Letter(name=e.name, payload=e.payload(), created_at=at) for e in events)
    session.execute(text(f"NOTIFY {CHANNEL}"))


def take(session: Session, real_now: datetime, room: int) -> Sequence[int]:
    """Mark up to ``room`` due letters as sent now, oldest first, and return their ids."""
    due = (
        select(Letter.id)
        .where(_undone(), or_(Letter.sent_at.is_(None), Letter.sent_at + _patience() <= real_now))
        .order_by(Letter.id)
        .limit(room)
        .with_for_update(skip_locked=True)
    )
    ids = session.scalars(due).all()
    if ids:
        session.execute(update(Letter).where(Letter.id.in_(ids)).values(sent_at=real_now))
    return ids


def give_back(session: Session, ids: Sequence[int]) -> None:
    """These could not be sent: the broker was away. They are due again at once."""
    session.execute(update(Letter).where(Letter.id.in_(ids), Letter.done_at.is_(None)).values(sent_at=None))


def attempt(session: Session, letter_id: int) -> bool:
    """Count a try, to be committed before the work begins: also a try that kills its worker counts.

    False when there is nothing to do: done, parked, in other hands, or parked now for too many tries.
    Nobody waits for the disk: a count lost with the machine is one try more.
    """
    session.execute(text("SET LOCAL synchronous_commit = off"))
    letter = hold(session, letter_id)
    if letter is None:
        return False
    if letter.attempts >= MAX_ATTEMPTS:
        letter.parked_reason = f"not finished in {letter.attempts} attempts"
        return False
    letter.attempts += 1
    return True


def hold(session: Session, letter_id: int) -> Letter | None:
    """The letter, locked for this transaction; None when done, parked or in other hands."""
    return session.scalar(
        select(Letter).where(Letter.id == letter_id, _undone()).with_for_update(skip_locked=True)
    )


def finish(letter: Letter) -> None:
    """Done, in the same transaction as its effects: whoever comes second finds it done."""
    letter.done_at = datetime.now(UTC)


def _undone() -> ColumnElement[bool]:
    return Letter.done_at.is_(None) & Letter.parked_reason.is_(None)


def _patience() -> ColumnElement[timedelta]:
    return RESEND * func.power(2, func.least(Letter.attempts, 5))
