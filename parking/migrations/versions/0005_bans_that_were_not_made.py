"""proposals for the blacklist a person has decided against

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ban_spared",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("plate", sa.String(length=120), nullable=False),
        sa.Column("last_violation_id", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=1000), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["last_violation_id"], ["violation.id"], name=op.f("fk_ban_spared_last_violation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ban_spared")),
    )
    op.create_index("ix_ban_spared_plate", "ban_spared", ["plate"])


def downgrade() -> None:
    op.drop_table("ban_spared")
