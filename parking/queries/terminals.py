"""Terminals for screens: the registry, one terminal, what was asked of it, what it said, who disagrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select, true
from sqlalchemy.orm import Session

from parking.models import (
    Command,
    FixRow,
    Terminal,
    TerminalConflict,
    TerminalEvidence,
    TerminalProfile,
    TerminalRequest,
    Vehicle,
)
from parking.vocabulary import (
    CommandFault,
    CommandKind,
    CommandState,
    ConflictKind,
    ConflictState,
    Mark,
    RequestState,
    TerminalAlarm,
)

#: How a terminal reports is judged by this many of its newest fixes, of a day before and after now.
FIXES = 500
LATELY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reporting:
    """Of the newest fixes: how many, how many of them nobody believed, and the median of time received minus
    time of the fix, seconds (None: only backfill)."""

    fixes: int
    doubted: int
    clock_s: float | None

    @property
    def share(self) -> float:
        return self.doubted / self.fixes if self.fixes else 0.0


@dataclass(frozen=True, slots=True)
class TerminalView:
    """A terminal of the registry; ``reporting`` None: no fix of a vehicle yet."""

    id: int
    phone: str
    vehicle_id: int | None
    plate: str | None
    version: str | None
    maker: str | None
    model: str | None
    device_id: str | None
    hardware: str | None
    firmware: str | None
    iccid: str | None
    dangerous_goods: bool | None
    registered_at: datetime
    last_seen_at: datetime | None
    attributes_at: datetime | None
    fences_managed: bool
    sources: Sequence[Mapping[str, Any]]
    reporting: Reporting | None


@dataclass(frozen=True, slots=True)
class CommandView:
    id: int
    kind: CommandKind
    payload: Mapping[str, Any]
    state: CommandState
    fault: CommandFault | None
    asked_at: datetime
    asked_by: str
    sent_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime
    sendings: int
    gateway: str | None
    reply: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """An alarm the terminal raised; ``code`` names the area or route of ours it is about."""

    id: int
    alarm: TerminalAlarm
    direction: str | None
    number: int | None
    layer: str | None
    code: str | None
    first_at: datetime
    last_at: datetime
    ended_at: datetime | None
    violation_id: int | None
    phone: str


@dataclass(frozen=True, slots=True)
class RequestView:
    id: int
    phone: str
    plate: str
    maker: str | None
    model: str | None
    device_id: str | None
    version: str | None
    first_at: datetime
    last_at: datetime
    times: int
    state: RequestState
    answered_by: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ConflictView:
    id: int
    kind: ConflictKind
    terminal_id: int | None
    phone: str
    other: str
    plate: str | None
    facts: Mapping[str, Any]
    first_at: datetime
    last_at: datetime
    times: int
    state: ConflictState
    closed_by: str | None
    remark: str | None


def page(
    session: Session, text: str, offset: int, limit: int, now: datetime
) -> tuple[tuple[TerminalView, ...], int]:
    """Terminals whose phone or plate contains ``text``, newest word first, and how many there are."""
    count = session.scalar(_narrow(select(func.count(Terminal.id)), text)) or 0
    wanted = _narrow(select(Terminal, Vehicle.plate, TerminalProfile), text).order_by(
        Terminal.last_seen_at.desc().nulls_last(), Terminal.id.desc()
    )
    rows = session.execute(wanted.offset(offset).limit(limit)).all()
    reporting = _reporting(session, [row[0].id for row in rows], now)
    return tuple(_terminal(t, plate, profile, reporting.get(t.id)) for t, plate, profile in rows), count


def one(session: Session, terminal_id: int, now: datetime) -> TerminalView | None:
    row = session.execute(
        _narrow(select(Terminal, Vehicle.plate, TerminalProfile), "").where(Terminal.id == terminal_id)
    ).first()
    if row is None:
        return None
    terminal, plate, profile = row
    return _terminal(terminal, plate, profile, _reporting(session, [terminal_id], now).get(terminal_id))


def commands(session: Session, terminal_id: int, limit: int = 15) -> tuple[CommandView, ...]:
    """Newest first."""
    rows = session.scalars(
        select(Command).where(Command.terminal_id == terminal_id).order_by(Command.id.desc()).limit(limit)
    )
    return tuple(_command(row) for row in rows)


def evidence(session: Session, terminal_id: int, limit: int = 20) -> tuple[EvidenceView, ...]:
    """What this terminal found itself, newest first."""
    e = TerminalEvidence
    mine = _evidence().where(e.terminal_id == terminal_id)
    return _seen(session, mine.order_by(e.last_at.desc(), e.id.desc()).limit(limit))


def evidence_for(session: Session, violation_id: int) -> tuple[EvidenceView, ...]:
    """What terminals found of this violation themselves, oldest first."""
    e = TerminalEvidence
    return _seen(session, _evidence().where(e.violation_id == violation_id).order_by(e.first_at, e.id))


def requests(session: Session, limit: int = 100) -> tuple[RequestView, ...]:
    """Waiting ones first, then those denied."""
    r = TerminalRequest
    rows = session.scalars(
        select(r)
        .where(r.state != RequestState.GRANTED)
        .order_by(r.state != RequestState.WAITING, r.last_at.desc())
        .limit(limit)
    )
    return tuple(
        RequestView(
            x.id, x.phone, x.plate, x.maker, x.model, x.device_id, x.version, x.first_at, x.last_at, x.times,
            RequestState(x.state), x.answered_by, x.reason,
        )
        for x in rows
    )  # fmt: skip


def conflicts(session: Session, limit: int = 50, terminal_id: int | None = None) -> tuple[ConflictView, ...]:
    """Open ones first, newest first; of one terminal, or all."""
    c = TerminalConflict
    wanted = select(c, Vehicle.plate).outerjoin(Vehicle, Vehicle.id == c.vehicle_id)
    if terminal_id is not None:
        wanted = wanted.where(c.terminal_id == terminal_id)
    rows = session.execute(wanted.order_by(c.state != ConflictState.OPEN, c.last_at.desc()).limit(limit))
    return tuple(
        ConflictView(
            x.id, ConflictKind(x.kind), x.terminal_id, x.phone, x.other, plate, x.facts, x.first_at,
            x.last_at, x.times, ConflictState(x.state), x.closed_by, x.remark,
        )
        for x, plate in rows
    )  # fmt: skip


def _narrow(statement: Select[*tuple[Any, ...]], text: str) -> Select[*tuple[Any, ...]]:
    joined = (
        statement.select_from(Terminal)
        .outerjoin(Vehicle, Vehicle.id == Terminal.vehicle_id)
        .outerjoin(TerminalProfile, TerminalProfile.terminal_id == Terminal.id)
    )
    if not text:
        return joined
    return joined.where(
        or_(Terminal.phone.contains(text, autoescape=True), Vehicle.plate.contains(text, autoescape=True))
    )


def _reporting(session: Session, terminal_ids: Sequence[int], now: datetime) -> Mapping[int, Reporting]:
    f = (
        select(FixRow.time, FixRow.received_at, FixRow.mark, FixRow.backfill)
        .where(
            FixRow.vehicle_id == Terminal.vehicle_id,
            FixRow.terminal_id == Terminal.id,
            FixRow.time.between(now - LATELY, now + LATELY),
        )
        .order_by(FixRow.time.desc())
        .limit(FIXES)
        .lateral("newest")
    )
    late = func.extract("epoch", f.c.received_at - f.c.time)
    rows = session.execute(
        select(
            Terminal.id,
            func.count(),
            func.count().filter(f.c.mark.is_not(None) & (f.c.mark != Mark.LATE)),
            func.percentile_cont(0.5).within_group(late).filter(~f.c.backfill),
        )
        .select_from(Terminal)
        .join(f, true())
        .where(Terminal.id.in_(terminal_ids))
        .group_by(Terminal.id)
    )
    return {row[0]: Reporting(row[1], row[2], None if row[3] is None else float(row[3])) for row in rows}


def _terminal(
    t: Terminal, plate: str | None, known: TerminalProfile | None, reporting: Reporting | None
) -> TerminalView:
    p = known or TerminalProfile(sources=[], fences_managed=False)
    return TerminalView(
        t.id, t.phone, t.vehicle_id, plate, t.version, t.maker, t.model, t.device_id, p.hardware, p.firmware,
        p.iccid, p.dangerous_goods, t.registered_at, t.last_seen_at, p.attributes_at, p.fences_managed,
        tuple(p.sources), reporting,
    )  # fmt: skip


def _command(row: Command) -> CommandView:
    return CommandView(
        row.id, CommandKind(row.kind), row.payload, CommandState(row.state),
        CommandFault(row.fault) if row.fault else None, row.asked_at, row.asked_by, row.sent_at, row.ended_at,
        row.expires_at, row.sendings, row.gateway, row.reply,
    )  # fmt: skip


def _evidence() -> Select[*tuple[Any, ...]]:
    return select(TerminalEvidence, Terminal.phone).join(
        Terminal, Terminal.id == TerminalEvidence.terminal_id
    )


def _seen(session: Session, wanted: Select[*tuple[Any, ...]]) -> tuple[EvidenceView, ...]:
    return tuple(
        EvidenceView(
            e.id, TerminalAlarm(e.alarm), e.direction, e.number, e.layer, e.code, e.first_at, e.last_at,
            e.ended_at, e.violation_id, phone,
        )
        for e, phone in session.execute(wanted)
    )  # fmt: skip
