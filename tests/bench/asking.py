"""``make bench``, the lot: ``suggest`` for one booking of a full day, on the real database."""

from __future__ import annotations

import gc
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import days
import numpy as np
from shapely import to_wkb
from sqlalchemy import event, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from parking import db, schema
from parking.models import Bay, Booking, Cargo, Goods, Hold
from parking.queries import lot as lots
from parking.rules.plan import plan
from parking.seed import load_park
from parking.services import bays

PARK = Path(__file__).parents[2] / "fixtures" / "park"
MIDNIGHT = datetime(2026, 3, 2, 16, tzinfo=UTC)
ASKED = 60


def bench_suggest(url: str) -> dict[str, Any]:
    """500 bays, 1,500 bookings of which all that a first plan places hold their bay; 60 others ask."""
    engine = db.make_engine(url)
    schema.upgrade(engine)
    load_park(PARK, MIDNIGHT, "bench", engine)
    with db.transaction(engine) as session:
        asks, held = _fill(session, days.day(500, 1500 + ASKED, 1, told=0.0, standing=0.0))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))  # as autovacuum does within a minute
    gc.collect()
    gc.freeze()  # what filled the database is no part of a running house
    times, counts = [], set()
    for n, booking_id in enumerate([*asks[:3], *asks]):
        with db.reading(engine) as session:
            seen: list[str] = []
            event.listen(engine, "before_cursor_execute", lambda *a, s=seen: s.append(a[2]))
            begun = time.perf_counter()
            found = bays.suggest(session, booking_id, MIDNIGHT)
            spent = time.perf_counter() - begun
            assert len(found) == 500
        if n >= 3:  # the first ones read the park
            times.append(1000 * spent)
            counts.add(len(seen))
    engine.dispose()
    gc.unfreeze()
    return {
        "bays": 500,
        "bookings": 1500,
        "holds": held,
        "p50_ms": round(float(np.percentile(times, 50)), 1),
        "p99_ms": round(float(np.percentile(times, 99)), 1),
        "statements": sorted(counts),
    }


def _fill(session: Session, problem: Any) -> tuple[list[int], int]:
    """The drawn lot instead of the park's own; bookings, cargoes, and holds by the first plan."""
    lot_id = lots.current(session)
    for old in session.scalars(select(Bay).where(Bay.lot_id == lot_id)):
        session.delete(old)
    _, takes, shapes = days.lot(500)
    placed = [
        Bay(
            lot_id=lot_id, code=b.code, zone=b.zone, hazard_classes=list(takes[n]),
            load_states=["loaded", "empty_uncleaned"], isolation=False, length_m=20.0, width_m=4.0,
            wkb=to_wkb(shapes[n]),
        )
        for n, b in enumerate(problem.bays)
    ]  # fmt: skip
    session.add_all(placed)
    known = set(session.scalars(select(Goods.un_number)))
    bookings = [_booking(n, s, lot_id, known) for n, s in enumerate(problem.stays)]
    session.add_all(bookings)
    session.flush()
    at = plan(problem, 0.0).at
    asks = set(random.Random(1).sample(range(len(at)), ASKED))
    for n, (booking, bay) in enumerate(zip(bookings, at, strict=True)):
        if n in asks or bay < 0:
            continue
        booking.state = "approved"
        session.add(
            Hold(
                bay_id=placed[bay].id, booking_id=booking.id, state="held", held_at=MIDNIGHT, held_by="bench",
                during=Range(booking.window_start, booking.window_end),
            )
        )  # fmt: skip
    session.flush()
    held = sum(b.state == "approved" for b in bookings)
    return [bookings[n].id for n in sorted(asks)], held


def _booking(n: int, stay: Any, lot_id: int, known: set[str]) -> Booking:
    hazard, subsidiary, un, _, _ = days.LOADS[stay.kind]
    un = un if un in known else "1268"
    begins = MIDNIGHT + timedelta(seconds=stay.begin)
    return Booking(
        code=f"B{n:07d}", lot_id=lot_id, plate=f"晋M{n:05d}", plate_colour=2, carrier="bench",
        driver_name="王", driver_phone="13800000000", escort_name="李", waybill_no=f"YD{n}",
        un_number=un, hazard_class=hazard,
        subsidiary=list(subsidiary), mass_kg=25_000, load_state="loaded", window_start=begins,
        window_end=MIDNIGHT + timedelta(seconds=stay.end), state="enterprise_approved", created_at=MIDNIGHT,
        cargoes=[Cargo(compartment=1, un_number=un, mass_kg=25_000)],
    )  # fmt: skip


if __name__ == "__main__":
    import tempfile

    from workers.servers import both

    with tempfile.TemporaryDirectory(prefix="hzb") as folder, both(Path(folder)) as servers:
        print(bench_suggest(servers[0].url))
