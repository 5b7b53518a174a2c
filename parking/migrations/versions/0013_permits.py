"""routes and closed zones a booking names

Revision: 0013, after 0012. Bookings made before name none: every approved route, every closed zone.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "permit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("routes", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("zones", postgresql.ARRAY(sa.String(length=40)), nullable=True),
        sa.Column("given_by", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_permit_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permit")),
    )
    op.create_index("ix_permit_booking_id", "permit", ["booking_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("permit")
