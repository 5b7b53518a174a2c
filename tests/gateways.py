"""A gateway on a free port, terminals that speak to it, and a sink that remembers or refuses."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from parking.services.terminals import Registration as Registered
from parking.services.terminals import bare_phone
from parking.services.tracking import TerminalFix
from workers.gateway.limits import Limits
from workers.gateway.server import Gateway
from workers.jt808.location import Location
from workers.terminal import Terminal

MOMENT = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
QUICK = Limits(gather_s=0.01, retry_s=0.02, retry_most_s=0.05, drain_s=2.0)


class Poison(ValueError):
    """The data itself is at fault."""


@dataclass
class RecordingSink:
    """Not a database: it keeps what it is given and fails as it is told, so that order can be seen."""

    stored: list[TerminalFix] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    away: threading.Event = field(default_factory=threading.Event)
    poisoned: set[str] = field(default_factory=set)
    told: list[object] = field(default_factory=list)
    takes_s: float = 0.0
    tries: int = 0
    sign_ons: list[int] = field(default_factory=list)
    silent: threading.Event = field(default_factory=threading.Event)  # to who signs on
    asked_silent: int = 0

    def register(self, phone, registration):
        return Registered(0, f"code-{bare_phone(phone)}")

    def authenticate(self, claims):
        if self.silent.is_set():
            self.asked_silent += 1
            raise ConnectionRefusedError("the database is away")
        self.sign_ons.append(len(claims))
        return [code == f"code-{bare_phone(phone)}" for phone, code in claims]

    def take(self, batch: Sequence[TerminalFix]):
        self.tries += 1
        time.sleep(self.takes_s)
        if self.away.is_set():
            raise ConnectionRefusedError("the database is away")
        if bad := {bare_phone(f.terminal_phone) for f in batch} & self.poisoned:
            raise Poison(f"cannot store {bad}")
        self.stored += batch
        self.batches.append(len(batch))
        return [{"type": "fix", "vehicle_id": 1}]

    def tell(self, news):
        self.told.append(news)
        raise RuntimeError("nobody listens")

    def beat(self, trouble=None):
        pass

    def ready(self):
        return not self.away.is_set()


@contextlib.asynccontextmanager
async def running(sink, folder: Path, limits: Limits = QUICK, relays=()) -> AsyncIterator[Gateway]:
    gateway = Gateway(sink, folder / "dead.jsonl", limits, relays)
    await gateway.start("127.0.0.1", 0)
    try:
        yield gateway
    finally:
        await gateway.stop()


def terminal(gateway: Gateway, number: int = 1, **options) -> Terminal:
    options = {"patience": 5.0, **options}
    return Terminal("127.0.0.1", gateway.port, f"1390000{number:04d}", f"晋M{number:05d}", **options)


def at(seconds: float, lon: float = 110.92, lat: float = 35.68, **facts) -> Location:
    return Location(MOMENT + timedelta(seconds=seconds), lat, lon, **facts)


def play(story) -> None:
    """Run an asynchronous story, at most a minute long."""
    asyncio.run(asyncio.wait_for(story, 60))


async def until(condition, seconds: float = 5.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise AssertionError("it did not happen in time")
        await asyncio.sleep(0.01)
