"""The entry checklist as screens and services see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import Booking, CheckAnswer, CheckRow, Lot, Visit
from parking.queries import lot as lots
from parking.queries import self_checks
from parking.rules import checklist as rules
from parking.rules import self_check
from parking.rules.checklist import Answer, Row, Verdict
from parking.rules.self_check import Finding
from parking.vocabulary import CheckResult, DocumentKind, LoadState, OnFail, SelfCheck, VisitState


@dataclass(frozen=True, slots=True)
class Line:
    """One row at one visit: the answer that counts, who gave it, and what the booking says of its paper.

    ``finding``: what the product found by itself; ``aside``: two persons have set its failure aside.
    """

    row: Row
    answer: Answer | None
    by: str | None
    at: datetime | None
    told_until: date | None
    finding: Finding | None = None
    aside: bool = False

    @property
    def found_bad(self) -> bool:
        """The product found a failure that stands."""
        return self.finding is not None and self.finding.result is CheckResult.FAIL and not self.aside


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


#: Who gave the answers the product found by itself.
SYSTEM = "system"


def of_visit(session: Session, visit_id: int, now: datetime) -> Listed:
    """The list of a visit: rows that apply to its load, the answers that count, and the verdict.

    While the vehicle is at the gate what the product finds is found anew; afterwards the record counts.
    """
    statement = select(Visit, Booking).join(Booking, Visit.booking_id == Booking.id)
    visit, booking = session.execute(statement.where(Visit.id == visit_id)).one()
    load, rule_set = lots.load_of(session, booking), lots.rules_of(session, booking.lot_id)
    leaves = booking.window_end.astimezone(rule_set.zone).date()
    given = _answers(session, visit_id)
    found: dict[SelfCheck, Finding] = {}
    if visit.state == VisitState.ARRIVED:
        found = self_checks.findings(session, booking, visit, rule_set.policy, now)
    aside = self_checks.set_aside(session, booking.id)
    lines = tuple(
        _line(row, given.get(row_id), booking, found, aside.get(row.code, frozenset()))
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


def _line(
    row: Row,
    given: CheckAnswer | None,
    booking: Booking,
    found: Mapping[SelfCheck, Finding],
    aside: Set[str],
) -> Line:
    told = booking.documents.get(row.document) if row.document else None
    until = date.fromisoformat(told) if told else None
    finding = found.get(row.self_check) if row.self_check else None
    if given is not None and given.by == SYSTEM and finding is not None:
        given = None  # found anew
    said = Answer(CheckResult(given.result), given.valid_until, given.remark or "") if given else None
    answer = self_check.together(finding, said, aside)
    covered = finding is not None and finding.result is CheckResult.FAIL and not finding.stands(aside)
    if given is not None and answer is said:
        return Line(row, answer, given.by, given.at, until, finding, covered)
    return Line(row, answer, SYSTEM if answer else None, None, until, finding, covered)


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
        self_check=SelfCheck(row.self_check) if row.self_check else None,
    )


def _listed(value: object) -> Sequence[str]:
    return [str(v) for v in value] if isinstance(value, list) else []
