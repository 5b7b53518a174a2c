"""the lot: cargoes, checklist, restraints, overrides, blacklist, call queue, warnings, plans

Revision: 0002, after 0001. A booking's single cargo becomes its first compartment.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LIVE = "state IN ('submitted', 'enterprise_approved', 'waitlisted', 'approved', 'suspended', 'used')"
OPEN = "state NOT IN ('refused', 'exited', 'closed', 'closed_inferred')"


def upgrade() -> None:
    op.create_table(
        "warning",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("level", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("issuer", sa.String(length=120), nullable=False),
        sa.Column("original", sa.String(length=2000), nullable=False),
        sa.Column("classes", postgresql.ARRAY(sa.String(length=8)), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_by", sa.String(length=120), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(length=120), nullable=True),
        sa.CheckConstraint("until IS NULL OR since < until", name=op.f("ck_warning_period")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warning")),
    )
    op.create_table(
        "check_row",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("park_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("text_zh", sa.String(length=300), nullable=False),
        sa.Column("text_en", sa.String(length=300), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("on_fail", sa.String(length=40), nullable=False),
        sa.Column("document", sa.String(length=40), nullable=True),
        sa.Column("applies", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["park_id"], ["park.id"], name=op.f("fk_check_row_park_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_row")),
        sa.UniqueConstraint("park_id", "code", name="uq_check_row_code"),
    )
    op.create_table(
        "plan_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("budget_s", sa.Float(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(length=120), nullable=False),
        sa.Column("improved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("objective", sa.Float(), nullable=True),
        sa.Column("bound", sa.Float(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_plan_run_lot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_run")),
    )
    op.create_table(
        "cargo",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("leg", sa.String(length=40), nullable=False),
        sa.Column("compartment", sa.SmallInteger(), nullable=False),
        sa.Column("un_number", sa.String(length=4), nullable=False),
        sa.Column("mass_kg", sa.Integer(), nullable=False),
        sa.Column("residue", sa.Boolean(), nullable=False),
        sa.CheckConstraint("mass_kg >= 0", name=op.f("ck_cargo_mass")),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_cargo_booking_id")),
        sa.ForeignKeyConstraint(["un_number"], ["goods.un_number"], name=op.f("fk_cargo_un_number")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cargo")),
        sa.UniqueConstraint("booking_id", "leg", "compartment", name="uq_cargo_compartment"),
    )
    op.create_table(
        "override",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("booking_id", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("refusals", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_by", sa.String(length=120), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(length=120), nullable=True),
        sa.Column("answer", sa.String(length=1000), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "answered_by IS NULL OR answered_by <> asked_by", name=op.f("ck_override_two_persons")
        ),
        sa.ForeignKeyConstraint(["booking_id"], ["booking.id"], name=op.f("fk_override_booking_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_override")),
    )
    op.create_index("ix_override_booking_id", "override", ["booking_id"], unique=False)
    op.create_table(
        "check_answer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("visit_id", sa.BigInteger(), nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.String(length=40), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("remark", sa.String(length=500), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["row_id"], ["check_row.id"], name=op.f("fk_check_answer_row_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_check_answer_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_answer")),
    )
    op.create_index("ix_check_answer_visit_id", "check_answer", ["visit_id"], unique=False)
    op.create_table(
        "restraint",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("visit_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("cause", sa.String(length=40), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.String(length=120), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(length=120), nullable=True),
        sa.Column("lifted_why", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_restraint_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restraint")),
    )
    op.create_index(
        "ix_restraint_standing",
        "restraint",
        ["visit_id"],
        unique=False,
        postgresql_where=sa.text("state = 'standing'"),
    )
    op.create_table(
        "ticket",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("visit_id", sa.BigInteger(), nullable=False),
        sa.Column("dock", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("priority", sa.String(length=300), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("missed", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_ticket_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
    )
    op.create_index("ix_ticket_dock_state", "ticket", ["dock", "state"], unique=False)
    op.create_index(
        "uq_ticket_visit_id_live",
        "ticket",
        ["visit_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('waiting', 'called', 'gone')"),
    )
    op.create_table(
        "ban",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("subject", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("violation_id", sa.BigInteger(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.String(length=120), nullable=False),
        sa.Column("appeal", sa.String(length=40), server_default="none", nullable=False),
        sa.Column("appeal_text", sa.String(length=2000), nullable=True),
        sa.Column("appealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("appealed_by", sa.String(length=120), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=120), nullable=True),
        sa.Column("decision", sa.String(length=1000), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("since < until", name=op.f("ck_ban_term")),
        sa.ForeignKeyConstraint(["violation_id"], ["violation.id"], name=op.f("fk_ban_violation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ban")),
    )
    op.create_index("ix_ban_name", "ban", ["subject", "name"], unique=False)
    op.add_column("bay", sa.Column("height_m", sa.Float(), nullable=True))
    op.add_column("booking", sa.Column("enterprise", sa.String(length=120), nullable=True))
    op.add_column(
        "booking", sa.Column("walk_in", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("booking", sa.Column("length_m", sa.Double(), nullable=True))
    op.add_column("booking", sa.Column("width_m", sa.Double(), nullable=True))
    op.add_column("booking", sa.Column("height_m", sa.Double(), nullable=True))
    op.add_column(
        "booking",
        sa.Column("documents", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column("booking", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("booking", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "goods",
        sa.Column(
            "packing_groups", postgresql.ARRAY(sa.String(length=4)), server_default="{}", nullable=False
        ),
    )
    op.add_column("goods", sa.Column("erg_guide", sa.String(length=4), nullable=True))
    op.add_column("goods", sa.Column("critical_quantity_t", sa.Float(), nullable=True))
    op.add_column("goods", sa.Column("critical_entry", sa.String(length=120), nullable=True))
    op.add_column(
        "goods",
        sa.Column("traits", postgresql.ARRAY(sa.String(length=24)), server_default="{}", nullable=False),
    )
    op.add_column("goods", sa.Column("fire_category", sa.String(length=2), nullable=True))
    op.add_column(
        "goods",
        sa.Column("aliases", postgresql.ARRAY(sa.String(length=60)), server_default="{}", nullable=False),
    )
    op.add_column("goods", sa.Column("pinyin", sa.String(length=200), server_default="", nullable=False))
    op.add_column(
        "goods",
        sa.Column("origins", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
    )
    op.add_column(
        "goods",
        sa.Column("confirmed", postgresql.ARRAY(sa.String(length=24)), server_default="{}", nullable=False),
    )
    op.add_column("staff", sa.Column("enterprise", sa.String(length=120), nullable=True))
    op.add_column("visit", sa.Column("leg", sa.String(length=40), server_default="in", nullable=False))
    op.add_column("visit", sa.Column("load_state", sa.String(length=40), nullable=True))
    op.add_column("visit", sa.Column("waybill_out", sa.String(length=40), nullable=True))
    op.add_column("visit", sa.Column("inspected_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("visit", sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("visit", sa.Column("missed_calls", sa.SmallInteger(), server_default="0", nullable=False))

    op.drop_index("uq_booking_waybill_no_live", table_name="booking")
    op.create_index(
        "uq_booking_waybill_no_live",
        "booking",
        ["waybill_no"],
        unique=True,
        postgresql_where=sa.text(LIVE),
    )
    op.drop_index("uq_visit_vehicle_id_open", table_name="visit")
    op.create_index(
        "uq_visit_vehicle_id_open", "visit", ["vehicle_id"], unique=True, postgresql_where=sa.text(OPEN)
    )
    op.execute(
        "INSERT INTO cargo (booking_id, leg, compartment, un_number, mass_kg, residue) "
        "SELECT id, 'in', 1, un_number, mass_kg, load_state = 'empty_uncleaned' FROM booking "
        "WHERE un_number IS NOT NULL AND load_state <> 'empty_clean'"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose cargoes and decisions")
