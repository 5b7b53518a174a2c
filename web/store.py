"""The database as the pages see it: this application's engine, opened visibly by each view."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from flask import Flask, current_app
from sqlalchemy.orm import Session
from werkzeug.routing import IntegerConverter, Map

from parking import db
from parking.settings import Settings


class RowNumber(IntegerConverter):
    """``<int:…>`` of an address: the number of a row. One that no row can have is simply not found."""

    def __init__(self, url_map: Map, **given: Any) -> None:
        super().__init__(url_map, **{"max": 2**63 - 1, **given})


def init_app(app: Flask, settings: Settings) -> None:
    """Keep the engine of ``settings.database_url``; nothing connects before the first query."""
    app.url_map.converters["int"] = RowNumber
    app.extensions["hazpark.engine"] = db.make_engine(settings.database_url or "postgresql://")


def transaction() -> AbstractContextManager[Session]:
    """One unit of work of this request: commits at the end, rolls back on any exception."""
    return db.transaction(current_app.extensions["hazpark.engine"])


def reading() -> AbstractContextManager[Session]:
    """A session for queries; whatever it did is rolled back."""
    return db.reading(current_app.extensions["hazpark.engine"])


def settings() -> Settings:
    """The settings this application was made with."""
    found: Settings = current_app.config["HAZPARK"]
    return found


def is_own_file(path: str) -> bool:
    """Requests for files: they need no person, no language and no database."""
    return path.startswith(("/static/", "/assets/"))
