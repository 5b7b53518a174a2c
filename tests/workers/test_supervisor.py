"""``python -m workers up``: starts in order, heals, stops in order, and nothing outlives it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError

from parking import outbox, running
from parking.db import make_engine, transaction
from parking.events import BayHeld
from parking.models import Letter
from tests.streams import free_ports
from workers import logs
from workers.plan import accepts, answers
from workers.supervisor import kept_secret

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

OURS = {"worker", "beat", "relay", "gateway", "live", "web"}
SERVERS = {"postgresql", "valkey"}
PORTS = ("HAZPARK_WEB_PORT", "HAZPARK_LIVE_PORT", "HAZPARK_GATEWAY_PORT")


def _environment(data: Path, **changes: str) -> dict[str, str]:
    plain = {k: v for k, v in os.environ.items() if not k.startswith("HAZPARK_") and not k.endswith("_URL")}
    ports = dict(zip(PORTS, map(str, free_ports(3)), strict=True))
    return {
        **plain,
        **ports,
        "HAZPARK_DATA": str(data),
        "HAZPARK_DEMO": "0",
        "LANG": "en_US.UTF-8",
        **changes,
    }


class House:
    """One run of ``up`` in a folder of its own."""

    def __init__(self, data: Path, **changes: str) -> None:
        self.data = data
        self.env = _environment(data, **changes)
        self.out = data.parent / "out.txt"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> House:
        with self.out.open("wb") as out:
            command = [sys.executable, "-m", "workers", "up"]
            self.process = subprocess.Popen(command, env=self.env, stdout=out, stderr=subprocess.STDOUT)
        _until(lambda: "Ctrl-C" in self.said() or self.process.poll() is not None, self, 90.0)
        assert self.process.poll() is None, self.said()
        return self

    def said(self) -> str:
        return self.out.read_text()

    def pids(self) -> dict[str, int]:
        return {name: child["pid"] for name, child in running.read(self.data)["children"].items()}

    def ready(self, name: str) -> bool:
        if name == "gateway":
            return accepts("127.0.0.1", int(self.env["HAZPARK_GATEWAY_PORT"]))
        if name in ("web", "live"):
            return answers("127.0.0.1", int(self.env[f"HAZPARK_{name.upper()}_PORT"]))
        return self.serves() if name == "postgresql" else True

    def serves(self) -> bool:
        """The database takes connections; while it recovers from a kill it refuses them."""
        engine = _engine(self)
        try:
            engine.connect().close()
        except OperationalError:
            return False
        finally:
            engine.dispose()
        return True

    def left(self) -> list[str]:
        """Command lines of whatever still carries this run's data folder."""
        return [line for pid, line in _processes(str(self.data)) if pid != os.getpid()]

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


