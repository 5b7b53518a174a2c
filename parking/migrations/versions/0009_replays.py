"""Replays of a past period, spread over workers.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "replay_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=True),
        sa.Column("drawing_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(120), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["layer_version.id"], name="fk_replay_run_version_id_layer_version"
        ),
        sa.ForeignKeyConstraint(
            ["drawing_id"], ["layer_drawing.id"], name="fk_replay_run_drawing_id_layer_drawing"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_replay_run"),
    )
    op.create_table(
        "replay_part",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("vehicles", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("fixes", sa.Integer(), nullable=False),
        sa.Column("result", postgresql.JSONB(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["replay_run.id"], name="fk_replay_part_run_id_replay_run"),
        sa.PrimaryKeyConstraint("id", name="pk_replay_part"),
    )
    op.create_index("ix_replay_part_run_id", "replay_part", ["run_id"])
    op.create_index(
        "ix_replay_part_waiting", "replay_part", ["run_id"], postgresql_where=sa.text("done_at IS NULL")
    )


def downgrade() -> None:
    op.drop_table("replay_part")
    op.drop_table("replay_run")
