"""terminals: commands, areas and routes they hold, their own alarms, strangers, conflicts"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "terminal_request",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("plate", sa.String(length=20), nullable=False),
        sa.Column("plate_colour", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.String(length=4), nullable=True),
        sa.Column("maker", sa.String(length=24), nullable=True),
        sa.Column("model", sa.String(length=60), nullable=True),
        sa.Column("device_id", sa.String(length=60), nullable=True),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(length=120), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terminal_request")),
        sa.UniqueConstraint("phone", name=op.f("uq_terminal_request_phone")),
    )
    op.create_index("ix_terminal_request_state", "terminal_request", ["state", "last_at"], unique=False)
    op.create_table(
        "command",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("terminal_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(length=120), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("sendings", sa.SmallInteger(), nullable=False),
        sa.Column("gateway", sa.String(length=80), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault", sa.String(length=40), nullable=True),
        sa.Column("reply", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.ForeignKeyConstraint(["terminal_id"], ["terminal.id"], name=op.f("fk_command_terminal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command")),
    )
    op.create_index(
        "ix_command_due_at",
        "command",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('command_queued', 'command_sent')"),
    )
    op.create_index("ix_command_terminal_id", "command", ["terminal_id", "id"], unique=False)
    op.create_index(
        "uq_command_asked_once",
        "command",
        ["terminal_id", "idempotency_key"],
        unique=True,
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "terminal_conflict",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("terminal_id", sa.BigInteger(), nullable=True),
        sa.Column("vehicle_id", sa.BigInteger(), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("other", sa.String(length=80), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=120), nullable=True),
        sa.Column("remark", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["terminal_id"], ["terminal.id"], name=op.f("fk_terminal_conflict_terminal_id")
        ),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_terminal_conflict_vehicle_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terminal_conflict")),
    )
    op.create_index("ix_terminal_conflict_state", "terminal_conflict", ["state", "last_at"], unique=False)
    op.create_index(
        "uq_terminal_conflict_open",
        "terminal_conflict",
        ["kind", "phone", "other"],
        unique=True,
        postgresql_where=sa.text("state = 'conflict_open'"),
    )
    op.create_table(
        "terminal_profile",
        sa.Column("terminal_id", sa.BigInteger(), nullable=False),
        sa.Column("hardware", sa.String(length=60), nullable=True),
        sa.Column("firmware", sa.String(length=60), nullable=True),
        sa.Column("iccid", sa.String(length=20), nullable=True),
        sa.Column("dangerous_goods", sa.Boolean(), nullable=True),
        sa.Column("attributes_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sources", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("gateway", sa.String(length=80), nullable=True),
        sa.Column("held_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fences_managed", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("fences_digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["terminal_id"], ["terminal.id"], name=op.f("fk_terminal_profile_terminal_id")
        ),
        sa.PrimaryKeyConstraint("terminal_id", name=op.f("pk_terminal_profile")),
    )
    op.create_index("ix_terminal_profile_moved_at", "terminal_profile", ["moved_at"], unique=False)
    op.create_table(
        "terminal_fence",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("terminal_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("layer", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("loss", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("command_id", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["command_id"], ["command.id"], name=op.f("fk_terminal_fence_command_id")),
        sa.ForeignKeyConstraint(["terminal_id"], ["terminal.id"], name=op.f("fk_terminal_fence_terminal_id")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["layer_version.id"], name=op.f("fk_terminal_fence_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terminal_fence")),
        sa.UniqueConstraint("terminal_id", "kind", "number", name="uq_terminal_fence_number"),
    )
    op.create_table(
        "terminal_evidence",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("terminal_id", sa.BigInteger(), nullable=False),
        sa.Column("vehicle_id", sa.BigInteger(), nullable=True),
        sa.Column("alarm", sa.String(length=40), nullable=False),
        sa.Column("shape", sa.SmallInteger(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("direction", sa.String(length=12), nullable=True),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("lat", sa.Double(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("fence_id", sa.BigInteger(), nullable=True),
        sa.Column("layer", sa.String(length=40), nullable=True),
        sa.Column("code", sa.String(length=40), nullable=True),
        sa.Column("violation_id", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["terminal_id"], ["terminal.id"], name=op.f("fk_terminal_evidence_terminal_id")
        ),
        sa.ForeignKeyConstraint(["vehicle_id"], ["vehicle.id"], name=op.f("fk_terminal_evidence_vehicle_id")),
        sa.ForeignKeyConstraint(
            ["violation_id"], ["violation.id"], name=op.f("fk_terminal_evidence_violation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terminal_evidence")),
    )
    op.create_index(
        "ix_terminal_evidence_terminal_id", "terminal_evidence", ["terminal_id", "last_at"], unique=False
    )
    op.create_index(
        "ix_terminal_evidence_unlinked",
        "terminal_evidence",
        ["first_at"],
        unique=False,
        postgresql_where=sa.text("violation_id IS NULL AND vehicle_id IS NOT NULL"),
    )
    op.create_index("ix_terminal_evidence_violation_id", "terminal_evidence", ["violation_id"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose commands and evidence")
