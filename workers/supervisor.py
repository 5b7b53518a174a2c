"""Starts the house in order, keeps it running, stops it in order; nothing outlives it.

One thread, one loop. PostgreSQL, migrations and seed, Valkey, then our own processes; who falls is
started again, at once the first time and ever later when it keeps falling. Whether a worker works is
asked of its heartbeat in the database, not of its process: one that lives and does nothing is replaced.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from parking import running
from parking.settings import Settings
from parking.speech import N_
from workers import liveness, logs, preflight
from workers.accounts import Account
from workers.children import Child
from workers.plan import STOP_STAGES, Service, environment, services
from workers.servers import PostgreSQL, Valkey, socket_folder
from workers.trouble import Trouble
from workers.undertaker import Undertaker
from workers.voice import Voice

READY_S = 60.0
LOOK_ROUND_S = 10.0

#: A child that falls this often before it is ready does not come up at all.
HOPELESS = 4

_HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)


class Stopped(Exception):
    """Someone asked us to stop."""


class Supervisor:
    """``run()`` returns the exit status; it raises Trouble when the house cannot start."""

    def __init__(
        self,
        settings: Settings,
        lang: str,
        demo_asked: bool = False,
        table: Callable[[Settings, Path], tuple[Service, ...]] = services,
    ) -> None:
        self.settings = replace(settings, data=settings.data.absolute())
        self._voice = Voice(lang)
        self._say = self._voice.say
        self._demo_asked = demo_asked
        self._table = table
        self._children: dict[str, Child] = {}
        self._sockets: Path | None = None
        self._lock: IO[str] | None = None
        self._looked_round = 0.0
        self._stopping = False

    @property
    def data(self) -> Path:
        return self.settings.data

    def run(self) -> int:
        preflight.python()
        with _signals() as self._wake:
            self._undertaker = Undertaker()
            began = time.monotonic()
            try:
                self._start()
                self._voice.greet(self.settings, list(self._children), time.monotonic() - began)
                self._begin_demo()
                while True:
                    self._pump(0.5)
            except Stopped:
                return 0
            finally:
                self._stop()

    # Start ------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._lock = preflight.lock(self.data)
        self._clear_last_run()
        preflight.ports(self.settings)
        preflight.given_servers(self.settings)
        self._secret()
        self._bring_postgresql()
        self._step("migrate", "parking", "db", "upgrade")
        self._step("seed", "parking", "seed", "--lang", self._voice.lang, shown=True)
        self._bring_valkey()
        self._settle_demo()
        for service in self._table(self.settings, self.data / "run"):
            self._add(service)
        for child in list(self._children.values()):
            self._await(child)
        self._write_state()

    def _bring_postgresql(self) -> None:
        if self.settings.database_url:
            return
        server = PostgreSQL(self.data, self._socket_folder())
        server.prepare()
        server.forget_last_run()
        command = tuple(map(str, server.command()))
        service = Service("postgresql", "PostgreSQL", command, server.ready, 20.0, server.stop_signal)
        self._await(self._add(service, server.account))
        server.create_database()
        self.settings = replace(self.settings, database_url=server.url)

    def _bring_valkey(self) -> None:
        if self.settings.redis_url:
            return
        server = Valkey(self.data, self._socket_folder())
        server.prepare()
        service = Service("valkey", "Valkey", tuple(map(str, server.command())), server.ready)
        self._await(self._add(service))
        self.settings = replace(self.settings, redis_url=server.url)

    def _settle_demo(self) -> None:
        """A demo plays on an empty database of our own; on a given one only when asked for by name.

        A database that played one keeps its clock, whatever is asked later.
        """
        clock = self.data / "demo-clock.json"
        ours = "postgresql" in self._children
        wanted = self.settings.demo and (ours or self._demo_asked)
        self._play = wanted and not liveness.has_bookings(self.settings.database_url)
        if self._play:
            clock.unlink(missing_ok=True)
        if (self._play or clock.exists()) and not self.settings.clock_file:
            self.settings = replace(self.settings, clock_file=str(clock))

    def _step(self, name: str, *command: str, shown: bool = False) -> None:
        """Run a command to its end. ``shown``: its words are for the operator, not for a log."""
        log = None if shown else self.data / "log" / f"{name}.log"
        child = self._child(Service(name, name, (sys.executable, "-m", *command)), log)
        child.start()
        while (status := child.fallen()) is None:
            try:
                self._pump(0.05)
            except Stopped:
                child.ask_to_stop()
                child.stop()
                raise
        if status and log is None:
            raise Trouble(N_("{name} failed, as it says above."), name=name)
        if status:
            raise Trouble(
                N_("{name} failed: {why} (see {log})."), name=name, why=logs.last_words(log), log=log
            )

    def _add(self, service: Service, account: Account | None = None) -> Child:
        child = self._child(service, self.data / "log" / f"{service.name}.log", account)
        self._children[service.name] = child
        child.start()
        return child

    def _child(self, service: Service, log: Path | None, account: Account | None = None) -> Child:
        assert self._lock is not None  # noqa: S101 - taken before any child is started
        return Child(service, self._env(), log, self._undertaker, self._lock, account or Account())

    def _await(self, child: Child) -> None:
        """Wait until a child is ready. Raises Trouble when it does not come up."""
        deadline = time.monotonic() + READY_S
        while child.service.ready and not (child.alive and child.service.ready()):
            if child.falls >= HOPELESS or time.monotonic() > deadline:
                raise Trouble(
                    N_("{name} does not start: {why} (see {log})."),
                    name=child.name, why=logs.last_words(child.log) or "?", log=child.log,
                )  # fmt: skip
            self._pump(0.03)

    def _env(self) -> dict[str, str]:
        given = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {**given, **environment(self.settings), "PYTHONUNBUFFERED": "1"}

    def _socket_folder(self) -> Path:
        if self._sockets is None:
            self._sockets = socket_folder(self.data)
        return self._sockets

    def _secret(self) -> None:
        """Sessions survive a restart: the key they are signed with is made once and kept (0600)."""
        if not self.settings.secret_key:
            key = kept_secret(self.data / "secret_key")
            self.settings = replace(self.settings, secret_key=key)

    def _clear_last_run(self) -> None:
        """We hold the lock, so nobody uses what a killed run left behind."""
        left = running.read(self.data).get("sockets", "")
        if left and Path(left).name.startswith("hazpark-") and not Path(left).is_relative_to(self.data):
            shutil.rmtree(left, ignore_errors=True)
        running.forget(self.data)

    # Keep running -----------------------------------------------------------------------------------

    def _pump(self, seconds: float) -> None:
        """One turn: wait for a signal or the time, then see who fell and who is due."""
        ready, _, _ = select.select([self._wake], [], [], seconds)
        if ready and not self._stopping:
            got = set(os.read(self._wake, 64))
            if got & {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}:
                raise Stopped
        self._mend()
        if time.monotonic() - self._looked_round > LOOK_ROUND_S:
            self._looked_round = time.monotonic()
            self._look_round()

    def _mend(self) -> None:
        self._undertaker.look_after()
        changed = [self._fell(child) for child in self._children.values()]
        changed += [self._rise(child) for child in self._children.values()]
        if any(changed) and self._children.get("web"):
            self._write_state()

    def _fell(self, child: Child) -> bool:
        status = child.fallen()
        if status is None:
            return False
        if child.once and status == 0:
            self._say("good", N_("{name}: finished."), name=child.name)
        elif child.once:
            self._say("bad", N_("{name} failed; see {log}."), name=child.name, log=child.log)
        else:
            delay = max(0.0, child.due - time.monotonic())
            self._say(
                "busy", N_("{name} ended ({status}); starting again in {delay} s."),
                name=child.name, status=_status(status), delay=f"{delay:.1f}",
            )  # fmt: skip
        return True

    def _rise(self, child: Child) -> bool:
        if child.alive or child.once or time.monotonic() < child.due:
            return False
        child.start()
        child.restarts += 1
        return True

    def _look_round(self) -> None:
        for child in self._children.values():
            logs.cut(child.log)
        worker = self._children.get("worker")
        lives = [child.lived_s() for child in self._children.values() if not child.once]
        if worker and liveness.hung(self.settings, lives):
            self._say("busy", N_("The worker lives but does no work; replacing it."))
            for name in ("worker", "beat"):
                self._children[name].ask_to_stop()
                self._children[name].stop()

    # Stop -------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        self._stopping = True
        if self._children:
            self._say("busy", N_("Stopping …"))
        for stage in STOP_STAGES:
            here = [self._children[name] for name in stage if name in self._children]
            for child in here:
                child.ask_to_stop()
            for child in here:
                child.stop()
        self._undertaker.dismiss()
        if self._lock is not None:
            running.forget(self.data)
            if self._sockets and not self._sockets.is_relative_to(self.data):
                shutil.rmtree(self._sockets, ignore_errors=True)
            self._lock.close()
        if self._children:
            self._say("good", N_("Stopped. The data stays in {data}."), data=self.data)

    def _begin_demo(self) -> None:
        if self._play:
            self._say("good", N_("The demo day is playing; start with --no-demo for an empty system."))
            command = (sys.executable, "-m", "workers", "demo")
            child = self._child(Service("demo", "demo", command), self.data / "log" / "demo.log")
            child.once = True
            self._children["demo"] = child
            child.start()
            self._write_state()

    def _write_state(self) -> None:
        """For other tools and for people. The secret key is in nobody's list."""
        env = {k: v for k, v in environment(self.settings).items() if v and k != "HAZPARK_SECRET_KEY"}
        running.write(
            self.data,
            {
                "supervisor": os.getpid(),
                "written": datetime.now(UTC).isoformat(timespec="seconds"),
                "sockets": str(self._sockets or ""),
                "environment": env,
                "children": {c.name: {"pid": c.pid, "restarts": c.restarts} for c in self._children.values()},
            },
        )


def kept_secret(path: Path) -> str:
    """The random key in ``path``, made on first use."""
    if not path.exists():
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(48))
        fresh.replace(path)
    return path.read_text().strip()


def _status(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else str(status)


@contextlib.contextmanager
def _signals() -> Iterator[int]:
    """A pipe that gets a byte for each signal that concerns us."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before: dict[signal.Signals, Any] = {}
    old = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in _HEARD:
        before[number] = signal.signal(number, lambda *_: None)
    try:
        yield reading
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(old)
        os.close(reading)
        os.close(writing)
