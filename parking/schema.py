"""Bring a database to the schema of this version, one migration at a time."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

MIGRATIONS = Path(__file__).parent / "migrations"


def config() -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return made


def upgrade(engine: Engine) -> None:
    """Apply every missing migration; two callers at once wait for each other."""
    made = config()
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(80800)"))
        connection.commit()
        try:
            made.attributes["connection"] = connection
            command.upgrade(made, "head")
            connection.commit()
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(80800)"))
            connection.commit()


def at_head(engine: Engine) -> bool:
    """True when the database has the schema this version expects."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head
