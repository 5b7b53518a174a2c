"""What the product knows of a vehicle at the gate, for the rows of the checklist it answers by itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from parking.models import Booking, Override, Violation, Visit, Watch
from parking.queries import bans
from parking.rules import ban, self_check
from parking.rules.policy import Policy
from parking.rules.self_check import Finding
from parking.vocabulary import OverrideState, SelfCheck, ViolationState

#: ``Override.act`` of a row of the checklist.
CHECK = "check"


def findings(
    session: Session, booking: Booking, visit: Visit, policy: Policy, now: datetime
) -> dict[SelfCheck, Finding]:
    """Everything the product can say of a vehicle by itself. Three statements."""
    brought = ban.names(
        booking.plate, booking.driver_name, booking.driver_phone, booking.escort_name, booking.carrier
    )
    banned = ban.against(bans.named(session, brought), brought, now)
    waiting = session.scalar(
        select(func.count())
        .select_from(Violation)
        .where(Violation.vehicle_id == visit.vehicle_id, Violation.state == ViolationState.OPEN)
    )
    heard = session.scalar(select(Watch.last_time).where(Watch.vehicle_id == visit.vehicle_id))
    return {
        SelfCheck.BLACKLIST: self_check.blacklist(banned, waiting or 0),
        SelfCheck.TERMINAL: self_check.terminal(booking.plate, heard, now, policy.silence_s),
    }


def set_aside(session: Session, booking_id: int) -> dict[str, frozenset[str]]:
    """Code of the row → marks two persons have set aside for this booking."""
    found: dict[str, frozenset[str]] = {}
    rows = session.execute(
        select(Override.subject, Override.refusals).where(
            Override.booking_id == booking_id,
            Override.act == CHECK,
            Override.state == OverrideState.SPENT,
        )
    )
    for code, refusals in rows:
        found[code] = found.get(code, frozenset()) | {str(r["mark"]) for r in refusals}
    return found
