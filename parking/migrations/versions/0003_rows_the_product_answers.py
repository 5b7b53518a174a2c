"""rows of the entry checklist the product answers by itself

Revision: 0003, after 0002. Only rows whose text a park has left as it was are answered by the product.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("check_row", sa.Column("self_check", sa.String(length=40), nullable=True))
    row = sa.table("check_row", *(sa.column(c) for c in ("code", "text_zh", "self_check")))
    for code, text, found in (
        ("D6", "无黑名单、无未结案件", "blacklist_check"),
        ("V8", "卫星定位在线", "terminal_check"),
    ):
        op.execute(row.update().where(row.c.code == code, row.c.text_zh == text).values(self_check=found))


def downgrade() -> None:
    op.drop_column("check_row", "self_check")
