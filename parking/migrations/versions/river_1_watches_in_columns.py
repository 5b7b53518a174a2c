"""the last fix of a vehicle in columns, a token for every change; additional items as they came

Revision: river_1, after 0002. What was written as one JSON is taken apart; nothing is lost.
"""

import sqlalchemy as sa
from alembic import op

revision = "river_1"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("fix", sa.Column("items", sa.LargeBinary(), nullable=True))
    op.add_column("watch", sa.Column("token", sa.BigInteger(), server_default="0", nullable=False))
    for name, kind in (("alarm", sa.BigInteger()), ("status", sa.BigInteger()), ("x", sa.Float()), ("y", sa.Float())):
        op.add_column("watch", sa.Column(name, kind, nullable=True))
    op.execute(
        "UPDATE watch SET alarm = (state->'last'->>'alarm')::bigint, status = (state->'last'->>'status')::bigint"
    )
    op.execute("UPDATE watch SET state = state - 'last' WHERE last_time IS NOT NULL")
    op.execute("ALTER TABLE watch SET (fillfactor = 60)")


def downgrade() -> None:
    raise NotImplementedError("a park keeps what it learned: restore a backup instead")
