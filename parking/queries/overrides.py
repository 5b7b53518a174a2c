"""Overrides as screens show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import Booking, Override
from parking.vocabulary import OverrideState, Refusal


@dataclass(frozen=True, slots=True)
class OverrideView:
    """An override that waits for its answer or its use."""

    id: int
    booking_id: int
    plate: str
    act: str
    bay: str  # or the code of the row of the checklist
    refusals: tuple[Refusal, ...]
    reason: str
    state: OverrideState
    asked_by: str
    asked_at: datetime
    answered_by: str | None
    answer: str | None
    expires_at: datetime


def live(session: Session, now: datetime) -> list[OverrideView]:
    """Overrides that still matter, newest first."""
    rows = session.execute(
        select(Override, Booking.plate)
        .join(Booking, Booking.id == Override.booking_id)
        .where(Override.state.in_((OverrideState.ASKED, OverrideState.GRANTED)), Override.expires_at > now)
        .order_by(Override.id.desc())
    )
    return [
        OverrideView(
            o.id, o.booking_id, plate, o.act, o.subject, tuple(Refusal(r["word"]) for r in o.refusals),
            o.reason, OverrideState(o.state), o.asked_by, o.asked_at, o.answered_by, o.answer, o.expires_at,
        )
        for o, plate in rows
    ]  # fmt: skip
