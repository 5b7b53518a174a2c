"""Proposals for the blacklist, from what is on record."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from parking.models import Ban, BanSpared, Vehicle, Violation
from parking.queries import bans
from parking.rules import ban, ban_proposal
from parking.rules.ban_proposal import Offence, Proposal
from parking.rules.policy import Policy
from parking.vocabulary import BanSubject, ViolationKind, ViolationState


def listed(session: Session, policy: Policy, now: datetime) -> list[Proposal]:
    """Who might be put on the blacklist now. Only violations a person has answered count."""
    within = timedelta(days=policy.ban_propose_days)
    rows = session.execute(
        select(Violation.id, Vehicle.plate, Violation.kind, Violation.started_at)
        .join(Vehicle, Vehicle.id == Violation.vehicle_id)
        .where(
            Violation.kind.in_(ban_proposal.PARKING),
            Violation.state == ViolationState.ACKNOWLEDGED,
            Violation.started_at >= now - within,
        )
    )
    offences = [Offence(n, _plate(plate), ViolationKind(kind), at) for n, plate, kind, at in rows]
    return ban_proposal.proposals(
        offences, now, int(policy.ban_propose_count), within, _decided(session), _banned(session, now)
    )


def _decided(session: Session) -> dict[str, int]:
    """Plate → the newest violation a person has decided about, for it or against it."""
    spared = select(BanSpared.plate, func.max(BanSpared.last_violation_id)).group_by(BanSpared.plate)
    made = (
        select(Ban.name, func.max(Ban.violation_id))
        .where(Ban.subject == BanSubject.PLATE, Ban.violation_id.is_not(None))
        .group_by(Ban.name)
    )
    found: dict[str, int] = {}
    for plate, last in (*session.execute(spared), *session.execute(made)):
        found[plate] = max(found.get(plate, 0), last or 0)
    return found


def _banned(session: Session, now: datetime) -> list[str]:
    plates = session.scalars(select(Ban).where(Ban.subject == BanSubject.PLATE, Ban.until > now))
    return [row.name for row in plates if bans.entry(row).stands(now)]


def _plate(plate: str) -> str:
    return ban.normalise(BanSubject.PLATE, plate)
