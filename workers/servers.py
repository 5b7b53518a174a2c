"""Our own PostgreSQL and Valkey, from their programs alone.

**Who can reach them.** Neither listens on TCP: a port on 127.0.0.1 is open to every account of the
machine, and a password for it would have to lie in some environment. Both listen on a Unix socket
with mode 0700 in a folder with mode 0700, so the kernel lets in our own account and nobody else;
inside, PostgreSQL trusts, Valkey asks nothing. A socket path has at most 107 bytes: when the data
folder lies too deep, the sockets go to a fresh folder under the temporary one.

**What is kept.** PostgreSQL says "committed" only after the disk said so (synchronous_commit=on):
terminals are acknowledged on that word. Valkey writes its log every second and never evicts; the
outbox in PostgreSQL carries the guarantee for what it may lose.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
import psycopg.sql
import redis

from parking.speech import N_
from workers import binaries
from workers.accounts import Account, unprivileged
from workers.processes import end, spawn
from workers.trouble import Trouble

#: Longest socket path that both Linux (107) and macOS (103) take.
LONGEST_SOCKET_PATH = 103

_LONGEST_NAME = "/.s.PGSQL.5432.lock"


def socket_folder(data: Path) -> Path:
    """A folder (0700) short enough for sockets: ``run`` in the data folder, else a fresh temporary one."""
    own = data / "run"
    if len(os.fsencode(own.absolute())) + len(_LONGEST_NAME) <= LONGEST_SOCKET_PATH:
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        own.chmod(0o700)
        return own.absolute()
    return Path(tempfile.mkdtemp(prefix="hazpark-", dir=_short_temporary()))


def _short_temporary() -> str:
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) < 60 else "/tmp"  # noqa: S108 - mkdtemp makes a private folder


@dataclass(frozen=True)
class PostgreSQL:
    """A cluster in ``data``/pg, reached through a socket in ``sockets``.

    ``durable=False`` is for test suites only: it trades the promise of a commit for speed.
    """

    data: Path
    sockets: Path
    durable: bool = True
    log: Path | None = None
    database: str = "hazpark"
    account: Account = field(default_factory=unprivileged)

    @property
    def cluster(self) -> Path:
        return self.data.absolute() / "pg"

    @property
    def url(self) -> str:
        return self.url_of(self.database)

    def url_of(self, database: str) -> str:
        return f"postgresql://hazpark@/{database}?host={quote(str(self.sockets))}&port=5432"

    def prepare(self) -> None:
        """Make the cluster if there is none. Raises Trouble when the one there cannot be used.

        Built aside and renamed when whole, so an interrupted first start leaves nothing half made.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        if self.account.uid is not None:
            self.data.chmod(0o711)  # another account must be able to pass through to its own folders
        self.account.own(self.sockets)
        if self.cluster.exists():
            self._check_version()
            return
        fresh = self.cluster.with_name("pg.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self.account.own(fresh)
        self._initdb(fresh)
        fresh.rename(self.cluster)

    def forget_last_run(self) -> None:
        """Remove lock files of a run that was killed. Only for the holder of the data folder's lock:
        after a reboot the process number in them may belong to anyone."""
        for stale in (self.cluster / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)

    def command(self) -> list[str | Path]:
        settings = {
            "listen_addresses": "",
            "port": "5432",  # part of the socket's name, nothing more
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "synchronous_commit": "on" if self.durable else "off",
            "fsync": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
            "max_connections": "200",
            "shared_buffers": f"{_buffers_mb()}MB",
            "max_wal_size": "2GB",
            "max_parallel_workers_per_gather": "0",  # no sweep takes a core from those who wait for an answer
            "jit": "off",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "lc_messages": "C",
            "log_line_prefix": "%m [%p] %d ",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [binaries.postgresql() / "postgres", "-D", self.cluster, *options]

    def ready(self) -> bool:
        try:
            with psycopg.connect(self.url_of("postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def create_database(self) -> bool:
        """Create our database; False when it is already there."""
        with psycopg.connect(self.url_of("postgres"), autocommit=True, connect_timeout=5) as connection:
            asked = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.database])
            if asked.fetchone():
                return False
            make = psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(self.database))
            connection.execute(make)
            return True

    def start(self, keep: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        return spawn(
            self.command(), log=self.log, account=self.account, death_signal=self.stop_signal, keep=keep
        )

    #: "Fast": sessions are ended, what is committed is written, and it goes.
    stop_signal = signal.SIGINT

    def _initdb(self, folder: Path) -> None:
        command = [
            *self.account.prefix, str(binaries.postgresql() / "initdb"), "-D", str(folder), "-U", "hazpark",
            "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-instructions",
            *([] if self.durable else ["--no-sync"]),
        ]  # fmt: skip
        made = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, user=self.account.uid, group=self.account.gid,
            extra_groups=None if self.account.uid is None else [],
        )  # fmt: skip
        if made.returncode:
            last = (made.stderr.strip() or made.stdout.strip()).splitlines()[-1:]
            raise Trouble(
                N_("PostgreSQL cannot make its data folder in {path}: {why}"),
                path=self.data, why=" ".join(last),
            )  # fmt: skip

    def _check_version(self) -> None:
        made_by = (self.cluster / "PG_VERSION").read_text().strip()
        here = binaries.major(binaries.postgresql())
        if str(here) != made_by:
            raise Trouble(
                N_("{path} was made by PostgreSQL {made_by}; found was version {here}. Set HAZPARK_PG_BIN."),
                path=self.cluster, made_by=made_by, here=here,
            )  # fmt: skip


@dataclass(frozen=True)
class Valkey:
    """A Valkey with its append-only log in ``data``/valkey, reached through a socket in ``sockets``."""

    data: Path
    sockets: Path
    durable: bool = True
    log: Path | None = None
    memory: str = "512mb"

    stop_signal = signal.SIGTERM

    @property
    def socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def prepare(self) -> None:
        (self.data / "valkey").mkdir(mode=0o700, parents=True, exist_ok=True)

    def command(self) -> list[str | Path]:
        return [
            binaries.valkey(), "--port", "0", "--unixsocket", self.socket, "--unixsocketperm", "700",
            "--dir", self.data.absolute() / "valkey", "--daemonize", "no", "--save", "",
            "--appendonly", "yes" if self.durable else "no", "--appendfsync", "everysec",
            "--maxmemory", self.memory, "--maxmemory-policy", "noeviction",
        ]  # fmt: skip

    def ready(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def start(self, keep: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        return spawn(self.command(), log=self.log, keep=keep)


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], seconds: float = 30.0) -> bool:
    """Wait for readiness; False when the process died or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if ready():
            return True
        time.sleep(0.02)
    return False


def _buffers_mb() -> int:
    """A sixteenth of the machine's memory, 128 MB to 1 GB: what is remembered of a fleet stays in it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(1024, max(128, memory // 16 // 2**20))


@contextlib.contextmanager
def both(data: Path, durable: bool = True) -> Iterator[tuple[PostgreSQL, Valkey]]:
    """Both servers for the time of a ``with`` block (test suites, tools). Raises Trouble."""
    sockets = socket_folder(data)
    postgresql = PostgreSQL(data, sockets, durable, log=data / "log" / "postgresql.log")
    valkey = Valkey(data, sockets, durable, log=data / "log" / "valkey.log")
    with contextlib.ExitStack() as stack:
        if not sockets.is_relative_to(data.absolute()):
            stack.callback(shutil.rmtree, sockets, ignore_errors=True)
        for server in (postgresql, valkey):
            server.prepare()
            process = server.start()
            stack.callback(end, process, server.stop_signal, 10.0)
            if not wait_until(server.ready, process):
                name = type(server).__name__
                raise Trouble(N_("{name} did not start; see {log}."), name=name, log=server.log)
        postgresql.create_database()
        yield postgresql, valkey
