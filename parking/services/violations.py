"""What staff do with a violation."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from parking import outbox
from parking.events import ViolationAcknowledged
from parking.models import Violation
from parking.refused import Reason, Refused, no
from parking.services import audit
from parking.vocabulary import FormField, Refusal, ViolationState

REMARK_MAX = 1000


def acknowledge(
    session: Session, violation_id: int, remark: str, now: datetime, actor: str, source: str
) -> Violation:
    """Take note of a violation, with a remark.

    Refused: unknown, refuted, already done, remark missing or too long.
    """
    violation = session.get(Violation, violation_id, with_for_update=True)
    if violation is None:
        raise Refused(no(Refusal.VIOLATION_UNKNOWN))
    if violation.state == ViolationState.REFUTED:
        raise Refused(no(Refusal.VIOLATION_REFUTED))
    if violation.state != ViolationState.OPEN:
        raise Refused(no(Refusal.ALREADY_ACKNOWLEDGED, by=violation.acknowledged_by))
    if not remark.strip():
        raise Refused(no(Refusal.REMARK_MISSING, "remark"))
    if len(remark) > REMARK_MAX:
        facts = {"field": FormField.REMARK, "limit": REMARK_MAX}
        raise Refused(Reason(Refusal.FIELD_TOO_LONG, facts, FormField.REMARK))
    violation.state = ViolationState.ACKNOWLEDGED
    violation.acknowledged_at, violation.acknowledged_by = now, actor
    violation.remark = remark.strip()
    audit.record(
        session, actor, "acknowledged", "violation", violation.id, now, source, remark=remark.strip()
    )
    outbox.post(session, ViolationAcknowledged(violation.id))
    return violation
