"""What the monitor remembers of vehicles, held while they are judged."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from geo.fix import Fix
from parking.models import Watch
from parking.rules.monitor import State


def hold_watches(session: Session, vehicle_ids: set[int]) -> dict[int, Watch]:
    """Lock what we remember of these vehicles, always in the same order."""
    if not vehicle_ids:
        return {}
    rows = [{"vehicle_id": v, "state": State.new().to_json()} for v in sorted(vehicle_ids)]
    session.execute(insert(Watch).values(rows).on_conflict_do_nothing())
    held = session.scalars(
        select(Watch).where(Watch.vehicle_id.in_(vehicle_ids)).order_by(Watch.vehicle_id).with_for_update()
    )
    return {w.vehicle_id: w for w in held}


def remember_last(watch: Watch, believed: Sequence[Fix]) -> None:
    if believed:
        last = believed[-1]
        watch.last_time, watch.lon, watch.lat = last.time, last.lon, last.lat
        watch.speed_kmh, watch.heading = last.speed_kmh, last.heading
