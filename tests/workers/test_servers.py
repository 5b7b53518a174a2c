"""Our own PostgreSQL and Valkey: reachable by us alone, and they keep what they promised."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from workers import accounts, binaries
from workers.processes import end
from workers.servers import LONGEST_SOCKET_PATH, PostgreSQL, Valkey, both, socket_folder, wait_until
from workers.trouble import Trouble


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[PostgreSQL, Valkey]]:
    """Both servers as the product starts them, for the tests that only look."""
    made = Path(tempfile.mkdtemp(prefix="hz-"))
    with both(made) as running:
        yield running
    shutil.rmtree(made, ignore_errors=True)


def test_a_second_start_finds_what_the_first_one_kept(folder):
    with both(folder) as (postgresql, valkey):
        with psycopg.connect(postgresql.url) as connection:
            connection.execute("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('危险货物')")
        redis.Redis.from_url(valkey.url).set("kept", "泊位")
    with both(folder) as (postgresql, valkey):
        with psycopg.connect(postgresql.url) as connection:
            assert connection.execute("SELECT word FROM kept").fetchone() == ("危险货物",)
        assert redis.Redis.from_url(valkey.url).get("kept").decode() == "泊位"


def test_commits_are_durable_and_text_is_utf8(pair):
    with psycopg.connect(pair[0].url) as connection:
        asked = [
            connection.execute(f"SHOW {s}").fetchone()[0]
            for s in ("synchronous_commit", "fsync", "server_encoding")
        ]
    assert asked == ["on", "on", "UTF8"]


def test_valkey_keeps_a_log_and_never_evicts(pair):
    with redis.Redis.from_url(pair[1].url) as client:
        asked = {
            **client.config_get("append*"),
            **client.config_get("maxmemory-policy"),
            **client.config_get("port"),
        }
    assert asked["appendonly"] == "yes"
    assert asked["appendfsync"] == "everysec"
    assert asked["maxmemory-policy"] == "noeviction"
    assert asked["port"] == "0"


def test_nobody_else_can_reach_the_sockets(pair):
    postgresql, valkey = pair
    assert stat.S_IMODE(postgresql.sockets.stat().st_mode) == 0o700
    for socket in (postgresql.sockets / ".s.PGSQL.5432", valkey.socket):
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        assert socket.stat().st_uid == os.geteuid()


def test_a_deep_data_folder_still_gets_sockets_short_enough(folder):
    deep = folder / ("deep" * 20) / ("er" * 20)
    with both(deep) as (postgresql, valkey):
        assert len(str(valkey.socket)) <= LONGEST_SOCKET_PATH
        assert not postgresql.sockets.is_relative_to(deep)
    assert not postgresql.sockets.exists(), "the temporary folder goes with the servers"


def test_a_killed_postgresql_comes_back_with_every_commit(folder):
    sockets = socket_folder(folder)
    server = PostgreSQL(folder, sockets, log=folder / "pg.log")
    server.prepare()
    first = server.start()
    assert wait_until(server.ready, first)
    server.create_database()
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    first.kill()
    first.wait()
    second = _until_it_stays(server)
    try:
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (1,)
    finally:
        end(second, server.stop_signal)


def _until_it_stays(server: PostgreSQL) -> subprocess.Popen[bytes]:
    """The dead server's sessions may still hold its memory; the supervisor tries again, too."""
    for _ in range(20):
        process = server.start()
        if wait_until(server.ready, process):
            return process
        time.sleep(0.1)
    raise AssertionError(server.log.read_text())


def test_an_interrupted_first_start_leaves_nothing_half_made(folder):
    (folder / "pg.new").mkdir(parents=True)
    (folder / "pg.new" / "PG_VERSION").write_text("18")
    with both(folder) as (postgresql, _):
        assert postgresql.cluster.is_dir()
    assert not (folder / "pg.new").exists()


def test_data_of_another_major_version_is_refused_in_one_sentence(folder):
    (folder / "pg").mkdir(parents=True)
    (folder / "pg" / "PG_VERSION").write_text("14\n")
    with pytest.raises(Trouble, match="made by PostgreSQL 14"), both(folder):
        pass


@pytest.mark.parametrize("name", ["HAZPARK_PG_BIN", "HAZPARK_VALKEY_BIN"])
def test_a_wrong_program_setting_names_itself(name, monkeypatch, folder):
    monkeypatch.setenv(name, str(folder))
    find = binaries.postgresql if name == "HAZPARK_PG_BIN" else binaries.valkey
    find.cache_clear()
    with pytest.raises(Trouble, match=name):
        find()
    find.cache_clear()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give up its name")
def test_where_namespaces_are_forbidden_root_lets_nobody_run_postgresql(folder, monkeypatch):
    monkeypatch.setattr(accounts, "_UNSHARE", ("false",))
    accounts.unprivileged.cache_clear()
    try:
        with both(folder) as (postgresql, _), psycopg.connect(postgresql.url) as connection:
            assert postgresql.cluster.stat().st_uid == pwd.getpwnam("nobody").pw_uid
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        accounts.unprivileged.cache_clear()
