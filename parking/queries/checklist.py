"""The entry checklist as screens and services see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import Booking, CheckAnswer, CheckRow, Lot, Visit
from parking.queries import lot as lots
from parking.rules import checklist as rules
from parking.rules.checklist import Answer, Row, Verdict
from parking.vocabulary import CheckResult, DocumentKind, LoadState, OnFail


@dataclass(frozen=True, slots=True)
class Line:
    """One row at one visit: the answer so far, who gave it, and what the booking says of its paper."""

    row: Row
    answer: Answer | None
    by: str | None
    at: datetime | None
    told_until: date | None


@dataclass(frozen=True, slots=True)
class Listed:
    """The list of one visit and what it comes to."""

    lines: tuple[Line, ...]
    verdict: Verdict
    leaves: date


@dataclass(frozen=True, slots=True)
class RowView:
    """A row of the park's list, for the page that edits it."""

    row: Row
    position: int
    active: bool


def rows(session: Session, lot_id: int, all_rows: bool = False) -> list[tuple[int, Row]]:
    """(id, row) of the park's list in its order; only active ones unless all are asked for."""
    statement = (
        select(CheckRow)
        .join(Lot, Lot.park_id == CheckRow.park_id)
        .where(Lot.id == lot_id)
        .order_by(CheckRow.position, CheckRow.id)
    )
    if not all_rows:
        statement = statement.where(CheckRow.active)
    return [(r.id, _row(r)) for r in session.scalars(statement)]


def edited(session: Session) -> list[RowView]:
    """The whole list of the park, switched-off rows too."""
    found = session.scalars(
        select(CheckRow)
        .join(Lot, Lot.park_id == CheckRow.park_id)
        .where(Lot.id == lots.current(session))
        .order_by(CheckRow.position, CheckRow.id)
    )
    return [RowView(_row(r), r.position, r.active) for r in found]


def of_visit(session: Session, visit_id: int) -> Listed:
    """The list of a visit: rows that apply to its load, newest answers, and the verdict."""
    booking = session.scalars(
        select(Booking).join(Visit, Visit.booking_id == Booking.id).where(Visit.id == visit_id)
    ).one()
    load, rule_set = lots.load_of(session, booking), lots.rules_of(session, booking.lot_id)
    leaves = booking.window_end.astimezone(rule_set.zone).date()
    given = _answers(session, visit_id)
    lines = tuple(
        _line(row, given.get(row_id), booking)
        for row_id, row in rows(session, booking.lot_id)
        if row.applies(load)
    )
    answers = {line.row.code: line.answer for line in lines if line.answer}
    verdict = rules.judge([line.row for line in lines], answers, load, leaves)
    return Listed(lines, verdict, leaves)


def _answers(session: Session, visit_id: int) -> dict[int, CheckAnswer]:
    """Row id → its newest answer."""
    found = session.scalars(
        select(CheckAnswer).where(CheckAnswer.visit_id == visit_id).order_by(CheckAnswer.id)
    )
    return {a.row_id: a for a in found}


def _line(row: Row, given: CheckAnswer | None, booking: Booking) -> Line:
    told = booking.documents.get(row.document) if row.document else None
    until = date.fromisoformat(told) if told else None
    if given is None:
        return Line(row, None, None, None, until)
    answer = Answer(CheckResult(given.result), given.valid_until, given.remark or "")
    return Line(row, answer, given.by, given.at, until)


def _row(row: CheckRow) -> Row:
    applies = row.applies
    return Row(
        code=row.code,
        on_fail=OnFail(row.on_fail),
        text_zh=row.text_zh,
        text_en=row.text_en,
        holder=row.holder,
        document=DocumentKind(row.document) if row.document else None,
        load_states=tuple(LoadState(s) for s in _listed(applies.get("load_states"))),
        classes=tuple(_listed(applies.get("classes"))),
        source=row.source,
    )


def _listed(value: object) -> Sequence[str]:
    return [str(v) for v in value] if isinstance(value, list) else []
