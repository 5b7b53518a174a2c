"""A passage that all fixes together do not show stays on record, as refuted.

Revision ID: rules1_1
Revises: doors_1
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "rules1_1"
down_revision = "doors_1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("passage", sa.Column("refuted_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("passage", "refuted_at")
