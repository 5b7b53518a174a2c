"""what a vehicle comes for

Revision: 0004, after 0003. Bookings made before told none: every limit by purpose binds them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("booking", sa.Column("purpose", sa.String(length=40), nullable=True))


def downgrade() -> None:
    op.drop_column("booking", "purpose")
