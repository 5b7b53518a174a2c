"""What is known of a terminal beside its registration: made when first needed, held before it is changed."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from parking.models import TerminalProfile


def hold(session: Session, terminal_ids: Collection[int]) -> dict[int, TerminalProfile]:
    """The profiles of these terminals, locked, always in the same order."""
    if not terminal_ids:
        return {}
    rows = [{"terminal_id": one} for one in sorted(terminal_ids)]
    session.execute(insert(TerminalProfile).on_conflict_do_nothing(), rows)
    held = session.scalars(
        select(TerminalProfile)
        .where(TerminalProfile.terminal_id.in_(terminal_ids))
        .order_by(TerminalProfile.terminal_id)
        .with_for_update()
    )
    return {profile.terminal_id: profile for profile in held}


def hold_one(session: Session, terminal_id: int) -> TerminalProfile:
    return hold(session, [terminal_id])[terminal_id]
