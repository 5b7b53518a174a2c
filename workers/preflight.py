"""Before anything is started: can it be? Every "no" is one sentence that names the setting to change."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import sys
import time
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

from parking import running
from parking.settings import ENV, Settings
from parking.speech import N_
from workers.binaries import OLDEST_POSTGRESQL
from workers.trouble import Trouble

OLDEST_PYTHON = (3, 11)
PORTS = ("web_port", "live_port", "gateway_port")

#: Children of a run that was killed need a moment to go, seconds.
LOCK_WAIT_S = 10.0


def python() -> None:
    if sys.version_info < OLDEST_PYTHON:
        raise Trouble(
            N_("Python {oldest} or newer is needed; this is {here}."),
            oldest=".".join(map(str, OLDEST_PYTHON)), here=sys.version.split()[0],
        )  # fmt: skip


def lock(data: Path) -> IO[str]:
    """Take the data folder for this run. Keep the file open: the lock lasts as long as it, and as
    long as any child that inherited it. Raises Trouble when the folder cannot be used."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (data / "lock").open("a+")
    except OSError as error:
        raise Trouble(
            N_("HAZPARK_DATA={path}: cannot write there ({why})."), path=data, why=error.strerror
        ) from None
    if data.stat().st_uid != os.geteuid():
        raise Trouble(N_("HAZPARK_DATA={path} belongs to another account."), path=data)
    deadline = time.monotonic() + (0.0 if _running(data) else LOCK_WAIT_S)
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Trouble(
                    N_("hazpark already runs on {path} (process {pid}): stop it first, or set HAZPARK_DATA."),
                    path=data, pid=running.read(data).get("supervisor", "?"),
                ) from None  # fmt: skip
            time.sleep(0.1)


def ports(settings: Settings) -> None:
    """Every port we are about to use is free. Raises Trouble naming the port and its setting."""
    seen: dict[int, str] = {}
    for name in PORTS:
        port = getattr(settings, name)
        if port in seen:
            raise Trouble(
                N_("{setting} and {other} are both {port}."), setting=ENV[name], other=seen[port], port=port
            )
        seen[port] = ENV[name]
        _free(settings.host, port, ENV[name])


def given_servers(settings: Settings) -> None:
    """Servers named by the operator answer. Asked before anything is started."""
    if settings.database_url:
        database(settings.database_url)
    if settings.redis_url:
        broker(settings.redis_url)


def database(url: str) -> None:
    """A given DATABASE_URL leads to a PostgreSQL we can use. Raises Trouble that hides the password."""
    if urlsplit(url).scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise Trouble(
            N_("DATABASE_URL must begin with postgresql://; {address} does not."), address=masked(url)
        )
    plain = "postgresql://" + url.partition("://")[2]
    try:
        with psycopg.connect(plain, connect_timeout=5) as connection:
            version = connection.info.server_version // 10000
    except psycopg.Error as error:
        raise Trouble(
            N_("DATABASE_URL: {address} cannot be used: {why}"), address=masked(url), why=_why(error)
        ) from None
    if version < OLDEST_POSTGRESQL:
        raise Trouble(
            N_("DATABASE_URL: PostgreSQL {oldest} or newer is needed; that one is {here}."),
            oldest=OLDEST_POSTGRESQL, here=version,
        )  # fmt: skip


def broker(url: str) -> None:
    """A given REDIS_URL leads to a Valkey or Redis we can use. Raises Trouble that hides the password."""
    if urlsplit(url).scheme not in ("redis", "rediss", "unix"):
        raise Trouble(
            N_("REDIS_URL must begin with redis://, rediss:// or unix://; {address} does not."),
            address=masked(url),
        )
    try:
        with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        raise Trouble(
            N_("REDIS_URL: {address} cannot be used: {why}"), address=masked(url), why=_why(error)
        ) from None


def masked(url: str) -> str:
    """The address without its password."""
    if "://" not in url:
        return re.sub(r"//.*@", "//…@", url)
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")
    who = place[0].partition(":")[0]
    query = re.sub(r"(password=)[^&]*", r"\1…", parts.query)
    return urlunsplit(parts._replace(netloc=f"{who}@{place[2]}" if place[0] else place[2], query=query))


def _running(data: Path) -> bool:
    return running.alive(running.read(data).get("supervisor"))


def _why(error: Exception) -> str:
    """The driver's own reason, without the address it repeats."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    reasons = (re.match(r".*(?:FATAL|failed):\s+(\S.*)", line) for line in lines)
    return next((found[1] for found in reasons if found), lines[0])


def _free(host: str, port: int, setting: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise Trouble(
                N_("Port {port} ({setting}) needs more rights than this account has; choose one above 1023."),
                port=port, setting=setting,
            ) from None  # fmt: skip
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Trouble(
                    N_("Port {port} is taken by another program: stop it, or set {setting} to a free port."),
                    port=port, setting=setting,
                ) from None  # fmt: skip
            raise Trouble(
                N_("HAZPARK_HOST={host}: cannot listen there ({why})."), host=host, why=error.strerror
            ) from None
