"""A passage that all fixes together do not show stays on record, as refuted.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("passage", sa.Column("refuted_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("passage", "refuted_at")
