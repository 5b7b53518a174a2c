"""Whether the house works: by the age of what is undone, never by a process being alive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from parking.models import FixRow, Heartbeat, Letter, Watch

#: Ages above which a part is called late, seconds of real time.
LETTER_LATE_S = 30.0
HEARTBEAT_LATE_S = 60.0

#: No believed fix is further ahead of the clock than this.
AHEAD = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Health:
    """Ages in seconds. ``newest_fix_age_s`` is park time (None: no fix yet); the others real time."""

    oldest_undone_letter_s: float | None
    undone_letters: int
    parked_letters: int
    newest_fix_age_s: float | None
    heartbeats_s: Mapping[str, float]
    troubles: Mapping[str, str] = field(default_factory=dict)  # process → what hinders it now

    @property
    def well(self) -> bool:
        letters = (self.oldest_undone_letter_s or 0.0) <= LETTER_LATE_S and not self.parked_letters
        alive = all(age <= HEARTBEAT_LATE_S for age in self.heartbeats_s.values())
        return letters and alive and not self.troubles


def read(session: Session, now: datetime, real_now: datetime) -> Health:
    undone = Letter.done_at.is_(None) & Letter.parked_reason.is_(None)
    oldest, count = session.execute(select(func.min(Letter.created_at), func.count()).where(undone)).one()
    parked = session.scalar(
        select(func.count(Letter.id)).where(Letter.done_at.is_(None), Letter.parked_reason.is_not(None))
    )
    newest = _newest_fix(session, now)
    beats = session.execute(select(Heartbeat.process, Heartbeat.seen_at, Heartbeat.trouble)).all()
    return Health(
        oldest_undone_letter_s=_age(oldest, real_now),
        undone_letters=count,
        parked_letters=parked or 0,
        newest_fix_age_s=_age(newest, now),
        heartbeats_s={process: (real_now - seen).total_seconds() for process, seen, _ in beats},
        troubles={process: trouble for process, _, trouble in beats if trouble},
    )


def _newest_fix(session: Session, now: datetime) -> datetime | None:
    """Time of the newest believed fix; a fleet's watches are only all read where no fix is left."""
    newest = session.scalar(
        select(FixRow.time)
        .where(FixRow.mark.is_(None), FixRow.time <= now + AHEAD)
        .order_by(FixRow.time.desc())
        .limit(1)
    )
    return newest or session.scalar(select(func.max(Watch.last_time)))


def _age(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else (now - moment).total_seconds()
