"""Packed fixes, and what is kept of them with a violation when they expire."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from parking.models.base import Base, Instant, Key, Name


class FixBlock(Base):
    """The fixes of a few vehicles in one period, packed (format: ``parking.packed.block``).

    [``period_start``, ``period_end``): the period. [``since``, ``until``]: the times inside, with the fixes
    before the period the tracks come from. ``west`` … ``north``, ``cells``: where the believed tracks
    pass, degrees and numbers of ``parking.packed.cells``; ``outline``: where each track does
    (``parking.packed.outline``; None: not drawn yet, the block is opened whole). ``last_received``:
    retention counts from it.
    """

    __tablename__ = "fix_block"
    __table_args__ = (
        Index("ix_fix_block_period_start", "period_start"),
        Index("ix_fix_block_until", "until"),
        Index("ix_fix_block_last_received", "last_received"),
        Index("ix_fix_block_cells", "cells", postgresql_using="gin"),
        Index("ix_fix_block_vehicles", "vehicles", postgresql_using="gin"),
        Index("ix_fix_block_terminals", "terminals", postgresql_using="gin"),
        Index("ix_fix_block_span", text("tstzrange(since, until, '[]')"), postgresql_using="gist"),
        Index("ix_fix_block_plain", "id", postgresql_where=text("outline IS NULL")),
    )

    id: Mapped[Key]
    period_start: Mapped[Instant]
    period_end: Mapped[Instant]
    since: Mapped[Instant]
    until: Mapped[Instant]
    last_received: Mapped[Instant]
    fixes: Mapped[int]
    west: Mapped[float | None]
    south: Mapped[float | None]
    east: Mapped[float | None]
    north: Mapped[float | None]
    version: Mapped[int] = mapped_column(SmallInteger)
    cells: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    vehicles: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    terminals: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    path: Mapped[bytes] = mapped_column(LargeBinary)
    rest: Mapped[bytes] = mapped_column(LargeBinary)
    outline: Mapped[bytes | None] = mapped_column(LargeBinary)

    @classmethod
    def touching(cls, since: datetime, until: datetime) -> ColumnElement[bool]:
        """Blocks with any moment of [since, until] in them; an index answers it."""
        return func.tstzrange(cls.since, cls.until, "[]").bool_op("&&")(func.tstzrange(since, until, "[]"))


class Evidence(Base):
    """The stretch of fixes a violation is rebuilt from, kept with it when the others expire."""

    __tablename__ = "evidence"
    __table_args__ = (Index("ix_evidence_vehicle_id", "vehicle_id"),)

    violation_id: Mapped[int] = mapped_column(ForeignKey("violation.id"), primary_key=True)
    vehicle_id: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[Instant]
    until: Mapped[Instant]
    fixes: Mapped[int]
    path: Mapped[bytes] = mapped_column(LargeBinary)
    rest: Mapped[bytes] = mapped_column(LargeBinary)
    kept_at: Mapped[Instant]


class LegalHold(Base):
    """While it stands (``lifted_at`` is None) nothing of this vehicle expires (a case is open)."""

    __tablename__ = "legal_hold"
    __table_args__ = (Index("ix_legal_hold_vehicle_id", "vehicle_id"),)

    id: Mapped[Key]
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicle.id"))
    reason: Mapped[Name]
    placed_at: Mapped[Instant]
    placed_by: Mapped[Name]
    lifted_at: Mapped[Instant | None]
    lifted_by: Mapped[Name | None]
