"""Vehicles inside the park whose terminal fell silent, or never spoke: no data is an alarm of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

import shapely
from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.shapes import LayerKind
from parking.models import Violation, Visit, Watch
from parking.queries import journeys
from parking.rules.ground import Ground
from parking.rules.monitor import State, still
from parking.services import findings, ground
from parking.vocabulary import INSIDE, ViolationKind

#: A vehicle nobody let in is looked for this long after its last fix inside; by then its silence was told.
LOOKED_FOR = timedelta(days=1)
#: How much later than the longest silence allowed it may be told of such a vehicle, as a share (assumption).
LOOK_SHARE = 0.1
_looked: WeakKeyDictionary[Engine, datetime] = WeakKeyDictionary()


def sweep(session: Session, now: datetime) -> int:
    """Ask the monitor what time alone reveals about every vehicle inside. Returns new violations.

    Inside is who people let in, and who was last seen there.
    """
    land = ground.current(session)
    inside = _let_in(session)
    seen = _last_seen_inside(session, land, now) if _due(session, now, land.policy.silence_s) else set()
    vehicles = sorted(inside.keys() | seen | _told(session))
    if not vehicles:
        return 0
    left = _left(session, vehicles)
    known = journeys.of_vehicles(session, vehicles, now, now)
    new = 0
    for watch in _watches(session, vehicles):
        vehicle_id = watch.vehicle_id
        state = State.from_json(watch.state)
        judged = still(land, state, known[vehicle_id](now), now, inside.get(vehicle_id), left.get(vehicle_id))
        watch.state = judged.state.to_json()
        new += findings.write(session, vehicle_id, judged.findings, known[vehicle_id], now)
    return new


def _due(session: Session, now: datetime, silence_s: float) -> bool:
    """Who was seen inside and let in by nobody is looked for a tenth of the silence apart: that look reads
    what is remembered of every vehicle of a fleet."""
    engine = session.get_bind().engine
    last = _looked.get(engine)
    if last is not None and abs(now - last) < timedelta(seconds=silence_s * LOOK_SHARE):
        return False
    _looked[engine] = now
    return True


def _let_in(session: Session) -> Mapping[int, datetime]:
    rows = session.execute(
        select(Visit.vehicle_id, func.coalesce(Visit.admitted_at, Visit.arrived_at)).where(
            Visit.state.in_(INSIDE)
        )
    )
    return {row[0]: row[1] for row in rows}


def _last_seen_inside(session: Session, land: Ground, now: datetime) -> set[int]:
    boundary = [f.geometry for f in land.park.in_force(LayerKind.BOUNDARY, now)]
    if not boundary:
        return set()
    west, south, east, north = shapely.total_bounds(boundary).tolist()
    stale = now - timedelta(seconds=land.policy.silence_s)
    return set(
        session.scalars(
            select(Watch.vehicle_id).where(
                Watch.last_time.between(now - LOOKED_FOR, stale),
                Watch.lon.between(west, east),
                Watch.lat.between(south, north),
            )
        )
    )


def _told(session: Session) -> set[int]:
    """Whose silence goes on: when they leave, it ends."""
    return set(
        session.scalars(
            select(Violation.vehicle_id).where(
                Violation.kind == ViolationKind.LOST_SIGNAL, Violation.ended_at.is_(None)
            )
        )
    )


def _left(session: Session, vehicles: Sequence[int]) -> Mapping[int, datetime]:
    rows = session.execute(
        select(Visit.vehicle_id, func.max(Visit.exited_at))
        .where(Visit.vehicle_id.in_(vehicles), Visit.exited_at.is_not(None))
        .group_by(Visit.vehicle_id)
    )
    return {row[0]: row[1] for row in rows if row[1]}


def _watches(session: Session, vehicles: Sequence[int]) -> Sequence[Watch]:
    """What we remember of them, locked; who is being judged right now is not silent and is left out."""
    rows = [{"vehicle_id": v, "state": State.new().to_json()} for v in vehicles]
    session.execute(insert(Watch).values(rows).on_conflict_do_nothing())
    return session.scalars(
        select(Watch)
        .where(Watch.vehicle_id.in_(vehicles))
        .order_by(Watch.vehicle_id)
        .with_for_update(skip_locked=True)
    ).all()