def _processes(mark: str) -> Iterator[tuple[int, str]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if line and (mark in line or mark.encode() in (folder / "environ").read_bytes()):
                yield int(folder.name), line


def _until(condition, house: House, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{house.said()}\n{_logs(house)}"
        time.sleep(0.05)


def _logs(house: House) -> str:
    return "\n".join(f"== {p.name}\n{logs.last_words(p, 15)}" for p in (house.data / "log").glob("*.log"))


@pytest.fixture(scope="module")
def one_house() -> Iterator[House]:
    made = Path(tempfile.mkdtemp(prefix="hz-"))
    house = House(made / "var")
    yield house
    house.end()
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def house(one_house) -> House:
    """A running house; the same one for the tests of this file, started again where one ended it."""
    return one_house if one_house.runs() else one_house.start()


def _engine(house: House) -> Engine:
    return make_engine(running.read(house.data)["environment"]["DATABASE_URL"])


def _letters(house: House) -> set[int]:
    engine = _engine(house)
    with transaction(engine) as session:
        found = set(session.scalars(select(Letter.id)))
    engine.dispose()
    return found


def _deliver_a_letter(house: House) -> None:
    engine = _engine(house)
    with transaction(engine) as session:
        outbox.post(session, BayHeld(1, 1))

    def done() -> bool:
        with transaction(engine) as session:
            return session.query(Letter).filter(Letter.done_at.is_(None)).count() == 0

    _until(done, house, 30.0)
    engine.dispose()


def test_whoever_is_killed_is_back_within_seconds_and_the_house_still_works(house):
    assert set(house.pids()) == OURS | SERVERS
    for name in sorted(OURS | SERVERS):
        before = house.pids()[name]
        os.kill(before, signal.SIGKILL)
        _until(lambda: house.pids()[name] not in (None, before) and house.ready(name), house, 40.0)  # noqa: B023
    _deliver_a_letter(house)


def test_ctrl_c_ends_every_child(house):
    assert house.end(signal.SIGINT) == 0
    assert house.left() == []
    assert "Stopped." in house.said()


def test_nothing_survives_a_killed_supervisor_and_the_next_start_keeps_the_data(house):
    _deliver_a_letter(house)
    before = _letters(house)
    assert house.left()
    house.end(signal.SIGKILL)
    _until(lambda: not house.left(), house, 20.0)
    house.start()
    assert _letters(house) >= before


def test_given_servers_are_used_and_none_of_our_own_is_started(folder, database_url, redis_url):
    house = House(folder / "var", DATABASE_URL=database_url, REDIS_URL=redis_url).start()
    try:
        assert set(house.pids()) == OURS
        assert not (house.data / "pg").exists()
        assert "First accounts" in house.said(), "the seed speaks the language of who started it"
        _deliver_a_letter(house)
    finally:
        assert house.end() == 0


def _refused(env: dict[str, str], *flags: str) -> str:
    command = [sys.executable, "-m", "workers", "up", *flags]
    said = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert said.returncode == 1, said.stdout + said.stderr
    assert "Traceback" not in said.stderr
    return said.stderr.strip()


@pytest.mark.parametrize("setting", PORTS)
def test_a_taken_port_is_named_with_its_setting_in_both_languages(setting, folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        env = _environment(folder, **{setting: port})
        assert _refused(env) == (
            f"hazpark does not start: Port {port} is taken by another program: "
            f"stop it, or set {setting} to a free port."
        )
        assert f"端口 {port} 已被其他程序占用" in _refused(env, "--lang", "zh")
    assert not (folder / "pg").exists(), "nothing was made before it was sure to start"


@pytest.mark.parametrize(
    ("setting", "url", "word"),
    [
        ("DATABASE_URL", "mysql://u:geheim@127.0.0.1/x", "must begin with postgresql://"),
        ("DATABASE_URL", "postgresql://u:geheim@127.0.0.1:{port}/x", "refused"),
        ("REDIS_URL", "http://u:geheim@127.0.0.1/0", "must begin with redis://"),
        ("REDIS_URL", "redis://:geheim@127.0.0.1:{port}/0", "refused"),
    ],
)
def test_a_wrong_address_is_named_and_its_password_kept_to_itself(setting, url, word, folder):
    env = _environment(folder, **{setting: url.format(port=free_ports(1)[0])})
    said = _refused(env)
    assert said.count("\n") == 0
    assert setting in said
    assert word in said.lower() or word in said
    assert "geheim" not in said


def test_a_database_that_is_not_there_is_named(folder, servers):
    said = _refused(_environment(folder, DATABASE_URL=servers.url_of("nowhere")))
    assert 'database "nowhere" does not exist' in said


def test_a_wrong_port_number_is_named(folder):
    assert "HAZPARK_WEB_PORT" in _refused(_environment(folder, HAZPARK_WEB_PORT="eighty"))


def test_a_data_folder_in_use_is_not_touched(folder):
    running.write(folder, {"supervisor": os.getpid()})
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = _refused(_environment(folder))
    assert f"already runs on {folder} (process {os.getpid()})" in said


def test_units_are_printed_for_every_process(folder):
    command = [sys.executable, "-m", "workers", "units"]
    said = subprocess.run(command, env=_environment(folder), capture_output=True, text=True, check=True)
    assert {f"hazpark-{name}.service" for name in OURS} <= set(said.stdout.replace("# ", "").splitlines())


def test_the_secret_key_is_made_once_and_for_us_alone(tmp_path):
    path = tmp_path / "secret_key"
    assert kept_secret(path) == kept_secret(path)
    assert path.stat().st_mode & 0o077 == 0


def test_a_large_log_is_put_aside_and_its_writer_goes_on(tmp_path):
    path = tmp_path / "web.log"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"old\n")
        assert logs.cut(path, largest=4)
        writer.write(b"new\n")
    assert path.read_text() == "new\n"
    assert path.with_name("web.log.1").read_text() == "old\n"
