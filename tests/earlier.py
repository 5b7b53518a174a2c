"""A database as an earlier version left it, to be brought to this one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from sqlalchemy import Engine

from parking import db, schema


@contextmanager
def database_at(servers: Any, revision: str) -> Iterator[Engine]:
    name = f"{servers.prefix}_at_{revision}"
    servers._sql(f"CREATE DATABASE {name}")
    engine = db.make_engine(servers.url_of(name))
    try:
        move(engine, command.upgrade, revision)
        yield engine
    finally:
        engine.dispose()
        servers.drop(name)


def move(engine: Engine, how: Any, revision: str) -> None:
    """``how``: alembic's ``command.upgrade`` or ``command.downgrade``."""
    with engine.connect() as connection:
        made = schema.config()
        made.attributes["connection"] = connection
        how(made, revision)
        connection.commit()
