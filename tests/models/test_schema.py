"""The migrated database and the models say the same, exclusion constraints included."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from parking import schema
from parking.models import Base


def test_models_and_migrations_agree(engine):
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_every_exclusion_constraint_of_the_models_is_alive(engine):
    wanted = {
        c.name
        for t in Base.metadata.tables.values()
        for c in t.constraints
        if isinstance(c, ExcludeConstraint)
    }
    with engine.connect() as connection:
        found = dict(
            connection.execute(
                text("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'x'")
            ).all()
        )
    assert set(found) == wanted == {"ex_hold_bay_id_during", "ex_layer_version_in_force"}
    assert "int8range(bay_id, bay_id, '[]'" in found["ex_hold_bay_id_during"]
    assert "during WITH &&" in found["ex_hold_bay_id_during"]
    assert "released" in found["ex_hold_bay_id_during"]


def test_upgrading_twice_changes_nothing(engine):
    schema.upgrade(engine)
    assert schema.at_head(engine)
