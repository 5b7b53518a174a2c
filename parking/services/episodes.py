"""Which violation on record a finding speaks of, so that nobody is accused twice of one thing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from parking.models import Passage, Violation
from parking.rules.monitor import Finding
from parking.rules.whatif import SAME_WITHIN
from parking.vocabulary import ViolationKind, ViolationState

#: Violations that last; the monitor has at most one of a kind going on.
LASTING = frozenset(
    {
        ViolationKind.RING_OFF_ROUTE,
        ViolationKind.RING_STOP,
        ViolationKind.RING_UNBOOKED,
        ViolationKind.ROUTE_DEVIATION,
        ViolationKind.WRONG_WAY,
        ViolationKind.ILLEGAL_STOP,
        ViolationKind.SPEEDING,
        ViolationKind.WRONG_BAY,
    }
)

#: What a second judging may refute. Not a wrong bay: which bay was assigned then is not known any more.
REFUTABLE = (LASTING - {ViolationKind.WRONG_BAY}) | {
    ViolationKind.BOUNDARY_CROSSING,
    ViolationKind.WRONG_GATE,
    ViolationKind.LOST_SIGNAL,
}


def live(session: Session, vehicle_id: int, finding: Finding) -> Violation | None:
    """By its beginning; or the one still going on, whose beginning late fixes showed to be another."""
    exact = session.scalar(_alike(vehicle_id, finding).where(Violation.started_at == finding.started_at))
    if exact is not None or finding.kind not in LASTING:
        return exact
    open_ones = _alike(vehicle_id, finding).where(
        Violation.ended_at.is_(None), Violation.state != ViolationState.REFUTED
    )
    return session.scalar(open_ones.order_by(Violation.started_at.desc()).limit(1))


def again(session: Session, vehicle_id: int, finding: Finding, taken: Collection[int]) -> Violation | None:
    """After a second judging: the nearest that overlaps it, none of those already ``taken`` by another."""
    alike = _alike(vehicle_id, finding).where(Violation.id.not_in(taken))
    if finding.ended_at == finding.started_at:
        same = _same_crossing(Violation.started_at, Violation.facts, finding)
    else:
        same = _overlap(finding)
    away = func.abs(func.extract("epoch", Violation.started_at - finding.started_at))
    return session.scalar(alike.where(same).order_by(away, Violation.id).limit(1))


def unseen(session: Session, vehicle_id: int, since: datetime, seen: Collection[int]) -> Sequence[Violation]:
    """What began since then and a second judging of all fixes did not see, in order.

    A silence that people were told of while it lasted stays: no fix came then, whatever came later.
    """
    return session.scalars(
        select(Violation)
        .where(
            Violation.vehicle_id == vehicle_id,
            Violation.kind.in_(REFUTABLE),
            Violation.state != ViolationState.REFUTED,
            Violation.started_at >= since,
            Violation.id.not_in(seen),
            or_(
                Violation.kind != ViolationKind.LOST_SIGNAL,
                func.coalesce(Violation.facts["awaited"].as_boolean(), True).is_(False),
            ),
        )
        .order_by(Violation.started_at, Violation.id)
        .with_for_update()
    ).all()


def facts(violation: Violation, finding: Finding) -> dict[str, Any]:
    """What is known with this finding. Of a moment it says everything anew; of what lasts, what is new."""
    whole = finding.ended_at == finding.started_at
    return {**({} if whole else violation.facts), **finding.facts}


def occupied(session: Session, violation: Violation, finding: Finding) -> bool:
    """Whether another violation on record bears the kind, subject and beginning of this finding."""
    same = _alike(violation.vehicle_id, finding).where(
        Violation.started_at == finding.started_at, Violation.id != violation.id
    )
    return session.scalar(same.limit(1)) is not None


def passage_again(
    session: Session, vehicle_id: int, finding: Finding, taken: Collection[int]
) -> Passage | None:
    """The passage on record, perhaps some seconds off; none of those already ``taken`` by another."""
    away = func.abs(func.extract("epoch", Passage.at - finding.started_at))
    alike = select(Passage).where(
        Passage.vehicle_id == vehicle_id,
        Passage.kind == finding.kind,
        Passage.subject == finding.subject,
        Passage.id.not_in(taken),
        _same_crossing(Passage.at, Passage.facts, finding),
    )
    return session.scalar(alike.order_by(away, Passage.id).limit(1))


def _alike(vehicle_id: int, finding: Finding) -> Select[Violation]:
    return select(Violation).where(
        Violation.vehicle_id == vehicle_id,
        Violation.kind == finding.kind,
        Violation.subject == finding.subject,
    )


def _overlap(finding: Finding) -> ColumnElement[bool]:
    begins = finding.started_at - SAME_WITHIN
    over = or_(Violation.ended_at.is_(None), Violation.ended_at >= begins)
    return (
        over if finding.ended_at is None else over & (Violation.started_at <= finding.ended_at + SAME_WITHIN)
    )


def _same_crossing(at: Any, facts: Any, finding: Finding) -> ColumnElement[bool]:
    """The same way over the line, as near in time as the gap in which it was seen leaves open."""
    seen_in = func.coalesce(facts["gap_s"].as_float(), 0.0)
    slack = func.greatest(seen_in, finding.facts.get("gap_s") or 0.0, SAME_WITHIN.total_seconds())
    away = func.abs(func.extract("epoch", at - finding.started_at))
    direction: ColumnElement[bool] = facts["direction"].as_string() == finding.facts.get("direction")
    return direction & (away <= slack)
