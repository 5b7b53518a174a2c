"""blocks of positions found by terminal, so that what is sent again after packing is known

Revision: 0015, after 0014.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_fix_block_terminals", "fix_block", ["terminals"], postgresql_using="gin")


def downgrade() -> None:
    op.drop_index("ix_fix_block_terminals", table_name="fix_block")
