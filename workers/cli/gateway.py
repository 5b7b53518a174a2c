"""``python -m workers gateway``: receive JT/T 808 terminals until told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable

from parking.db import engine
from parking.settings import Settings
from parking.speech import N_, translate
from workers.channels import live
from workers.cli.language import parser, spoken
from workers.gateway import tidying
from workers.gateway.command_store import CommandStore
from workers.gateway.limits import Limits
from workers.gateway.server import Gateway
from workers.gateway.sink import ParkSink
from workers.gateway.sparing import configure

AFTER = N_(
    "Settings: HAZPARK_HOST, HAZPARK_GATEWAY_PORT, DATABASE_URL, REDIS_URL, HAZPARK_DATA. A report is "
    "answered after it is committed; what cannot be stored is kept in the data folder: "
    "dead-letters/gateway.jsonl."
)


#: Reading and writing take turns in one process; who comes back from the database waits at most so long for
#: the other (Python's own 5 ms, some fifteen times a batch, were a third of the time a report waits).
TURN_S = 0.0005


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    parser("gateway", N_("Receive JT/T 808 terminals over TCP."), lang, AFTER).parse_args(argv)
    settings = Settings.from_env()
    configure(settings.log_level)
    sys.setswitchinterval(TURN_S)
    try:
        with asyncio.Runner(loop_factory=_loop()) as runner:
            return runner.run(_serve(settings))
    except OSError as error:
        print(
            translate(
                N_("Cannot listen on {host}:{port}: {why}"),
                lang, host=settings.host, port=settings.gateway_port, why=error.strerror or error,
            ),
            file=sys.stderr,
        )  # fmt: skip
        return 1


async def _serve(settings: Settings) -> int:
    """Until a signal (0), or until the writer ended by itself (1): then the supervisor starts us anew."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    limits = Limits()
    sink = ParkSink(engine(), live.stream(), settings.terminal_enrolment, limits.positions)
    name = f"{socket.gethostname()}:{settings.gateway_port}"
    dead_letters, commands = settings.data / "dead-letters" / "gateway.jsonl", CommandStore(engine(), name)
    gateway = Gateway(sink, dead_letters, limits, settings.relay_networks, commands)
    await gateway.start(settings.host, settings.gateway_port)
    gateway.log.info("listening", host=settings.host, port=gateway.port)
    waiting, tidy = asyncio.create_task(stop.wait()), asyncio.create_task(tidying.run())
    await asyncio.wait([waiting, gateway.writing], return_when=asyncio.FIRST_COMPLETED)
    tidy.cancel()
    await gateway.stop()
    return 0 if stop.is_set() else 1


def _loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed: half the work for each connection; else Python's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
