"""Alembic's entry: the models' metadata against DATABASE_URL (or a connection handed in)."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from parking.db import make_engine
from parking.models import Base
from parking.settings import Settings


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


handed = context.config.attributes.get("connection")
if handed is not None:
    migrate(handed)
else:
    with make_engine(Settings.from_env().database_url).connect() as own:
        migrate(own)
