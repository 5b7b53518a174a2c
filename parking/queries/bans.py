"""The blacklist as screens show it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from parking.models import Ban
from parking.rules.ban import Entry
from parking.vocabulary import AppealState, BanSubject


@dataclass(frozen=True, slots=True)
class BanView:
    """One entry with its appeal; ``stands``: it counts now."""

    id: int
    subject: BanSubject
    name: str
    reason: str
    since: datetime
    until: datetime
    set_by: str
    appeal: AppealState
    appeal_text: str | None
    decision: str | None
    lifted_at: datetime | None
    stands: bool


def listed(session: Session, now: datetime, limit: int = 200) -> list[BanView]:
    """Entries, those that stand first, appeals before the rest."""
    rows = session.scalars(select(Ban).order_by(Ban.id.desc()).limit(limit))
    views = [
        BanView(
            r.id, BanSubject(r.subject), r.name, r.reason, r.since, r.until, r.set_by, AppealState(r.appeal),
            r.appeal_text, r.decision, r.lifted_at,
            r.since <= now < r.until and (r.lifted_at is None or now < r.lifted_at),
        )
        for r in rows
    ]  # fmt: skip
    return sorted(views, key=lambda v: (not v.stands, v.appeal is not AppealState.APPEALED, -v.id))


def named(session: Session, brought: Mapping[BanSubject, Set[str]]) -> list[Entry]:
    """Every entry that names somebody brought, whether it stands or not."""
    hit = or_(*((Ban.subject == s) & Ban.name.in_(names) for s, names in brought.items()))
    return [entry(row) for row in session.scalars(select(Ban).where(hit).order_by(Ban.id))]


def entry(row: Ban) -> Entry:
    """A stored entry as the rules see it."""
    return Entry(
        row.id, BanSubject(row.subject), row.name, row.reason, row.since, row.until, row.lifted_at,
        AppealState(row.appeal),
    )  # fmt: skip
