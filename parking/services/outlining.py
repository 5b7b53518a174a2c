"""Blocks packed by an earlier version get their outline, some at a time; until then they are opened whole."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from parking.models import FixBlock
from parking.packed import outline
from parking.services import packing

#: Blocks in one transaction: stopped anywhere, no more than these are done again.
AT_ONCE = 100
Opening = Callable[[], AbstractContextManager[Session]]


def outline_plain(
    opening: Opening, most: int | None = None, tell: Callable[[int], None] = lambda done: None
) -> int:
    """Outline blocks that have no outline, ``most`` of them or all; how many. Raises Damaged.

    ``tell``: how many so far. Leaves when another process packs.
    """
    done = 0
    while most is None or done < most:
        with opening() as session:
            some = outline_some(session)
        if not some:
            break
        done += some
        tell(done)
    return done


def outline_some(session: Session) -> int:
    """At most AT_ONCE blocks, in the caller's transaction; how many. 0 also when another process packs."""
    if not packing.alone(session):
        return 0
    plain = session.execute(
        select(FixBlock.id, FixBlock.path)
        .where(FixBlock.outline.is_(None))
        .order_by(FixBlock.id)
        .limit(AT_ONCE)
        .with_for_update()
    ).all()
    drawn = [{"id": number, "outline": outline.made(path)} for number, path in plain]
    if drawn:
        session.execute(update(FixBlock), drawn)
    return len(drawn)
