"""House fixtures: real servers for the suite, a fresh database for each test that asks for one.

One PostgreSQL and one Valkey per test process (so also per xdist worker), from the same programs the
product starts, in a temporary folder. ``TEST_DATABASE_URL`` and ``TEST_REDIS_URL`` name servers to use
instead; the account there must be allowed to create databases, and the Redis database is emptied.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from argon2 import PasswordHasher
from hypothesis import settings
from sqlalchemy import Engine, exists, or_, select, text
from sqlalchemy.orm import Session

from parking import db, schema
from parking.models import Base
from parking.services import staff
from workers.channels import live
from workers.servers import both
from workers.trouble import Trouble

# A busy machine is no fault of a property: the suite's own time limit catches what hangs.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@dataclass
class Servers:
    """Addresses of the suite's servers."""

    postgresql_url: str  # of a database one may connect to; others are made beside it
    redis_url: str
    prefix: str = field(default_factory=lambda: f"t{os.getpid()}")
    _number: Iterator[int] = field(default_factory=count)
    _template: str | None = None
    _lasting: Engine | None = None

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.postgresql_url)._replace(path=f"/{database}"))

    def new_database(self) -> str:
        """An empty database at this version's schema: a copy of one that was migrated once."""
        if self._template is None:
            self._template = self._migrated(f"{self.prefix}_template")
        name = f"{self.prefix}_{next(self._number)}"
        self._sql(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY wal_log")
        return name

    def lasting(self) -> Engine:
        """An engine on a database for tests that leave it as they found it: nothing is committed to it."""
        if self._lasting is None:
            self._lasting = db.make_engine(self.url_of(self.new_database()))
            with self._lasting.begin() as connection:  # nobody's id is 1 here, alone or after others
                connection.execute(text("SELECT setval(oid, 1000) FROM pg_class WHERE relkind = 'S'"))
        return self._lasting

    def give_up_lasting_unless_empty(self) -> None:
        """A test that committed takes the database along: the next one gets a fresh one."""
        if self._lasting is None:
            return
        asked = select(or_(*(exists().select_from(t) for t in Base.metadata.sorted_tables)))
        with self._lasting.connect() as connection:
            written = connection.scalar(asked)
        if written:
            self._end_lasting()

    def _end_lasting(self) -> None:
        if self._lasting is not None:
            self._lasting.dispose()
            self.drop(str(self._lasting.url.database))
            self._lasting = None

    def drop(self, database: str) -> None:
        self._sql(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    def close(self) -> None:
        self._end_lasting()
        if self._template:
            self.drop(self._template)

    def _migrated(self, name: str) -> str:
        self._sql(f"CREATE DATABASE {name}")
        engine = db.make_engine(self.url_of(name))
        schema.upgrade(engine)
        engine.dispose()
        return name

    def _sql(self, statement: str) -> None:
        with psycopg.connect(self.postgresql_url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The suite's servers. Without them: an error where CI=true, else a skip that says why."""
    with contextlib.ExitStack() as stack:
        try:
            made = _servers(stack)
        except Trouble as trouble:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(f"no servers: {trouble}")
        stack.callback(made.close)
        yield made


def _servers(stack: contextlib.ExitStack) -> Servers:
    given = os.environ.get("TEST_DATABASE_URL"), os.environ.get("TEST_REDIS_URL")
    if all(given):
        return Servers(*given)  # type: ignore[arg-type]
    folder = Path(tempfile.mkdtemp(prefix="hz-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    postgresql, valkey = stack.enter_context(both(folder, durable=False))
    return Servers(given[0] or postgresql.url, given[1] or valkey.url)


@pytest.fixture
def database_url(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a fresh database, also in DATABASE_URL; dropped after the test."""
    name = servers.new_database()
    monkeypatch.setenv("DATABASE_URL", servers.url_of(name))
    db.engine.cache_clear()
    yield servers.url_of(name)
    if db.engine.cache_info().currsize:
        db.engine().dispose()
        db.engine.cache_clear()
    servers.drop(name)


@pytest.fixture
def redis_url(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of an emptied Valkey, also in REDIS_URL."""
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushdb()
    monkeypatch.setenv("REDIS_URL", servers.redis_url)
    live.stream.cache_clear()
    yield servers.redis_url
    live.stream.cache_clear()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on the fresh database, for tests that open ``transaction(engine)`` themselves."""
    made = db.make_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session on an empty database; services never commit, so neither need a test.

    The database is the test's own where the test asks for one, else one that many tests leave empty.
    """
    servers: Servers = request.getfixturevalue("servers")
    own = {"engine", "database_url"} & set(request.fixturenames)
    with Session(
        request.getfixturevalue("engine") if own else servers.lasting(), expire_on_commit=False
    ) as made:
        yield made
        made.rollback()
    if not own:
        servers.give_up_lasting_unless_empty()


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Hundreds of accounts are made and signed in here; what a guess costs is asked of the product itself."""
    with pytest.MonkeyPatch.context() as patch:
        hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        patch.setattr(staff, "_hasher", hasher)
        patch.setattr(staff, "_NOBODY", hasher.hash("nobody's"))
        yield
