"""What the monitor found becomes violations and passages, once each, and is announced.

Live findings make violations or bring them up to date. After a second judging (``write_again``) what is on
record is corrected, found late, or refuted; what it said before stays in the audit trail.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking import outbox
from parking.events import ViolationRefuted, ViolationSeen
from parking.models import Violation
from parking.rules.crossed import DOUBT
from parking.rules.deviation import END_FACTS
from parking.rules.monitor import Finding, Journey
from parking.services import audit, episodes, passages
from parking.vocabulary import PassageKind, ViolationKind, ViolationState

JourneyAt = Callable[[datetime], Journey]
#: What of a violation a second judging may put right.
_CORRECTED = ("started_at", "ended_at", "lon", "lat", "certainty", "facts", "booking_id", "visit_id")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of one vehicle's fixes that was judged a second time, all of them in order.

    ``cut``: where it was cut out of more fixes, what begins there may be older (None: nowhere). ``since``:
    from then on it shows everything. ``ends``: the newest fix. ``drawn_at``: when the park it was judged by
    was loaded.
    """

    vehicle_id: int
    journey_at: JourneyAt
    cut: datetime | None
    since: datetime
    ends: datetime
    drawn_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What a second judging found: how many new violations, and which on record it has seen."""

    new: int
    ids: frozenset[int]
    passages: frozenset[int]


def write(
    session: Session, vehicle_id: int, found: Iterable[Finding], journey_at: JourneyAt, now: datetime
) -> int:
    """Write live findings: new ones are announced, known ones brought up to date. Returns the new ones."""
    new = 0
    for finding in found:
        journey = journey_at(finding.started_at)
        if isinstance(finding.kind, PassageKind):
            passages.write(session, vehicle_id, finding, journey)
            continue
        known = episodes.live(session, vehicle_id, finding)
        if known is None:
            _new(session, vehicle_id, finding, journey, now, late=False)
            new += 1
        else:
            known.ended_at = finding.ended_at or known.ended_at
            known.facts = {**known.facts, **finding.facts}
            known.certainty = finding.certainty
            _reinstate(session, known, now)
    return new


def write_again(session: Session, stretch: Stretch, found: Iterable[Finding], now: datetime) -> Seen:
    """Write what a second judging found; what is on record is corrected."""
    vehicle_id = stretch.vehicle_id
    taken: set[int] = set()
    passed: set[int] = set()
    new = 0
    for finding in found:
        journey = stretch.journey_at(finding.started_at)
        if isinstance(finding.kind, PassageKind):
            passed.add(passages.write_again(session, vehicle_id, finding, journey, passed, now))
            continue
        known = episodes.again(session, vehicle_id, finding, taken)
        if known is None:
            known = _new(session, vehicle_id, finding, journey, now, late=True)
            new += 1
        else:
            _correct(session, known, finding, journey, stretch.cut, now)
        taken.add(known.id)
    return Seen(new, frozenset(taken), frozenset(passed))


def refute(session: Session, stretch: Stretch, seen: Seen, now: datetime) -> int:
    """Mark as refuted what began in the stretch and was not ``seen`` again, for want of fixes that show it.

    Nothing is deleted: the former state goes to the audit trail, and supervisors are told. Returns how many.
    """
    since = max(stretch.since, stretch.drawn_at)
    passages.refute(session, stretch.vehicle_id, since, seen.passages, now)
    unseen = episodes.unseen(session, stretch.vehicle_id, stretch.since, seen.ids)
    refuted = [v for v in unseen if _by_fixes_alone(v, stretch)]
    for violation in refuted:
        before = {**_said(violation), "state": violation.state, "fixes_until": stretch.ends.isoformat()}
        audit.record(session, "system", "refuted", "violation", violation.id, now, "monitor", before=before)
        violation.state = ViolationState.REFUTED
        violation.ended_at = violation.ended_at or max(stretch.ends, violation.started_at)
        outbox.post(session, ViolationRefuted(violation.id))
    session.flush()
    return len(refuted)


def _by_fixes_alone(violation: Violation, stretch: Stretch) -> bool:
    """Whether only the fixes differ from what was judged then, not the drawing, the policy or the booking."""
    known = stretch.journey_at(violation.started_at)
    return violation.seen_at >= stretch.drawn_at and violation.booking_id == known.booking_id


def end_refuted(
    session: Session, vehicle_id: int, standing: Collection[tuple[str, str]], at: datetime, now: datetime
) -> None:
    """End at ``at`` what is on record as going on but by a second judging is not among the ``standing``."""
    going_on = select(Violation).where(
        Violation.vehicle_id == vehicle_id,
        Violation.kind.in_(episodes.LASTING),
        Violation.ended_at.is_(None),
    )
    for violation in session.scalars(going_on).all():
        if (violation.kind, violation.subject) not in standing:
            _record_correction(session, violation, now)
            violation.ended_at = max(at, violation.started_at)


def _new(
    session: Session, vehicle_id: int, finding: Finding, journey: Journey, now: datetime, late: bool
) -> Violation:
    violation = Violation(
        vehicle_id=vehicle_id,
        booking_id=journey.booking_id,
        visit_id=journey.visit_id,
        kind=ViolationKind(finding.kind),
        subject=finding.subject,
        started_at=finding.started_at,
        ended_at=finding.ended_at,
        lon=finding.lon,
        lat=finding.lat,
        certainty=finding.certainty,
        facts=dict(finding.facts),
        late=late,
        state=ViolationState.OPEN,
        seen_at=now,
    )
    session.add(violation)
    session.flush()
    outbox.post(session, ViolationSeen(violation.id))
    return violation


def _correct(
    session: Session,
    violation: Violation,
    finding: Finding,
    journey: Journey,
    cut: datetime | None,
    now: datetime,
) -> None:
    """Put right what all fixes show otherwise. Of an episode older than the stretch only the end is seen."""
    older = cut is not None and (violation.started_at < cut or finding.started_at <= cut)
    if older and finding.ended_at != finding.started_at:
        wanted: dict[str, Any] = {"ended_at": finding.ended_at or violation.ended_at}
        if violation.started_at >= finding.started_at:
            wanted["facts"] = {**violation.facts, **finding.facts}
    else:
        wanted = _shown(violation, finding, journey)
        if episodes.occupied(session, violation, finding):
            del wanted["started_at"]
    changed = {name: value for name, value in wanted.items() if getattr(violation, name) != value}
    if changed:
        _record_correction(session, violation, now)
        for name, value in changed.items():
            setattr(violation, name, value)
    _reinstate(session, violation, now)
    session.flush()


def _shown(violation: Violation, finding: Finding, journey: Journey) -> dict[str, Any]:
    return {
        "started_at": finding.started_at,
        "ended_at": finding.ended_at,
        "lon": finding.lon,
        "lat": finding.lat,
        "certainty": finding.certainty,
        "facts": _facts(violation, finding),
        "booking_id": journey.booking_id,
        "visit_id": journey.visit_id,
    }


def _facts(violation: Violation, finding: Finding) -> dict[str, Any]:
    """What is known by all fixes; of an end that was none nothing stays, nor of a doubt where it happened."""
    merged = {**violation.facts, **finding.facts}
    if DOUBT not in finding.facts:
        merged.pop(DOUBT, None)
    if finding.ended_at is None:
        merged = {name: fact for name, fact in merged.items() if name not in END_FACTS}
    return merged


def _said(violation: Violation) -> dict[str, Any]:
    """What a violation says, as plain JSON."""
    said = {name: getattr(violation, name) for name in _CORRECTED}
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in said.items()}


def _record_correction(session: Session, violation: Violation, now: datetime) -> None:
    """Late fixes change this violation: what it said before goes to the audit trail."""
    audit.record(
        session,
        "system",
        "corrected_by_late_fixes",
        "violation",
        violation.id,
        now,
        "monitor",
        before=_said(violation),
    )


def _reinstate(session: Session, violation: Violation, now: datetime) -> None:
    """Found again after it was refuted: it is open, and people are told anew."""
    if violation.state == ViolationState.REFUTED:
        violation.state = ViolationState.OPEN
        audit.record(session, "system", "reinstated", "violation", violation.id, now, "monitor")
        outbox.post(session, ViolationSeen(violation.id))
