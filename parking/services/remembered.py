"""What a process remembers of rows it may meet again, one memory for each database.

Nothing remembered is believed by itself: every user confirms it in the statement that relies on it. What
a transaction remembered and then rolled back is therefore harmless: it will not be confirmed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from parking import arrays

#: Entries kept of one kind; beyond, the oldest tenth is forgotten.
MOST = 1_000_000

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Changed(Exception):
    """What was remembered is no longer so: read again, and hold on to it while you work."""


class Remembered(Generic[_Key, _Value]):
    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Engine, dict[_Key, _Value]] = WeakKeyDictionary()

    def of(self, session: Session) -> Mapping[_Key, _Value]:
        return self._entries(session)

    def keep(self, session: Session, values: Mapping[_Key, _Value]) -> None:
        entries = self._entries(session)
        entries.update(values)
        if len(entries) > MOST:
            self.forget(session, list(islice(entries, MOST // 10)))

    def forget(self, session: Session, keys: Iterable[_Key]) -> None:
        entries = self._entries(session)
        for key in keys:
            entries.pop(key, None)

    def _entries(self, session: Session) -> dict[_Key, _Value]:
        return self._of.setdefault(session.get_bind().engine, {})


@contextmanager
def cursor(session: Session) -> Iterator[psycopg.Cursor]:
    """A cursor of the driver inside the session's transaction, for statements over whole arrays.

    Its errors are raised as SQLAlchemy's own, a lost connection is given up.
    """
    connection = session.connection()
    driver: psycopg.Connection | None = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - SQLAlchemy has just opened it
    arrays.known_to(driver)
    try:
        with driver.cursor() as made:
            yield made
    except psycopg.Error as error:
        if driver.closed:
            connection.invalidate(error)
        raise DBAPIError.instance(
            None, None, error, psycopg.Error, connection_invalidated=bool(driver.closed)
        ) from error
