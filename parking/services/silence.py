"""Vehicles inside the park whose terminal fell silent: no data is an alarm of its own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import Visit, Watch
from parking.queries import journeys
from parking.rules.monitor import State, still
from parking.services import findings, ground
from parking.vocabulary import INSIDE


def sweep(session: Session, now: datetime) -> int:
    """Ask the monitor what time alone reveals about every vehicle inside. Returns new violations."""
    inside = session.scalars(select(Visit.vehicle_id).where(Visit.state.in_(INSIDE))).all()
    if not inside:
        return 0
    land = ground.current(session)
    known = journeys.of_vehicles(session, inside, now, now)
    watches = session.scalars(
        select(Watch)
        .where(Watch.vehicle_id.in_(inside))
        .order_by(Watch.vehicle_id)
        .with_for_update(skip_locked=True)
    ).all()
    new = 0
    for watch in watches:
        journey_at = known[watch.vehicle_id]
        judged = still(land, State.from_json(watch.state), journey_at(now), now)
        watch.state = judged.state.to_json()
        new += findings.write(session, watch.vehicle_id, judged.findings, journey_at, now)
    return new
