"""What is known of a terminal beside its registration: made when first needed, held before it is changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from parking.models import TerminalProfile


def hold(session: Session, terminal_ids: Collection[int]) -> dict[int, TerminalProfile]:
    """The profiles of these terminals, locked, always in the same order."""
    if not terminal_ids:
        return {}
    make(session, sorted(terminal_ids))
    held = session.scalars(
        select(TerminalProfile)
        .where(TerminalProfile.terminal_id.in_(terminal_ids))
        .order_by(TerminalProfile.terminal_id)
        .with_for_update()
    )
    return {profile.terminal_id: profile for profile in held}


def make(session: Session, terminal_ids: Sequence[int]) -> None:
    """A profile for each of these terminals (ids ascending) that has none yet."""
    session.execute(_MAKE, {"ids": list(terminal_ids)})


_MAKE = text(
    "INSERT INTO terminal_profile (terminal_id) SELECT unnest(CAST(:ids AS bigint[])) ON CONFLICT DO NOTHING"
)


def hold_one(session: Session, terminal_id: int) -> TerminalProfile:
    return hold(session, [terminal_id])[terminal_id]
