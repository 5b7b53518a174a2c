"""outlines of packed blocks, and an index of their times; blocks there already are outlined by the sweep"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("fix_block", sa.Column("outline", sa.LargeBinary(), nullable=True))
    op.execute("ALTER TABLE fix_block ALTER COLUMN outline SET STORAGE EXTERNAL")
    op.create_index(
        "ix_fix_block_span",
        "fix_block",
        [sa.text("tstzrange(since, until, '[]')")],
        postgresql_using="gist",
    )
    op.create_index("ix_fix_block_plain", "fix_block", ["id"], postgresql_where=sa.text("outline IS NULL"))


def downgrade() -> None:
    op.drop_index("ix_fix_block_plain", "fix_block")
    op.drop_index("ix_fix_block_span", "fix_block")
    op.drop_column("fix_block", "outline")
