"""What proves a violation: the stretch of fixes it is rebuilt from, kept with it when the others expire."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.fix import Fix
from parking.models import Evidence, Violation
from parking.packed import block
from parking.packed.columns import KeptColumns, micros, moment
from parking.queries import fixes, journeys
from parking.queries.fixes import KeptFix
from parking.rules.monitor import Finding, rejudge
from parking.rules.whatif import SAME_WITHIN
from parking.services import ground
from parking.vocabulary import Mark

#: Before the violation: long enough that the monitor, knowing nothing, sees what it saw (as LOOK_BACK of
#: tracking); if nothing is placed in it, on to the last fix that is, at most this far.
BEFORE, FARTHEST = timedelta(hours=2), timedelta(hours=72)
#: After its end, and of one that never ended (assumptions).
AFTER, UNENDED = timedelta(minutes=15), timedelta(days=1)


def lacking(cutoff: datetime, now: datetime) -> Select[Violation]:
    """Violations whose stretch reaches back before ``cutoff`` (plus a day) and is not wholly kept."""
    ends = func.coalesce(Violation.ended_at, Violation.started_at + UNENDED) + AFTER
    return (
        select(Violation)
        .outerjoin(Evidence, Evidence.violation_id == Violation.id)
        .where(
            Violation.started_at - BEFORE < cutoff + timedelta(days=1),
            or_(Evidence.violation_id.is_(None), Evidence.until < func.least(ends, now)),
        )
        .order_by(Violation.id)
    )


def keep(session: Session, violation: Violation, now: datetime) -> int:
    """Keep the stretch with the violation; what was kept before stays in it. How many fixes."""
    since, until = stretch(session, violation, now)
    rows = fixes.columns(session, since, until, [violation.vehicle_id])
    packed = block.pack(rows) if len(rows) else block.Packed(b"", b"")
    values = {
        "vehicle_id": violation.vehicle_id, "since": since, "until": until, "fixes": len(rows),
        "path": packed.path, "rest": packed.rest, "kept_at": now,
    }  # fmt: skip
    made = insert(Evidence).values(violation_id=violation.id, **values)
    session.execute(made.on_conflict_do_update(index_elements=["violation_id"], set_=values))
    return len(rows)


def stretch(session: Session, violation: Violation, now: datetime) -> tuple[datetime, datetime]:
    """The time a violation is rebuilt from."""
    begins = violation.started_at
    until = min((violation.ended_at or begins + UNENDED) + AFTER, now)
    before = _placed(fixes.columns(session, begins - BEFORE, begins, [violation.vehicle_id]))
    if not (before.time < micros(begins)).any():
        earlier = _placed(fixes.columns(session, begins - FARTHEST, begins, [violation.vehicle_id]))
        found = earlier.time[earlier.time < micros(begins)]
        return (moment(int(found.max())) if len(found) else begins - BEFORE), until
    return begins - BEFORE, until


def rebuild(session: Session, violation: Violation) -> Finding | None:
    """The violation found again in its stretch by today's rules; None when it is not in it.

    Those of other sources than fixes (overstay) are not rebuilt here: their booking is kept.
    """
    until = (violation.ended_at or violation.started_at + UNENDED) + AFTER
    since, _ = stretch(session, violation, until)
    rows = [f for f in fixes.of_vehicle(session, violation.vehicle_id, since, until) if _timely(f)]
    if not rows:
        return None
    vehicle = violation.vehicle_id
    journey_at = journeys.of_vehicles(session, [vehicle], rows[0].time, rows[-1].time)[vehicle]
    judged = rejudge(ground.current(session), [_fix(f) for f in rows], journey_at, until)
    alike = [f for f in judged.findings if (f.kind, f.subject) == (violation.kind, violation.subject)]
    near = [f for f in alike if abs(f.started_at - violation.started_at) <= SAME_WITHIN]
    return min(near, key=lambda f: abs(f.started_at - violation.started_at), default=None)


def _timely(fix: KeptFix) -> bool:
    return fix.mark not in (Mark.FUTURE, Mark.TOO_OLD)


def _placed(rows: KeptColumns) -> KeptColumns:
    return rows.take(rows.placed())


def _fix(row: KeptFix) -> Fix:
    return Fix(
        row.time, row.lon, row.lat, row.speed_kmh, row.heading, row.altitude_m, row.located, row.alarm,
        row.status, row.backfill,
    )  # fmt: skip
