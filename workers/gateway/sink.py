"""Where the gateway's messages go: the park's memory, one visible transaction each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from shapely import total_bounds
from sqlalchemy import Engine, exc, text
from sqlalchemy.orm import Session

from geo.shapes import LayerKind, Park
from parking import clock
from parking.db import reading, transaction
from parking.queries import park as parks
from parking.queries.park import NoPark
from parking.services import heartbeats, sign_ons, terminals, tracking
from parking.services.fixbatch import TerminalFix
from parking.services.remembered import Changed
from parking.services.terminals import Registration as Registered
from parking.services.tracking import Position
from workers.channels.live import LiveStream
from workers.jt808.identity import Registration

News = Sequence[Mapping[str, Any]]

#: SQLSTATEs (or their first two characters) that say nothing about the data: try the same again later.
_NOT_THE_DATA = ("08", "28", "3D", "40", "53", "55", "57P", "58", "25006", "42501", "42P01", "42703")

#: Internal errors and statements cancelled for taking too long: may be either.
_UNSURE = ("XX", "57014")

#: "Committed" must mean "on disk", also on a given server that is set to be quicker than that.
_ON_DISK = text("SELECT set_config('synchronous_commit', 'on', true)"
                " WHERE current_setting('synchronous_commit') = 'off'")  # fmt: skip


class Sink(Protocol):
    """Blocking calls, made from threads; any of them may raise."""

    def register(self, phone: str, registration: Registration) -> Registered: ...
    def authenticate(self, claims: Sequence[tuple[str, str]]) -> Sequence[bool]: ...
    def take(self, batch: Sequence[TerminalFix]) -> News: ...
    def tell(self, news: News) -> None: ...
    def ready(self) -> bool: ...
    def beat(self, trouble: str | None = None) -> None: ...


class ParkSink:
    """The real one. ``enrolment``: open or known (Settings.terminal_enrolment)."""

    def __init__(
        self, engine: Engine, live: LiveStream, enrolment: str = "open", positions: float = 500.0
    ) -> None:
        self._engine, self._live, self._enrolment = engine, live, enrolment
        self._positions = self._saved = positions
        self._told = time.monotonic()
        self._bounds: tuple[Park, tuple[float, float, float, float]] | None = None

    def register(self, phone: str, registration: Registration) -> Registered:
        with transaction(self._engine) as session:
            return terminals.register(
                session, phone, registration.plate, registration.colour, clock.now(),
                enrolment=self._enrolment, version=str(registration.version), maker=registration.maker,
                model=registration.model, device_id=registration.terminal_id,
            )  # fmt: skip

    def authenticate(self, claims: Sequence[tuple[str, str]]) -> Sequence[bool]:
        """Of each (phone, code): whether the code is the one we issued to this phone."""
        with transaction(self._engine) as session:
            return sign_ons.authenticate(session, claims, clock.now())

    def take(self, batch: Sequence[TerminalFix]) -> News:
        """Store and judge ``batch``; once this returns it is committed. What browsers should look at."""
        with transaction(self._engine) as session:
            session.execute(_ON_DISK)
            taken = tracking.take(session, batch, clock.now())
            near = self._near(session)
        seen = [{"type": "violation", "violation_id": n} for n in taken.seen]
        moved = taken.some_moved(self._allowed(), *near)
        self._saved -= len(moved)
        return [*seen, *(_news(p) for p in moved)]

    def _near(self, session: Session) -> tuple[float, float, float, float]:
        """West, south, east and north of what the park watches most closely."""
        park = parks.current(session)
        if self._bounds is None or self._bounds[0] is not park:
            kinds = (LayerKind.CONTROL_LINE, LayerKind.BOUNDARY)
            shapes = [f.geometry for kind in kinds for f in park.of(kind)]
            west, south, east, north = total_bounds(shapes).tolist() if shapes else park.watch_area
            self._bounds = park, (west, south, east, north)
        return self._bounds[1]

    def _allowed(self) -> int:
        """How many positions the map may be told now; a fleet reports more than any map can show."""
        now = time.monotonic()
        self._saved = min(self._positions, self._saved + (now - self._told) * self._positions)
        self._told = now
        return int(self._saved)

    def tell(self, news: News) -> None:
        self._live.tell(news)

    def beat(self, trouble: str | None = None) -> None:
        """Note that the gateway's writer is at work, or what keeps it from storing."""
        with transaction(self._engine) as session:
            heartbeats.beat(session, "gateway", datetime.now(UTC), trouble)

    def ready(self) -> bool:
        """The database answers."""
        try:
            with reading(self._engine) as session:
                session.execute(text("SELECT 1"))
        except Exception:  # whatever it is, it did not answer
            return False
        return True


def outage(error: BaseException) -> bool | None:
    """True: not the data's fault, try the same again. False: the data's. None: cannot tell."""
    if isinstance(error, (OSError, exc.TimeoutError, NoPark)):
        return True
    if isinstance(error, Changed):
        return None
    if not isinstance(error, exc.DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    if state := getattr(error.orig, "sqlstate", None):
        return None if state.startswith(_UNSURE) else bool(state.startswith(_NOT_THE_DATA))
    return None if isinstance(error, (exc.OperationalError, exc.InterfaceError)) else False


def _news(position: Position) -> Mapping[str, Any]:
    fix = position.fix
    return {
        "type": "fix", "vehicle_id": position.vehicle_id, "plate": position.plate, "lon": fix.lon,
        "lat": fix.lat, "speed_kmh": fix.speed_kmh, "heading": fix.heading, "time": fix.time.isoformat(),
    }  # fmt: skip
