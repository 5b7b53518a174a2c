"""The terminal's own alarms about areas and routes, kept as evidence beside what the park found itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from geo.fix import Fix
from parking.models import Command, FixRow, TerminalEvidence, TerminalFence, Violation
from parking.rules import evidence, fences, orders
from parking.rules.evidence import CONFIRMED, Raised
from parking.services import commands
from parking.vocabulary import CommandState, TerminalAlarm

#: An alarm of the terminal and a violation of ours this far apart may be the same. Assumption.
SAME_WITHIN = timedelta(seconds=120)

#: Evidence older than this no longer waits for a violation to be found.
LINKED_WITHIN = timedelta(days=3)

#: A confirmation not delivered in this time is given up: the alarm will be in later reports too.
CONFIRMED_WITHIN = timedelta(minutes=30)

_PER_SWEEP = 1000


@dataclass(frozen=True, slots=True)
class Reported:
    """A report that was stored. ``at``: its time, or the time it came where that is not believed."""

    terminal_id: int
    vehicle_id: int | None
    serial: int
    at: datetime
    fix: Fix
    extras: Any
    believed: bool
    items: bytes | None = None  # additional items as they came, where nobody has read them


def note(session: Session, reports: Sequence[Reported], now: datetime) -> int:
    """Keep the alarms of these reports, in order of time, after their fixes are stored. The new ones.

    Safe to repeat: a report already within an alarm's time changes nothing.
    """
    new = 0
    for report in sorted(reports, key=lambda r: (r.terminal_id, r.at)):
        for one in evidence.raised(report.fix.alarm, report.extras, report.items):
            new += _keep(session, report, one, now)
    return new


def sweep(session: Session, now: datetime) -> int:
    """End what newer reports no longer say; find the violations evidence speaks of. Returns links made."""
    _end_over(session)
    return _link_all(session, now)


def _keep(session: Session, report: Reported, one: Raised, now: datetime) -> bool:
    near = _nearest(session, report, one)
    if near is not None and near.first_at <= report.at <= near.last_at:
        return False
    if near is not None and _unbroken(session, report, one, near):
        near.first_at, near.last_at = min(near.first_at, report.at), max(near.last_at, report.at)
        if near.ended_at is not None and near.ended_at <= near.last_at:
            near.ended_at = None
        session.flush()
        return False
    session.add(_row(session, report, one, now))
    session.flush()
    if 1 << one.bit & CONFIRMED and report.believed:
        _confirm(session, report, one, now)
    return True


def _nearest(session: Session, report: Reported, one: Raised) -> TerminalEvidence | None:
    e = TerminalEvidence
    gap = func.greatest(
        func.extract("epoch", e.first_at - report.at), func.extract("epoch", report.at - e.last_at), 0
    )
    return session.scalar(
        select(e)
        .where(
            e.terminal_id == report.terminal_id, e.alarm == one.alarm,
            e.shape.is_not_distinct_from(one.shape), e.number.is_not_distinct_from(one.number),
            e.direction.is_not_distinct_from(one.direction),
        )
        .order_by(gap, e.id.desc())
        .limit(1)
        .with_for_update()
    )  # fmt: skip


def _unbroken(session: Session, report: Reported, one: Raised, near: TerminalEvidence) -> bool:
    """No report between the two lacks the alarm."""
    begins, ends = min(near.last_at, report.at), max(near.first_at, report.at)
    return _first_without(session, report.terminal_id, report.vehicle_id, one, begins, ends) is None


def _first_without(
    session: Session,
    terminal_id: int,
    vehicle_id: int | None,
    one: Raised,
    after: datetime,
    before: datetime | None = None,
) -> datetime | None:
    """The time of the first report in (after, before) that does not carry this very alarm."""
    mine = select(FixRow.time, FixRow.alarm, FixRow.extras, FixRow.items).where(
        FixRow.terminal_id == terminal_id, FixRow.time > after
    )
    if vehicle_id is not None:
        mine = mine.where(FixRow.vehicle_id == vehicle_id)  # there is an index for that
    mine = mine.where(FixRow.time < before) if before is not None else mine
    for at, word, extras, items in session.execute(mine.order_by(FixRow.time, FixRow.serial).limit(500)):
        if one not in evidence.raised(word, extras, items):
            return datetime.fromisoformat(at.isoformat())
    return None


def _row(session: Session, report: Reported, one: Raised, now: datetime) -> TerminalEvidence:
    fence = _fence(session, report.terminal_id, one)
    return TerminalEvidence(
        terminal_id=report.terminal_id, vehicle_id=report.vehicle_id, alarm=one.alarm, shape=one.shape,
        number=one.number, direction=one.direction, first_at=report.at, last_at=report.at,
        serial=report.serial, lon=report.fix.lon if report.believed else None,
        lat=report.fix.lat if report.believed else None, facts=dict(one.facts),
        fence_id=fence.id if fence else None, layer=fence.layer if fence else None,
        code=fence.code if fence else None, seen_at=now,
    )  # fmt: skip


def _fence(session: Session, terminal_id: int, one: Raised) -> TerminalFence | None:
    """The area or route of ours the alarm names."""
    if one.number is None or one.shape in (1, 2):
        return None  # circles and rectangles are not ours
    mine = select(TerminalFence).where(TerminalFence.terminal_id == terminal_id)
    if one.alarm is TerminalAlarm.SEGMENT or (one.alarm is TerminalAlarm.OVERSPEED and one.shape == 4):
        wanted = fences.version_of("segment", one.number)
        return session.scalar(
            mine.where(TerminalFence.kind == fences.ROUTE, TerminalFence.version_id == wanted).limit(1)
        )
    kind = fences.ROUTE if one.shape == evidence.ROUTE_SHAPE else fences.POLYGON
    return session.scalar(mine.where(TerminalFence.kind == kind, TerminalFence.number == one.number))


def _confirm(session: Session, report: Reported, one: Raised, now: datetime) -> None:
    """The terminal goes on saying it until told that it was heard; an emergency only a person confirms.

    One that waits to be sent confirms the later reports as well (serial 0).
    """
    order = orders.confirm([one.bit])
    waiting = select(Command.id).where(
        Command.terminal_id == report.terminal_id, Command.kind == order.kind,
        Command.state == CommandState.QUEUED, Command.expires_at > now,
        Command.payload["bits"].as_integer() == order.payload["bits"],
    )  # fmt: skip
    if session.scalar(waiting.limit(1)) is None:
        commands.ask(session, report.terminal_id, order, now, "system", "gateway", patience=CONFIRMED_WITHIN)


def _end_over(session: Session) -> None:
    e = TerminalEvidence
    for row in session.scalars(
        select(e)
        .where(e.ended_at.is_(None))
        .order_by(e.id.desc())
        .limit(_PER_SWEEP)
        .with_for_update(skip_locked=True)
    ):
        one = Raised(_bit(row.alarm), TerminalAlarm(row.alarm), row.shape, row.number, row.direction)
        row.ended_at = _first_without(session, row.terminal_id, row.vehicle_id, one, row.last_at)


def _bit(alarm: str) -> int:
    return next(bit for bit, (name, _) in evidence.BITS.items() if name == alarm)


def _link_all(session: Session, now: datetime) -> int:
    e = TerminalEvidence
    waiting = session.scalars(
        select(e)
        .where(e.violation_id.is_(None), e.vehicle_id.is_not(None), e.first_at > now - LINKED_WITHIN)
        .order_by(e.first_at.desc())
        .limit(_PER_SWEEP)
        .with_for_update(skip_locked=True)
    ).all()
    return sum(_link(session, row) for row in waiting)


def _link(session: Session, row: TerminalEvidence) -> bool:
    """The nearest violation of ours the alarm may speak of."""
    kinds = evidence.SPEAKS_OF[TerminalAlarm(row.alarm)]
    if not kinds:
        return False
    v = Violation
    away = func.abs(func.extract("epoch", v.started_at - row.first_at))
    row.violation_id = session.scalar(
        select(v.id)
        .where(
            v.vehicle_id == row.vehicle_id, v.kind.in_(kinds), v.started_at <= row.last_at + SAME_WITHIN,
            or_(v.ended_at.is_(None), v.ended_at >= row.first_at - SAME_WITHIN),
        )
        .order_by(away, v.id)
        .limit(1)
    )  # fmt: skip
    return row.violation_id is not None
