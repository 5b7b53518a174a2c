"""The table of processes: one for the supervisor and for systemd alike."""

from __future__ import annotations

import http.client
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from parking.settings import ENV, Settings


@dataclass(frozen=True, slots=True)
class Service:
    """A process we keep running. ``patience_s``: how long it may take to stop by itself."""

    name: str
    about: str
    command: tuple[str, ...]
    ready: Callable[[], bool] | None = None
    patience_s: float = 5.0
    stop_signal: int = signal.SIGTERM


#: Who stops when: the doors to the outside first, then what stands behind them, the servers last.
STOP_STAGES = (
    ("demo", "web", "live", "gateway"),
    ("beat", "relay", "worker"),
    ("valkey",),
    ("postgresql",),
)


def services(settings: Settings, run: Path) -> tuple[Service, ...]:
    """Our own processes in the order of their start; the two servers stand before them."""
    python = (sys.executable, "-m")
    celery = (*python, "celery", "-A", "workers.celery_app")
    level = ("-l", settings.log_level)
    return (
        Service(
            "worker", "hazpark Celery worker",
            (*celery, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle", *level),
            patience_s=10.0,
        ),
        Service("beat", "hazpark beat", (*celery, "beat", "-s", str(run / "beat"), "--pidfile=", *level)),
        Service("relay", "hazpark outbox relay", (*python, "workers", "relay")),
        Service(
            "gateway", "hazpark JT/T 808 gateway", (*python, "workers", "gateway"),
            lambda: accepts(settings.host, settings.gateway_port),
        ),
        Service(
            "live", "hazpark event stream",
            _gunicorn(settings.host, settings.live_port, "web.live:create_app()", "-k", "gevent"),
            lambda: answers(settings.host, settings.live_port),
        ),
        Service(
            "web", "hazpark pages",
            _gunicorn(
                settings.host, settings.web_port, "web:create_app()", "-k", "gthread", "--threads", "100"
            ),
            lambda: answers(settings.host, settings.web_port),
        ),
    )  # fmt: skip


def environment(settings: Settings) -> dict[str, str]:
    """Every setting as the variable that carries it."""
    values = {ENV[name]: getattr(settings, name) for name in ENV}
    return {name: _text(value) for name, value in values.items()}


def reachable(host: str) -> str:
    """The address by which we reach a server bound to ``host``."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def accepts(host: str, port: int) -> bool:
    try:
        with socket.create_connection((reachable(host), port), timeout=1):
            return True
    except OSError:
        return False


def answers(host: str, port: int) -> bool:
    """True when the page server answers; what it answers is its own affair."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _gunicorn(host: str, port: int, target: str, *kind: str) -> tuple[str, ...]:
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return (
        sys.executable, "-m", "gunicorn", "-w", "1", *kind, "--graceful-timeout", "3",
        "--no-control-socket", "-b", bind, target,
    )  # fmt: skip


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)
