"""The pages and the event stream as real gunicorn processes, and listeners to the stream."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parking.settings import Settings
from tests.visitors import Site
from workers.plan import answers, environment
from workers.processes import end, spawn


def free_ports(count: int = 2) -> list[int]:
    """Free ports, found together: servers name each other's."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in found]


@contextlib.contextmanager
def served(settings: Settings, which: str, log: Path) -> Iterator[int]:
    """``which`` ("live" or "web") as the supervisor would start it; yields its process number."""
    from workers.plan import services

    service = next(s for s in services(settings, log.parent) if s.name == which)
    env = {**os.environ, **environment(settings)}
    process = spawn((sys.executable, *service.command[1:]), env=env, log=log)
    port = settings.live_port if which == "live" else settings.web_port
    try:
        deadline = time.monotonic() + 30
        while not answers("127.0.0.1", port):
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield process.pid
    finally:
        end(process)


def cookie_of(site: Site, username: str) -> str:
    """What the browser of a signed-in person sends."""
    kept = site.signed_in(username).client.get_cookie("hazpark")
    return f"hazpark={kept.value}"


@dataclass
class Listener:
    """A browser's EventSource, as far as a test needs one."""

    port: int
    cookie: str = ""
    last_id: str = ""
    origin: str = ""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    beats: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    ended: bool = False
    _connection: http.client.HTTPConnection | None = None

    def open(self) -> Listener:
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        wanted = {"Cookie": self.cookie, "Last-Event-ID": self.last_id, "Origin": self.origin}
        self._connection.request("GET", "/live", headers={k: v for k, v in wanted.items() if v})
        answer = self._connection.getresponse()
        self.status, self.headers = answer.status, dict(answer.headers)
        if self.status == 200:
            threading.Thread(target=self._hear, args=(answer,), daemon=True).start()
            self.wait(lambda: self.beats)
        return self

    def close(self) -> None:
        if self._connection and self._connection.sock:
            with contextlib.suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def wait(self, true: Any, seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, (self.events, self.beats)
            time.sleep(0.02)

    def types(self) -> list[str]:
        return [e["type"] for e in self.events]

    def _hear(self, answer: http.client.HTTPResponse) -> None:
        kind, number = "message", ""
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError, AttributeError):
            while line := answer.readline().decode():
                name, _, value = line.rstrip("\n").partition(": ")
                if name == "event":
                    kind = value
                elif name == "id":
                    number = value
                elif name == "data" and kind == "beat":
                    self.beats.append(json.loads(value))
                elif name == "data" and kind == "message":
                    self.events.append(json.loads(value))
                    self.ids.append(number)
                elif not name:
                    kind, number = "message", ""
        self.ended = True
