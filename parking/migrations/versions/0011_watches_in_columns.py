"""the last fix of a vehicle in columns, a token for every change; additional items as they came

Revision: 0011, after 0010. What was written as one JSON is taken apart; nothing is lost.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("fix", sa.Column("items", sa.LargeBinary(), nullable=True))
    op.add_column("heartbeat", sa.Column("trouble", sa.String(length=300), nullable=True))
    op.add_column("watch", sa.Column("token", sa.BigInteger(), server_default="0", nullable=False))
    words, numbers = ("alarm", "status"), ("odometer_km", "x", "y")
    columns = [(name, sa.BigInteger()) for name in words] + [(name, sa.Float()) for name in numbers]
    for name, kind in columns:
        op.add_column("watch", sa.Column(name, kind, nullable=True))
    taken = ", ".join(f"{word} = (state->'last'->>'{word}')::bigint" for word in words)
    op.execute(f"UPDATE watch SET {taken}")  # noqa: S608 - names of our own
    op.execute("UPDATE watch SET state = state - 'last' WHERE last_time IS NOT NULL")
    op.execute("ALTER TABLE watch SET (fillfactor = 60)")


def downgrade() -> None:
    raise NotImplementedError("a park keeps what it learned: restore a backup instead")
