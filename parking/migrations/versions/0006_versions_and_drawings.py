"""versions of layers may not overlap in time; drawings handed in are kept; read-only keys for GIS programs

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = "int8range(hashtextextended(kind || '/' || code, 0), hashtextextended(kind || '/' || code, 0), '[]')"


def upgrade() -> None:
    op.create_table(
        "layer_drawing",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("park_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("declared", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("act", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("handed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_in_by", sa.String(length=120), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=120), nullable=True),
        sa.Column("repaired", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["park_id"], ["park.id"], name=op.f("fk_layer_drawing_park_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_layer_drawing")),
    )
    op.create_index("ix_layer_drawing_park_id", "layer_drawing", ["park_id"], unique=False)
    op.create_table(
        "access_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_access_token_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("sha256", name=op.f("uq_access_token_sha256")),
    )
    op.create_index("ix_access_token_staff_id", "access_token", ["staff_id"], unique=False)
    op.add_column("layer_version", sa.Column("drawing_id", sa.BigInteger(), nullable=True))
    op.add_column("layer_version", sa.Column("source_crs", sa.String(length=200), nullable=True))
    op.add_column("layer_version", sa.Column("file_name", sa.String(length=120), nullable=True))
    op.add_column("layer_version", sa.Column("file_sha256", sa.String(length=64), nullable=True))
    op.add_column("layer_version", sa.Column("geometry_sha256", sa.String(length=64), nullable=True))
    op.create_foreign_key(
        op.f("fk_layer_version_drawing_id"), "layer_version", "layer_drawing", ["drawing_id"], ["id"]
    )
    op.execute(
        "ALTER TABLE layer_version ADD CONSTRAINT ex_layer_version_in_force EXCLUDE USING gist ("
        f"int8range(park_id, park_id, '[]') WITH &&, {KEY} WITH &&, "
        "daterange(effective_from, effective_to) WITH &&) WHERE (withdrawn_at IS NULL)"
    )


def downgrade() -> None:
    op.drop_constraint("ex_layer_version_in_force", "layer_version")
    op.drop_constraint(op.f("fk_layer_version_drawing_id"), "layer_version")
    for name in ("geometry_sha256", "file_sha256", "file_name", "source_crs", "drawing_id"):
        op.drop_column("layer_version", name)
    op.drop_table("access_token")
    op.drop_table("layer_drawing")
