"""What the tests of the doors share: a park, its doors, and the violations found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.fix import Fix
from parking.models import Feed, FixRow, Terminal, Vehicle, Violation
from parking.services import feeds, park, reports, terminals, tracking
from parking.services.reports import Report
from parking.services.tracking import TerminalFix
from tests import land

PLATE, TRUCK = "晋M00001", "13900000001"
STAFF, HERE = "admin:li", "127.0.0.1"


@dataclass
class Doors:
    """One vehicle with a JT/T 808 terminal, a phone and a carrier's platform."""

    session: Session
    vehicle_id: int
    phone: Feed
    platform: Feed

    def by_terminal(self, fixes: Sequence[Fix], now: datetime, serial: int = 0) -> None:
        batch = [TerminalFix(TRUCK, serial + n, 0, f) for n, f in enumerate(fixes)]
        tracking.take(self.session, batch, now)

    def by(self, feed: Feed, fixes: Sequence[Fix], now: datetime) -> reports.Received:
        given = [Report(self.vehicle_id, f, {"door": "test"}) for f in fixes]
        return reports.receive(self.session, feed, given, now)

    def offences(self) -> list[str]:
        return sorted(self.session.scalars(select(Violation.kind)))

    def marks(self, feed: Feed | None = None) -> list[str | None]:
        """Marks of the fixes of a door, in order of time."""
        stem = f"%:{feed.id}:%" if feed else TRUCK
        rows = select(FixRow.mark).join(Terminal, Terminal.id == FixRow.terminal_id)
        return list(self.session.scalars(rows.where(Terminal.phone.like(stem)).order_by(FixRow.time)))


def opened(session: Session) -> Doors:
    park.load(session, land.park(), [], land.START, "test")
    terminals.register(session, TRUCK, PLATE, 2, land.START)
    vehicle_id = session.scalars(select(Vehicle.id)).one()
    phone, _ = feeds.add_device(session, "phone", "wang-01", PLATE, land.START, STAFF, HERE)
    platform, _ = feeds.add_platform(session, "carrier", [PLATE], land.START, STAFF, HERE)
    return Doors(session, vehicle_id, phone, platform)
