"""What stops or steers a visit: checklist, restraints, overrides, blacklist, call queue, warnings, plans."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from parking.models.base import Base, Instant, Json, Key, Name, Word


class CheckRow(Base):
    """One row of the entry checklist, editable by the park. ``applies``: to which loads (see rules)."""

    __tablename__ = "check_row"
    __table_args__ = (UniqueConstraint("park_id", "code", name="uq_check_row_code"),)

    id: Mapped[Key]
    park_id: Mapped[int] = mapped_column(ForeignKey("park.id"))
    code: Mapped[str] = mapped_column(String(8))
    position: Mapped[int] = mapped_column(SmallInteger)
    text_zh: Mapped[str] = mapped_column(String(300))
    text_en: Mapped[str] = mapped_column(String(300))
    holder: Mapped[Word]
    on_fail: Mapped[Word]
    document: Mapped[Word | None]  # a DocumentKind whose end of validity is asked for
    applies: Mapped[Json]
    source: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    self_check: Mapped[Word | None]  # a SelfCheck: the product answers


class CheckAnswer(Base):
    """What was found for one row at one visit. Answers are added, the newest counts."""

    __tablename__ = "check_answer"
    __table_args__ = (Index("ix_check_answer_visit_id", "visit_id"),)

    id: Mapped[Key]
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"))
    row_id: Mapped[int] = mapped_column(ForeignKey("check_row.id"))
    result: Mapped[Word]
    valid_until: Mapped[date | None]
    remark: Mapped[str | None] = mapped_column(String(500))
    at: Mapped[Instant]
    by: Mapped[Name]


class Restraint(Base):
    """A restraint (暂扣) on a visit: calls, departures and the exit wait until it is lifted."""

    __tablename__ = "restraint"
    __table_args__ = (
        Index("ix_restraint_standing", "visit_id", postgresql_where=text("state = 'standing'")),
    )

    id: Mapped[Key]
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"))
    state: Mapped[Word]
    reason: Mapped[str] = mapped_column(String(500))
    cause: Mapped[Word]  # checklist, incident, staff
    until: Mapped[Instant | None]
    set_at: Mapped[Instant]
    set_by: Mapped[Name]
    lifted_at: Mapped[Instant | None]
    lifted_by: Mapped[Name | None]
    lifted_why: Mapped[str | None] = mapped_column(String(500))


class Override(Base):
    """A two-person override: asked by one, answered by another, for one act, used once."""

    __tablename__ = "override"
    __table_args__ = (
        CheckConstraint("answered_by IS NULL OR answered_by <> asked_by", name="two_persons"),
        Index("ix_override_booking_id", "booking_id"),
    )

    id: Mapped[Key]
    booking_id: Mapped[int] = mapped_column(ForeignKey("booking.id"))
    act: Mapped[Word]  # assign, admit, check, approve
    subject: Mapped[str] = mapped_column(String(80))  # bay code, check row code
    refusals: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    reason: Mapped[str] = mapped_column(String(1000))
    state: Mapped[Word]
    asked_at: Mapped[Instant]
    asked_by: Mapped[Name]
    answered_at: Mapped[Instant | None]
    answered_by: Mapped[Name | None]
    answer: Mapped[str | None] = mapped_column(String(1000))
    expires_at: Mapped[Instant]
    used_at: Mapped[Instant | None]


class Ban(Base):
    """An entry of the blacklist (黑名单): reason, term, appeal. It ends by itself at ``until``."""

    __tablename__ = "ban"
    __table_args__ = (
        CheckConstraint("since < until", name="term"),
        Index("ix_ban_name", "subject", "name"),
    )

    id: Mapped[Key]
    subject: Mapped[Word]
    name: Mapped[str] = mapped_column(String(120))  # normalised plate, phone or name, carrier
    reason: Mapped[str] = mapped_column(String(1000))
    violation_id: Mapped[int | None] = mapped_column(ForeignKey("violation.id"))
    since: Mapped[Instant]
    until: Mapped[Instant]
    set_by: Mapped[Name]
    appeal: Mapped[Word] = mapped_column(default="none", server_default="none")
    appeal_text: Mapped[str | None] = mapped_column(String(2000))
    appealed_at: Mapped[Instant | None]
    appealed_by: Mapped[Name | None]
    decided_at: Mapped[Instant | None]
    decided_by: Mapped[Name | None]
    decision: Mapped[str | None] = mapped_column(String(1000))
    lifted_at: Mapped[Instant | None]


class BanSpared(Base):
    """A proposal for the blacklist a person has decided against; a later violation proposes again."""

    __tablename__ = "ban_spared"
    __table_args__ = (Index("ix_ban_spared_plate", "plate"),)

    id: Mapped[Key]
    plate: Mapped[Name]
    last_violation_id: Mapped[int] = mapped_column(ForeignKey("violation.id"))
    why: Mapped[str] = mapped_column(String(1000))
    at: Mapped[Instant]
    by: Mapped[Name]


class Ticket(Base):
    """A place in the call-forward queue of one dock (叫号)."""

    __tablename__ = "ticket"
    __table_args__ = (
        Index(
            "uq_ticket_visit_id_live",
            "visit_id",
            unique=True,
            postgresql_where=text("state IN ('waiting', 'called', 'gone')"),
        ),
        Index("ix_ticket_dock_state", "dock", "state"),
    )

    id: Mapped[Key]
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"))
    dock: Mapped[str] = mapped_column(String(40))
    state: Mapped[Word]
    priority: Mapped[str | None] = mapped_column(String(300))  # why it goes first, if it does
    queued_at: Mapped[Instant]
    due_at: Mapped[Instant]  # from when its waiting counts
    called_at: Mapped[Instant | None]
    gone_at: Mapped[Instant | None]
    done_at: Mapped[Instant | None]
    missed: Mapped[int] = mapped_column(SmallInteger, default=0)


class WarningRow(Base):
    """A warning written down by the park (转录): who issued it, the original text, and whom it stops."""

    __tablename__ = "warning"
    __table_args__ = (CheckConstraint("until IS NULL OR since < until", name="period"),)

    id: Mapped[Key]
    level: Mapped[Word]
    kind: Mapped[Word]
    issuer: Mapped[Name]
    original: Mapped[str] = mapped_column(String(2000))
    classes: Mapped[list[str]] = mapped_column(ARRAY(String(8)))  # whose arrivals are blocked; "*" all
    since: Mapped[Instant]
    until: Mapped[Instant | None]
    entered_at: Mapped[Instant]
    entered_by: Mapped[Name]
    lifted_at: Mapped[Instant | None]
    lifted_by: Mapped[Name | None]


class PlanRun(Base):
    """A plan for one day: asked for, computed, improved, perhaps taken over."""

    __tablename__ = "plan_run"

    id: Mapped[Key]
    lot_id: Mapped[int] = mapped_column(ForeignKey("lot.id"))
    day: Mapped[date]
    state: Mapped[Word]
    budget_s: Mapped[float] = mapped_column(Float)
    asked_at: Mapped[Instant]
    asked_by: Mapped[Name]
    improved_at: Mapped[Instant | None]
    finished_at: Mapped[Instant | None]
    applied_at: Mapped[Instant | None]
    objective: Mapped[float | None] = mapped_column(Float)
    bound: Mapped[float | None] = mapped_column(Float)
    result: Mapped[Json]
