"""Warnings as rules and screens see them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from parking.models import WarningRow
from parking.rules.weather import LEAD, Warned
from parking.vocabulary import WarningLevel

_LEVELS = list(WarningLevel)


def holding(session: Session, at: datetime) -> list[Warned]:
    """Every warning that holds arrivals at an instant, the highest level first."""
    rows = session.scalars(
        select(WarningRow)
        .where(
            WarningRow.since <= at + LEAD,
            or_(WarningRow.until.is_(None), WarningRow.until > at),
            or_(WarningRow.lifted_at.is_(None), WarningRow.lifted_at > at),
        )
        .order_by(WarningRow.since, WarningRow.id)
        .execution_options(populate_existing=True)
    )
    return sorted(map(warned, rows), key=lambda w: -_LEVELS.index(w.level))


def listed(session: Session, now: datetime, limit: int = 100) -> list[Warned]:
    """The newest warnings and all that hold: those that stand first, then those to come, then the rest."""
    rows = session.scalars(select(WarningRow).order_by(WarningRow.id.desc()).limit(limit))
    found = {w.id: w for w in (*holding(session, now), *map(warned, rows))}
    return sorted(found.values(), key=lambda w: (w.over(now), not w.stands(now)))


def warned(row: WarningRow) -> Warned:
    """A stored warning as the rules see it."""
    return Warned(
        row.id, WarningLevel(row.level), row.kind, row.issuer, row.original, tuple(row.classes), row.since,
        row.until, row.entered_at, row.entered_by, row.lifted_at, row.lifted_by,
    )  # fmt: skip
