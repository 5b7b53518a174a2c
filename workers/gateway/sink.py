"""Where the gateway's messages go: the park's memory, one visible transaction each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import Engine, exc, text

from parking import clock
from parking.db import reading, transaction
from parking.queries.park import NoPark
from parking.services import heartbeats, terminals, tracking
from parking.services.terminals import Registration as Registered
from parking.services.tracking import Position, TerminalFix
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
    def authenticate(self, phone: str, code: str) -> bool: ...
    def take(self, batch: Sequence[TerminalFix]) -> News: ...
    def tell(self, news: News) -> None: ...
    def ready(self) -> bool: ...
    def beat(self) -> None: ...


class ParkSink:
    """The real one. ``enrolment``: open or known (Settings.terminal_enrolment)."""

    def __init__(self, engine: Engine, live: LiveStream, enrolment: str = "open") -> None:
        self._engine, self._live, self._enrolment = engine, live, enrolment

    def register(self, phone: str, registration: Registration) -> Registered:
        with transaction(self._engine) as session:
            return terminals.register(
                session, phone, registration.plate, registration.colour, clock.now(),
                enrolment=self._enrolment, version=str(registration.version), maker=registration.maker,
                model=registration.model, device_id=registration.terminal_id,
            )  # fmt: skip

    def authenticate(self, phone: str, code: str) -> bool:
        with transaction(self._engine) as session:
            return terminals.authenticate(session, phone, code, clock.now()) is not None

    def take(self, batch: Sequence[TerminalFix]) -> News:
        """Store and judge ``batch``; once this returns it is committed. The positions that moved."""
        with transaction(self._engine) as session:
            session.execute(_ON_DISK)
            taken = tracking.take(session, batch, clock.now())
        return [_news(position) for position in taken.moved]

    def tell(self, news: News) -> None:
        self._live.tell(news)

    def beat(self) -> None:
        """Note that the gateway's writer is at work."""
        with transaction(self._engine) as session:
            heartbeats.beat(session, "gateway", datetime.now(UTC))

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
