"""The end of a visit: seen to leave the ring as well, or inferred from silence after the exit.

The exit itself is never inferred: only a visit somebody has checked out is closed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from shapely import Point
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.shapes import LayerKind, Park
from parking.models import Booking, Visit, Watch
from parking.queries import lot as lots
from parking.queries import park as parks
from parking.services import audit
from parking.vocabulary import VisitState, VisitStep


def sweep(session: Session, now: datetime) -> int:
    """Close visits whose vehicle left the ring, or was not heard for a while; returns how many."""
    quiet = timedelta(minutes=lots.policy(session, lots.current(session)).close_after_min)
    rows = session.execute(
        select(Visit, Watch)
        .join(Booking, Booking.id == Visit.booking_id)
        .outerjoin(Watch, Watch.vehicle_id == Visit.vehicle_id)
        .where(Visit.state == VisitState.EXITED)
        .order_by(Visit.id)
        .with_for_update(of=Visit, skip_locked=True)
    ).all()
    park = parks.current(session) if rows else None
    return sum(_close(session, visit, watch, park, quiet, now) for visit, watch in rows if park)


def _close(
    session: Session, visit: Visit, watch: Watch | None, park: Park, quiet: timedelta, now: datetime
) -> int:
    left = visit.exited_at or now
    heard = watch.last_time if watch and watch.last_time and watch.last_time > left else None
    if heard and watch and _outside(park, watch, heard):
        visit.state, step = VisitState.CLOSED, VisitStep.CLOSE
    elif now > (heard or left) + quiet:
        visit.state, step = VisitState.CLOSED_INFERRED, VisitStep.CLOSE_INFERRED
    else:
        return 0
    facts = {"from": left.isoformat(), "to": (heard or now).isoformat()}
    audit.record(session, "system", step, "visit", visit.id, now, "sweep", state=visit.state, **facts)
    return 1


def _outside(park: Park, watch: Watch, at: datetime) -> bool:
    """Beyond every control line, or beyond the boundary where no line is drawn."""
    lines = park.in_force(LayerKind.CONTROL_LINE, at) or park.in_force(LayerKind.BOUNDARY, at)
    here = Point(watch.lon, watch.lat) if watch.lon is not None and watch.lat is not None else None
    return here is not None and bool(lines) and not any(f.geometry.covers(here) for f in lines)
