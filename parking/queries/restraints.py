"""Restraints as screens show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import Restraint
from parking.vocabulary import RestraintState


@dataclass(frozen=True, slots=True)
class RestraintView:
    """A restraint that stands: why, by whom, since when."""

    id: int
    reason: str
    set_by: str
    set_at: datetime


def standing(session: Session, visit_id: int) -> list[RestraintView]:
    """The restraints of a visit nobody has lifted, oldest first."""
    rows = session.scalars(
        select(Restraint)
        .where(Restraint.visit_id == visit_id, Restraint.state == RestraintState.STANDING)
        .order_by(Restraint.id)
    )
    return [RestraintView(r.id, r.reason, r.set_by, r.set_at) for r in rows]
