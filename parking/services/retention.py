"""What is kept how long, and how it goes: step by step, each step whole, so that it can be stopped anywhere.

Nothing goes that is held: everything of a vehicle with a legal hold, every open violation, every booking
and visit a kept violation speaks of, and of expiring fixes the stretch each kept violation is rebuilt from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Select, delete, func, or_, select
from sqlalchemy.orm import Session

from parking.models import (
    Audit,
    Ban,
    Booking,
    Cargo,
    CheckAnswer,
    Evidence,
    FixBlock,
    Hold,
    LegalHold,
    Letter,
    Notice,
    Override,
    Passage,
    PermitRow,
    Restraint,
    Ticket,
    Vehicle,
    Violation,
    Visit,
)
from parking.packed import block
from parking.services import audit, evidence, packing
from parking.settings import Settings
from parking.speech import N_
from parking.vocabulary import OPEN_VISIT, ViolationState

Opening = Callable[[], AbstractContextManager[Session]]
#: Rows of a kind that go in one transaction.
STEP = 200


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of data. ``days``: the setting; ``source``: why at least so long.

    ``due(session, cutoff, now)`` selects the ids that go, ``go(session, ids, now)`` lets them go.
    """

    name: str
    days: str
    source: str
    due: Callable[[Session, datetime, datetime], Select[Any]]
    go: Callable[[Session, Sequence[Any], datetime], None]


@dataclass(frozen=True, slots=True)
class Progress:
    kind: Kind
    cutoff: datetime
    done: int
    total: int


def run(opening: Opening, settings: Settings, now: datetime, dry: bool = False) -> Iterator[Progress]:
    """Let everything go that is due, telling how far it is after each step. ``dry``: only count.

    Safe to stop and to start again: each step is one transaction, and what is due is asked anew.
    """
    for kind in KINDS:
        cutoff = now - timedelta(days=getattr(settings, kind.days))
        with opening() as session:
            counted = select(func.count()).select_from(kind.due(session, cutoff, now).subquery())
            total = session.scalar(counted) or 0
        yield Progress(kind, cutoff, 0, total)
        done = 0
        while not dry and (step := _step(opening, kind, cutoff, now)):
            done += step
            yield Progress(kind, cutoff, done, max(total, done))
        if done:
            with opening() as session:
                audit.record(session, "system", "retention", kind.name, None, now, "retention",
                             before=cutoff.isoformat(), rows=done)  # fmt: skip


def _step(opening: Opening, kind: Kind, cutoff: datetime, now: datetime) -> int:
    with opening() as session:
        due = kind.due(session, cutoff, now).limit(STEP)
        ids = session.execute(due).scalars().all()
        if ids:
            kind.go(session, ids, now)
        return len(ids)


def held_vehicles(session: Session) -> list[int]:
    return sorted(set(session.scalars(select(LegalHold.vehicle_id).where(LegalHold.lifted_at.is_(None)))))


def _evidence_due(_session: Session, cutoff: datetime, now: datetime) -> Select[Any]:
    return evidence.lacking(cutoff, now).with_only_columns(Violation.id)


def _keep_evidence(session: Session, ids: Sequence[Any], now: datetime) -> None:
    for violation in session.scalars(select(Violation).where(Violation.id.in_(ids))):
        evidence.keep(session, violation, now)


def _blocks_due(session: Session, cutoff: datetime, _now: datetime) -> Select[Any]:
    free = or_(
        func.cardinality(FixBlock.vehicles) == 0, ~FixBlock.vehicles.contained_by(held_vehicles(session))
    )
    return select(FixBlock.id).where(FixBlock.last_received < cutoff, free).order_by(FixBlock.id)


def _drop_blocks(session: Session, ids: Sequence[Any], _now: datetime) -> None:
    """What a held vehicle shares a block with goes; its own fixes are packed anew."""
    held = held_vehicles(session)
    chosen = FixBlock.id.in_(ids)
    shared = select(FixBlock).where(chosen, FixBlock.vehicles.overlap(held))
    for old in session.scalars(shared).all():
        rows = block.unpack(old.path, old.rest)
        rows = rows.take(np.isin(rows.vehicle, held) & rows.has_vehicle)
        packing.write_block(
            session, old.period_start, old.period_end, rows, block.Leads.none(len(rows.tracks()))
        )
    session.execute(delete(FixBlock).where(chosen))


def _violations_due(session: Session, cutoff: datetime, _now: datetime) -> Select[Any]:
    """Acknowledged, ended and acknowledged before, spoken of by no ban that was set since."""
    return (
        select(Violation.id)
        .where(
            Violation.state != ViolationState.OPEN,
            func.coalesce(Violation.ended_at, Violation.acknowledged_at, Violation.started_at) < cutoff,
            func.coalesce(Violation.acknowledged_at, Violation.started_at) < cutoff,
            Violation.vehicle_id.not_in(held_vehicles(session)),
            ~select(Ban.id).where(Ban.violation_id == Violation.id, Ban.until >= cutoff).exists(),
        )
        .order_by(Violation.id)
    )


