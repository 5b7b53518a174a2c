"""The entry checklist at one visit: rows of the park, answers one by one, and what follows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.models import Booking, CheckAnswer, CheckRow, Lot, Visit
from parking.queries import checklist as lists
from parking.queries import lot as lots
from parking.queries.checklist import Listed
from parking.refused import Reason, Refused, no
from parking.rules import checklist as rules
from parking.rules.checklist import Answer, Outcome, Row, Verdict
from parking.services import audit, holding, restraints, visits
from parking.vocabulary import CheckResult, OnFail, Refusal, VisitState, VisitStep


def ensure(session: Session, park_id: int) -> int:
    """Give a park that has no list the default one; its own rows are left alone. Returns how many."""
    if session.scalar(select(CheckRow.id).where(CheckRow.park_id == park_id).limit(1)) is not None:
        return 0
    session.add_all(_stored(park_id, n, row) for n, row in enumerate(rules.DEFAULT, 1))
    session.flush()
    return len(rules.DEFAULT)


def answer(
    session: Session, visit_id: int, code: str, found: Answer, now: datetime, actor: str, source: str
) -> CheckAnswer:
    """Write down what was found for one row; the newest answer counts. Raises Refused."""
    visit, booking = _locked(session, visit_id)
    row_id, row = _row(session, booking, code)
    reasons = (*rules.against(row, found), *_milder(session, visit, row, found, now))
    if reasons:
        raise Refused(*reasons)
    made = CheckAnswer(
        visit_id=visit.id, row_id=row_id, result=found.result, valid_until=found.valid_until,
        remark=found.remark[:500] or None, at=now, by=actor,
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.record(
        session, actor, "check", "visit", visit.id, now, source, code=code, result=found.result,
        valid_until=str(found.valid_until or ""), remark=found.remark or None,
    )  # fmt: skip
    return made


def conclude(session: Session, visit_id: int, now: datetime, actor: str, source: str) -> Verdict:
    """Do what the answers come to: inspected, restrained, refused or isolated. Raises Refused while open."""
    visit, booking = _locked(session, visit_id)
    listed = lists.of_visit(session, visit.id, now)
    verdict = listed.verdict
    remark = rules.following(verdict, [line.row for line in listed.lines])
    if verdict.outcome is Outcome.OPEN:
        raise Refused(no(Refusal.CHECKLIST_OPEN))
    _keep_findings(session, visit, booking, listed, now)
    if verdict.outcome is Outcome.ISOLATE:
        visits.step(session, visit.id, VisitStep.ISOLATE, now, actor, source, remark=remark)
    elif verdict.outcome is Outcome.REFUSE:
        visits.step(session, visit.id, VisitStep.REFUSE, now, actor, source, remark=remark)
    elif verdict.outcome is Outcome.HOLD:
        restraints.restrain(session, visit.id, remark, "checklist", now, actor, source)
    else:
        visits.step(session, visit.id, VisitStep.INSPECT, now, actor, source)
    return verdict


def edit(
    session: Session,
    code: str,
    text_zh: str,
    text_en: str,
    on_fail: OnFail,
    active: bool,
    position: int,
    now: datetime,
    actor: str,
    source: str,
    by_itself: bool = True,
) -> CheckRow:
    """Change a row of the park's list. Answers given before keep what they were given to. Raises Refused.

    ``by_itself``: what the product can find out for this row it shall answer.
    """
    row = session.scalar(
        select(CheckRow)
        .join(Lot, Lot.park_id == CheckRow.park_id)
        .where(Lot.id == lots.current(session), CheckRow.code == code)
    )
    if row is None:
        raise Refused(no(Refusal.CHECK_ROW_UNKNOWN, code=code))
    if not text_zh.strip() or not text_en.strip():
        raise Refused(no(Refusal.REMARK_MISSING, "text_zh"))
    before = {
        "text_zh": row.text_zh, "on_fail": row.on_fail, "active": row.active, "self_check": row.self_check,
    }  # fmt: skip
    row.text_zh, row.text_en = text_zh.strip()[:300], text_en.strip()[:300]
    row.on_fail, row.active, row.position = on_fail, active, max(0, min(position, 999))
    row.self_check = rules.SELF_CHECKS.get(code) if by_itself else None
    session.flush()
    audit.record(session, actor, "checklist_edited", "check_row", row.id, now, source, before=before)
    return row


def _stored(park_id: int, position: int, row: Row) -> CheckRow:
    return CheckRow(
        park_id=park_id, code=row.code, position=position, text_zh=row.text_zh, text_en=row.text_en,
        holder=row.holder, on_fail=row.on_fail, document=row.document,
        applies={"load_states": list(row.load_states), "classes": list(row.classes)},
        source=row.source, active=True, self_check=row.self_check,
    )  # fmt: skip


def _row(session: Session, booking: Booking, code: str) -> tuple[int, Row]:
    load = lots.load_of(session, booking)
    for row_id, row in lists.rows(session, booking.lot_id):
        if row.code == code and row.applies(load):
            return row_id, row
    raise Refused(no(Refusal.CHECK_ROW_UNKNOWN, code=code[:20]))


def _milder(session: Session, visit: Visit, row: Row, found: Answer, now: datetime) -> tuple[Reason, ...]:
    """Why an answer may not stand beside what the product found: it would be milder."""
    if row.self_check is None or found.result is CheckResult.FAIL:
        return ()
    line = next(x for x in lists.of_visit(session, visit.id, now).lines if x.row.code == row.code)
    if not line.found_bad or line.finding is None:
        return ()
    return (no(Refusal.CHECK_KNOWN, code=row.code), *line.finding.reasons)


def _keep_findings(session: Session, visit: Visit, booking: Booking, listed: Listed, now: datetime) -> None:
    """Put on record what the product answered by itself, with the facts it had."""
    ids = {row.code: row_id for row_id, row in lists.rows(session, booking.lot_id)}
    for line in listed.lines:
        if line.by != lists.SYSTEM or line.answer is None or line.finding is None:
            continue
        session.add(
            CheckAnswer(
                visit_id=visit.id, row_id=ids[line.row.code], result=line.answer.result, at=now,
                by=lists.SYSTEM,
            )
        )  # fmt: skip
        said = [{"word": r.word, **{k: str(v) for k, v in r.facts.items()}} for r in line.finding.reasons]
        audit.record(
            session, lists.SYSTEM, "check", "visit", visit.id, now, "checklist", code=line.row.code,
            result=line.answer.result, found=said,
        )  # fmt: skip
    session.flush()


def _locked(session: Session, visit_id: int) -> tuple[Visit, Booking]:
    booking = session.scalar(
        select(Booking).join(Visit, Visit.booking_id == Booking.id).where(Visit.id == visit_id)
    )
    if booking is None:
        raise Refused(no(Refusal.VISIT_UNKNOWN))
    holding.lock(session, booking.lot_id)
    visit = session.get_one(Visit, visit_id, populate_existing=True)
    if visit.state != VisitState.ARRIVED:
        raise Refused(no(Refusal.BOOKING_STATE, state=VisitState(visit.state)))
    return visit, booking
