"""The database: one engine per process, ``transaction()`` the only commit in the house."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from parking.settings import Settings


def dialect_url(url: str) -> str:
    """The SQLAlchemy URL of a plain postgresql:// address."""
    for plain in ("postgres://", "postgresql://"):
        if url.startswith(plain):
            return "postgresql+psycopg://" + url.removeprefix(plain)
    return url


def make_engine(url: str, **options: Any) -> Engine:
    return create_engine(
        dialect_url(url),
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=20,
        connect_args={"connect_timeout": 5, "options": "-c timezone=UTC -c lock_timeout=15000"},
        **options,
    )


@lru_cache(maxsize=1)
def engine() -> Engine:
    """This process's engine, from DATABASE_URL."""
    return make_engine(Settings.from_env().database_url)


@contextmanager
def transaction(bind: Engine | None = None) -> Iterator[Session]:
    """One unit of work: commits at the end, rolls back on any exception.

    Opened visibly where the world knocks: once per request, task or batch of fixes.
    """
    with Session(bind or engine(), expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def reading(bind: Engine | None = None) -> Iterator[Session]:
    """A session for queries; whatever it did is rolled back."""
    with Session(bind or engine(), expire_on_commit=False) as session:
        yield session
        session.rollback()