def _drop_violations(session: Session, ids: Sequence[Any], _now: datetime) -> None:
    parts: tuple[Any, ...] = (Notice, Evidence, Ban)
    for part in parts:
        session.execute(delete(part).where(part.violation_id.in_(ids)))
    session.execute(delete(Violation).where(Violation.id.in_(ids)))


def _passages_due(session: Session, cutoff: datetime, _now: datetime) -> Select[Any]:
    free = Passage.vehicle_id.not_in(held_vehicles(session))
    return select(Passage.id).where(Passage.at < cutoff, free).order_by(Passage.id)


def _drop_passages(session: Session, ids: Sequence[Any], _now: datetime) -> None:
    session.execute(delete(Passage).where(Passage.id.in_(ids)))


def _bookings_due(session: Session, cutoff: datetime, _now: datetime) -> Select[Any]:
    visits = select(Visit.id).where(Visit.booking_id == Booking.id)
    held = select(Vehicle.plate).where(Vehicle.id.in_(held_vehicles(session)))
    spoken_of = or_(Violation.booking_id == Booking.id, Violation.visit_id.in_(visits))
    return (
        select(Booking.id)
        .where(
            Booking.window_end < cutoff,
            ~visits.where(or_(Visit.state.in_(OPEN_VISIT), Visit.exited_at >= cutoff)).exists(),
            ~select(Violation.id).where(spoken_of).exists(),
            ~select(Passage.id).where(Passage.booking_id == Booking.id).exists(),
            Booking.plate.not_in(held),
        )
        .order_by(Booking.id)
    )


def _drop_bookings(session: Session, ids: Sequence[Any], _now: datetime) -> None:
    visits = select(Visit.id).where(Visit.booking_id.in_(ids))
    of_visits: tuple[Any, ...] = (CheckAnswer, Restraint, Ticket)
    of_bookings: tuple[Any, ...] = (Visit, Cargo, Hold, PermitRow, Override, Notice)
    for part in of_visits:
        session.execute(delete(part).where(part.visit_id.in_(visits)))
    for part in of_bookings:
        session.execute(delete(part).where(part.booking_id.in_(ids)))
    session.execute(delete(Booking).where(Booking.id.in_(ids)))


def _audit_due(_session: Session, cutoff: datetime, _now: datetime) -> Select[Any]:
    """The record of what is kept is kept with it."""
    kept: list[ColumnElement[bool]] = [
        (Audit.subject == subject) & Audit.subject_id.in_(select(table.id))
        for subject, table in (("violation", Violation), ("booking", Booking), ("visit", Visit), ("ban", Ban))
    ]
    return select(Audit.id).where(Audit.at < cutoff, ~or_(*kept)).order_by(Audit.id)


def _drop_audit(session: Session, ids: Sequence[Any], _now: datetime) -> None:
    session.execute(delete(Audit).where(Audit.id.in_(ids)))


def _notices_due(_session: Session, cutoff: datetime, _now: datetime) -> Select[Any]:
    """Those of a violation or booking go with it."""
    return (
        select(Notice.id)
        .where(Notice.created_at < cutoff, Notice.violation_id.is_(None), Notice.booking_id.is_(None))
        .order_by(Notice.id)
    )


def _drop_notices(session: Session, ids: Sequence[Any], _now: datetime) -> None:
    session.execute(delete(Notice).where(Notice.id.in_(ids)))


def _letters_due(_session: Session, cutoff: datetime, _now: datetime) -> Select[Any]:
    return (
        select(Letter.id)
        .where(
            Letter.created_at < cutoff,
            or_(Letter.done_at.is_not(None), Letter.parked_reason.is_not(None)),
            ~select(Notice.id).where(Notice.letter_id == Letter.id).exists(),
        )
        .order_by(Letter.id)
    )


def _drop_letters(session: Session, ids: Sequence[Any], _now: datetime) -> None:
    session.execute(delete(Letter).where(Letter.id.in_(ids)))


_MONITORING = N_("positions 6 months: 道路运输车辆动态监督管理办法")
_VIOLATION = N_("violations and their handling 3 years: 道路运输车辆动态监督管理办法")
_LOGS = N_("network logs 6 months: 网络安全法 Art 21(3)")
#: In the order they go: what others speak of goes after them, and evidence is kept before fixes go.
KINDS = (
    Kind(N_("evidence of violations kept"), "keep_fixes_days", _VIOLATION, _evidence_due, _keep_evidence),
    Kind(N_("blocks of positions"), "keep_fixes_days", _MONITORING, _blocks_due, _drop_blocks),
    Kind(N_("violations"), "keep_violations_days", _VIOLATION, _violations_due, _drop_violations),
    Kind(N_("passages"), "keep_violations_days", _VIOLATION, _passages_due, _drop_passages),
    Kind(N_("bookings"), "keep_bookings_days", N_("waybills 12 months: 交通运输部令2019年第29号 Art 24"),
         _bookings_due, _drop_bookings),
    Kind(N_("notices"), "keep_logs_days", _LOGS, _notices_due, _drop_notices),
    Kind(N_("letters of the outbox"), "keep_logs_days", _LOGS, _letters_due, _drop_letters),
    Kind(N_("lines of the record"), "keep_logs_days", _LOGS, _audit_due, _drop_audit),
)  # fmt: skip
