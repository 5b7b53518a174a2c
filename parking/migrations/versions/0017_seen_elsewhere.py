"""when a terminal last said to be elsewhere, so that the sweep for doubles looks at few

Revision: 0017, after 0016.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("terminal_profile", sa.Column("elsewhere_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_terminal_profile_elsewhere_at",
        "terminal_profile",
        ["elsewhere_at"],
        postgresql_where=sa.text("elsewhere_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_terminal_profile_elsewhere_at", "terminal_profile")
    op.drop_column("terminal_profile", "elsewhere_at")
