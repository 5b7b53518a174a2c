"""What the product knows of a vehicle at the gate counts until two persons say otherwise."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from parking.models import Audit, CheckAnswer, ParkRow, Restraint, Violation, Watch
from parking.queries import checklist as lists
from parking.refused import Refused
from parking.rules.checklist import DEFAULT, Answer, Outcome
from parking.services import bans, checklist, overrides, visits
from parking.vocabulary import BanSubject, CheckResult, Refusal, VisitState, VisitStep
from tests.factories import HERE, NOW, STAFF, held, hours, lot

pytestmark = pytest.mark.servers
GUARD, BOSS, THEN = "guard:zhao", "supervisor:wu", NOW + hours(1)
MINE = ("V8", "D6")


def arrived(session, heard=THEN):
    lot(session, policy={"checklist_required": True})
    checklist.ensure(session, session.scalars(select(ParkRow.id)).one())
    visit = visits.check_in(session, held(session, "B01").id, THEN, GUARD, HERE)
    if heard is not None:
        session.add(Watch(vehicle_id=visit.vehicle_id, state={}, last_time=heard))
    until = (NOW + hours(24 * 90)).date()
    for row in lists.of_visit(session, visit.id, THEN).lines:
        if row.row.code not in MINE:
            passed = Answer(CheckResult.PASS, until if row.row.document else None)
            checklist.answer(session, visit.id, row.row.code, passed, THEN, GUARD, HERE)
    return visit


def word(refused):
    return refused.value.reasons[0].word


def test_two_rows_need_nobody_and_stand_on_record_with_their_facts(session):
    assert {r.code for r in DEFAULT if r.self_check} == set(MINE)
    visit = arrived(session)
    assert checklist.conclude(session, visit.id, THEN, GUARD, HERE).outcome is Outcome.PASSED
    assert visit.state == VisitState.INSPECTED
    kept = session.scalars(select(CheckAnswer).where(CheckAnswer.by == "system")).all()
    assert [a.result for a in kept] == ["pass", "pass"]
    facts = [a.facts for a in session.scalars(select(Audit).where(Audit.actor == "system"))]
    assert {f["code"] for f in facts if "code" in f} == set(MINE)
    assert all(f["found"] for f in facts if "code" in f)
    shown = {x.row.code: x for x in lists.of_visit(session, visit.id, THEN + hours(9)).lines}
    assert shown["V8"].answer.result is CheckResult.PASS, "afterwards the record counts, not the hour"


@pytest.mark.parametrize("heard", [None, THEN - hours(1)])
def test_a_silent_terminal_holds_the_vehicle_until_it_is_heard(session, heard):
    visit = arrived(session, heard)
    for result in (CheckResult.PASS, CheckResult.NOT_APPLICABLE):
        with pytest.raises(Refused) as no:
            checklist.answer(session, visit.id, "V8", Answer(result), THEN, GUARD, HERE)
        assert word(no) == Refusal.CHECK_KNOWN
    assert checklist.conclude(session, visit.id, THEN, GUARD, HERE).outcome is Outcome.HOLD
    assert session.scalars(select(Restraint)).one().cause == "checklist"
    session.merge(Watch(vehicle_id=visit.vehicle_id, state={}, last_time=THEN))
    session.flush()
    assert checklist.conclude(session, visit.id, THEN, GUARD, HERE).outcome is Outcome.PASSED


def test_a_person_may_be_stricter_than_the_product(session):
    visit = arrived(session)
    bad = Answer(CheckResult.FAIL, None, "终端外壳破损")
    checklist.answer(session, visit.id, "V8", bad, THEN, GUARD, HERE)
    assert checklist.conclude(session, visit.id, THEN, GUARD, HERE).outcome is Outcome.HOLD


def test_who_is_banned_at_the_gate_is_refused_and_who_is_banned_later_is_not_let_in(session):
    visit = arrived(session)
    plate = visit.booking.plate
    checklist.conclude(session, visit.id, THEN, GUARD, HERE)
    ban = bans.ban(session, BanSubject.PLATE, plate, "多次违停", 365, THEN, BOSS, HERE)
    with pytest.raises(Refused) as no:
        visits.step(session, visit.id, VisitStep.ADMIT, THEN, GUARD, HERE)
    assert word(no) == Refusal.BANNED
    bans.lift(session, ban.id, "查明非其所为", THEN, BOSS, HERE)
    visits.step(session, visit.id, VisitStep.ADMIT, THEN, GUARD, HERE)


def test_an_open_violation_is_shown_and_judged_by_a_person(session):
    visit = arrived(session)
    session.add(
        Violation(
            vehicle_id=visit.vehicle_id, kind="illegal_stop", subject="x", started_at=NOW,
            certainty="certain", facts={}, seen_at=NOW,
        )
    )  # fmt: skip
    session.flush()
    with pytest.raises(Refused) as no:
        checklist.conclude(session, visit.id, THEN, GUARD, HERE)
    assert word(no) == Refusal.CHECKLIST_OPEN
    checklist.answer(session, visit.id, "D6", Answer(CheckResult.PASS), THEN, GUARD, HERE)
    assert checklist.conclude(session, visit.id, THEN, GUARD, HERE).outcome is Outcome.PASSED


def test_two_persons_set_a_finding_aside_but_not_the_next_one(session):
    visit = arrived(session)
    plate = visit.booking.plate
    with pytest.raises(Refused) as no:
        overrides.ask_check(session, visit.id, "D6", "急", THEN, STAFF, HERE)
    assert word(no) == Refusal.OVERRIDE_NOT_NEEDED
    bans.ban(session, BanSubject.PLATE, plate, "多次违停", 365, THEN, BOSS, HERE)
    for who in (GUARD, BOSS):
        with pytest.raises(Refused) as no:
            overrides.ask_check(session, visit.id, "D6", "急救物资", THEN, who, HERE)
        assert word(no) == Refusal.OVERRIDE_NOT_YOURS
    asked = overrides.ask_check(session, visit.id, "D6", "急救物资", THEN, STAFF, HERE)
    overrides.answer(session, asked.id, True, "同意，专人押送", THEN, BOSS, HERE)
    assert overrides.use(session, asked.id, THEN, STAFF, HERE) is None
    checklist.answer(session, visit.id, "D6", Answer(CheckResult.PASS), THEN, GUARD, HERE)
    assert checklist.conclude(session, visit.id, THEN, GUARD, HERE).outcome is Outcome.PASSED
    bans.ban(session, BanSubject.CARRIER, visit.booking.carrier, "资质吊销", 30, THEN, BOSS, HERE)
    with pytest.raises(Refused) as no:
        visits.step(session, visit.id, VisitStep.ADMIT, THEN, GUARD, HERE)
    assert [r.facts["reason"] for r in no.value.reasons] == ["资质吊销"]
