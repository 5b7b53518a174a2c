"""What the monitor found in a batch becomes violations and passages, once each, all in a few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, String, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import FixesCameLate, ViolationSeen
from parking.models import Letter, Passage, Violation
from parking.rules.monitor import Finding, Journey
from parking.services import episodes
from parking.vocabulary import PassageKind, ViolationKind

#: A finding, the vehicle it is about, and what was known of that vehicle's journey when it began.
Found = tuple[int, Finding, Journey]

_Kind = tuple[int, str, str]


def write(session: Session, found: Sequence[Found], now: datetime) -> list[int]:
    """Write live findings as ``findings.write`` does one by one; the ids of the new violations."""
    _passages(session, [f for f in found if isinstance(f[1].kind, PassageKind)])
    offences = [f for f in found if not isinstance(f[1].kind, PassageKind)]
    if not offences:
        return []
    known = _known(session, offences)
    new = []
    for vehicle_id, finding, journey in offences:
        alike = known[vehicle_id, finding.kind, finding.subject]
        violation = _same(alike, finding)
        if violation is None:
            violation = _new(vehicle_id, finding, journey, now)
            alike.append(violation)
            new.append(violation)
        else:
            violation.ended_at = finding.ended_at or violation.ended_at
            violation.facts = episodes.facts(violation, finding)
            violation.certainty = finding.certainty
    session.add_all(new)
    session.flush()
    outbox.post(session, *(ViolationSeen(v.id) for v in new))
    return [v.id for v in new]


def ask_again(session: Session, earliest: dict[int, datetime]) -> None:
    """Have the stretch of each vehicle judged again from that moment on. A letter that waits for that
    already is only made to reach further."""
    if not earliest:
        return
    waiting = session.scalars(
        select(Letter)
        .where(
            Letter.name == FixesCameLate.name,
            Letter.done_at.is_(None),
            Letter.parked_reason.is_(None),
            Letter.payload["vehicle_id"].as_integer().in_(earliest),
        )
        .order_by(Letter.id)
        .with_for_update(skip_locked=True)
    )
    left = dict(earliest)
    for letter in waiting:
        moment = left.pop(letter.payload["vehicle_id"], None)
        if moment is not None and moment < datetime.fromisoformat(letter.payload["earliest"]):
            letter.payload = {**letter.payload, "earliest": moment.isoformat()}
    outbox.post(session, *(FixesCameLate(v, moment.isoformat()) for v, moment in left.items()))


def _known(session: Session, offences: Sequence[Found]) -> defaultdict[_Kind, list[Violation]]:
    """The violations on record that any of these findings may speak of."""
    asked = (
        func.unnest(
            _array([v for v, _, _ in offences], BigInteger()),
            _array([str(f.kind) for _, f, _ in offences], String()),
            _array([f.subject for _, f, _ in offences], String()),
            _array([f.started_at for _, f, _ in offences], DateTime(timezone=True)),
        )
        .table_valued("vehicle_id", "kind", "subject", "started_at", name="asked")
        .render_derived()
    )
    rows = session.scalars(
        select(Violation)
        .join(
            asked,
            (Violation.vehicle_id == asked.c.vehicle_id)
            & (Violation.kind == asked.c.kind)
            & (Violation.subject == asked.c.subject),
        )
        .where(or_(Violation.started_at == asked.c.started_at, Violation.ended_at.is_(None)))
        .order_by(Violation.started_at)
    ).unique()
    known: defaultdict[_Kind, list[Violation]] = defaultdict(list)
    for violation in rows:
        known[violation.vehicle_id, violation.kind, violation.subject].append(violation)
    return known


def _array(values: Sequence[Any], kind: Any) -> Any:
    return bindparam(None, list(values), type_=ARRAY(kind))


def _same(alike: Sequence[Violation], finding: Finding) -> Violation | None:
    """By its beginning; or the one still going on, as ``episodes.live`` has it."""
    for violation in alike:
        if violation.started_at == finding.started_at:
            return violation
    if finding.kind not in episodes.LASTING:
        return None
    going_on = [v for v in alike if v.ended_at is None]
    return max(going_on, key=lambda v: v.started_at, default=None)


def _new(vehicle_id: int, finding: Finding, journey: Journey, now: datetime) -> Violation:
    return Violation(
        vehicle_id=vehicle_id, booking_id=journey.booking_id, visit_id=journey.visit_id,
        kind=ViolationKind(finding.kind), subject=finding.subject, started_at=finding.started_at,
        ended_at=finding.ended_at, lon=finding.lon, lat=finding.lat, certainty=finding.certainty,
        facts=dict(finding.facts), late=False, state="open", seen_at=now,
    )  # fmt: skip


def _passages(session: Session, found: Sequence[Found]) -> None:
    if not found:
        return
    rows = [
        {
            "vehicle_id": vehicle_id, "booking_id": journey.booking_id, "kind": f.kind, "subject": f.subject,
            "at": f.started_at, "lon": f.lon, "lat": f.lat, "certainty": f.certainty, "facts": dict(f.facts),
        }
        for vehicle_id, f, journey in found
    ]  # fmt: skip
    session.execute(insert(Passage).on_conflict_do_nothing(constraint="uq_passage_event"), rows)
