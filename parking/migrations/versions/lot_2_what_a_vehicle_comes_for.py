"""what a vehicle comes for

Revision: lot_2, after lot_1. Bookings made before told none: every limit by purpose binds them.
"""

import sqlalchemy as sa
from alembic import op

revision = "lot_2"
down_revision = "lot_1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("booking", sa.Column("purpose", sa.String(length=40), nullable=True))


def downgrade() -> None:
    op.drop_column("booking", "purpose")
