"""fixes by time: ``fix`` becomes a partitioned table, packed blocks, evidence, legal holds

Revision: 0010, after 0009. The table there becomes the default partition as it stands: no row is
copied, the sweep moves recent ones into partitions of their own and packs the rest.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA hot")
    op.execute("ALTER TABLE fix RENAME TO fix_default")
    op.execute("ALTER TABLE fix_default RENAME CONSTRAINT pk_fix TO pk_fix_default")
    op.execute("DROP INDEX ix_fix_vehicle_id_time")
    op.execute("CREATE INDEX ix_fix_default_time_vehicle_id ON fix_default (time, vehicle_id)")
    op.execute("ALTER TABLE fix_default SET SCHEMA hot")
    op.execute(
        "CREATE TABLE fix (LIKE hot.fix_default INCLUDING DEFAULTS INCLUDING CONSTRAINTS,"
        " CONSTRAINT pk_fix PRIMARY KEY (time, terminal_id, serial, item)) PARTITION BY RANGE (time)"
    )
    op.execute("CREATE INDEX ix_fix_time_vehicle_id ON fix (time, vehicle_id)")
    op.execute("ALTER TABLE fix ATTACH PARTITION hot.fix_default DEFAULT")
    _blocks()
    op.create_table(
        "evidence",
        sa.Column("violation_id", sa.BigInteger(), nullable=False),
        sa.Column("vehicle_id", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fixes", sa.Integer(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("rest", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["violation_id"], ["violation.id"], name=op.f("fk_evidence_violation_id")),
        sa.PrimaryKeyConstraint("violation_id", name=op.f("pk_evidence")),
    )
    op.create_index("ix_evidence_vehicle_id", "evidence", ["vehicle_id"])
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("vehicle_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=120), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_by", sa.String(length=120), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(length=120), nullable=True),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_legal_hold_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
    )
    op.create_index("ix_legal_hold_vehicle_id", "legal_hold", ["vehicle_id"])


def _blocks() -> None:
    op.create_table(
        "fix_block",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("period_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_received", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fixes", sa.Integer(), nullable=False),
        sa.Column("west", sa.Double(), nullable=True),
        sa.Column("south", sa.Double(), nullable=True),
        sa.Column("east", sa.Double(), nullable=True),
        sa.Column("north", sa.Double(), nullable=True),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("cells", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("vehicles", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("terminals", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("rest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fix_block")),
    )
    for column in ("path", "rest"):  # packed already
        op.execute(f"ALTER TABLE fix_block ALTER COLUMN {column} SET STORAGE EXTERNAL")
    for column in ("period_start", "until", "last_received"):
        op.create_index(f"ix_fix_block_{column}", "fix_block", [column])
    for column in ("cells", "vehicles"):
        op.create_index(f"ix_fix_block_{column}", "fix_block", [column], postgresql_using="gin")


def downgrade() -> None:
    """Only while nothing is packed: what is in blocks is not unpacked here."""
    if op.get_bind().execute(sa.text("SELECT EXISTS (SELECT FROM fix_block)")).scalar():
        raise RuntimeError("fixes are packed already: the schema before cannot hold them")
    for table in ("legal_hold", "evidence", "fix_block"):
        op.drop_table(table)
    op.execute("CREATE TABLE fix_before (LIKE fix INCLUDING DEFAULTS)")
    op.execute("INSERT INTO fix_before SELECT * FROM fix")
    op.execute("DROP TABLE fix")
    op.execute("DROP SCHEMA hot CASCADE")
    op.execute("ALTER TABLE fix_before RENAME TO fix")
    op.create_primary_key("pk_fix", "fix", ["time", "terminal_id", "serial", "item"])
    op.create_index("ix_fix_vehicle_id_time", "fix", ["vehicle_id", "time"])
