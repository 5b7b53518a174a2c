"""Nobody's word makes a dangerous vehicle harmless: what was in the tank stays until it is proven out."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from parking.models import CheckAnswer, Goods, ParkRow, Visit
from parking.queries import checklist as lists
from parking.queries import lot as lots
from parking.refused import Refused
from parking.rules.admission import CargoLine
from parking.rules.checklist import DEFAULT, Answer
from parking.services import cargo, checklist, visits
from parking.services.visits import Said
from parking.vocabulary import CheckResult, LoadState, Refusal, VisitState, VisitStep
from tests.factories import DRIVER, HERE, NOW, STAFF, held, hours, lot, parked, walk

pytestmark = pytest.mark.servers
GUARD, THEN = "guard:zhao", NOW + hours(1)
CLEAN, UNCLEANED, LOADED = LoadState.EMPTY_CLEAN, LoadState.EMPTY_UNCLEANED, LoadState.LOADED


def words(refused):
    return [r.word for r in refused.value.reasons]


def at_dock(session, bay="B01", **more):
    made = parked(session, bay, **more)
    visit = session.scalar(select(Visit).where(Visit.booking_id == made.id))
    walk(session, visit.id, THEN, VisitStep.CALL, VisitStep.DEPART_BAY, VisitStep.REACH_DOCK, dock="D2")
    return made, visit


def finish(session, visit, carries, *lines, actor=DRIVER, bill="YD-OUT"):
    said = Said(carries=carries, cargo=lines, waybill_out=bill)
    return visits.step(session, visit.id, VisitStep.FINISH_WORK, THEN, actor, HERE, said=said)


def test_a_driver_cannot_say_his_tank_clean(session):
    """It would count for nothing beside anybody and in no sum; only a certificate proves it."""
    lot(session)
    made, visit = at_dock(session)
    for actor in (DRIVER, STAFF):
        with pytest.raises(Refused) as no:
            finish(session, visit, CLEAN, actor=actor)
        assert words(no) == [Refusal.CLEAN_UNPROVEN]
    finish(session, visit, UNCLEANED)
    with pytest.raises(Refused) as no:
        cargo.declare(session, visit.id, CLEAN, (), "", THEN, STAFF, HERE)
    assert words(no) == [Refusal.CLEAN_UNPROVEN]
    assert lots.load_of(session, made).hazards == ("3",)


def test_what_is_left_in_the_tank_is_what_was_in_it(session):
    lot(session)
    made, visit = at_dock(session, "B05", un_number="1017")
    with pytest.raises(Refused) as no:
        finish(session, visit, UNCLEANED, CargoLine("3082", 0, True))
    assert words(no) == [Refusal.RESIDUE_MISSING]
    assert no.value.reasons[0].facts["un_numbers"] == "1017"
    finish(session, visit, UNCLEANED, CargoLine("1017", 0, True))
    assert "2.3" in lots.load_of(session, made).hazards


def test_what_was_loaded_at_the_dock_is_not_forgotten_either(session):
    lot(session)
    made, visit = at_dock(session, "B11", load_state=CLEAN, un_number=None, mass_kg=0)
    finish(session, visit, LOADED, CargoLine("1203", 20_000))
    with pytest.raises(Refused) as no:
        cargo.declare(session, visit.id, UNCLEANED, (), "", THEN, STAFF, HERE)
    assert words(no) == [Refusal.RESIDUE_MISSING]
    cargo.declare(session, visit.id, UNCLEANED, (CargoLine("1203", 0, True),), "", THEN, STAFF, HERE)
    assert lots.load_of(session, made).hazards == ("3",)


def test_who_came_clean_and_took_nothing_is_clean(session):
    lot(session)
    made, visit = at_dock(session, "B11", load_state=CLEAN, un_number=None, mass_kg=0)
    visits.step(session, visit.id, VisitStep.FINISH_WORK, THEN, DRIVER, HERE)
    cargo.declare(session, visit.id, CLEAN, (), "", THEN, STAFF, HERE)
    assert lots.load_of(session, made).hazards == ()


@pytest.mark.parametrize(
    ("carries", "lines", "word"),
    [
        (CLEAN, (CargoLine("1203", 5_000),), Refusal.EMPTY_WITH_MASS),
        (LOADED, (CargoLine("1203", 49_001),), Refusal.MASS_TOO_LARGE),
        (LOADED, (CargoLine("1203", 999_999_999),) * 6, Refusal.MASS_TOO_LARGE),
        (LOADED, (CargoLine("1203", 10),) * 10, Refusal.FIELD_TOO_LONG),
        (LOADED, (CargoLine("1203", 9_000), CargoLine("1942", 9_000)), Refusal.COMPARTMENTS_CLASH),
        (LOADED, (CargoLine("3222", 9_000),), Refusal.CLASS_NOT_ACCEPTED),
        (LOADED, (CargoLine("2912", 9_000),), Refusal.CLASS_NOT_ACCEPTED),
    ],
)
def test_cargo_put_right_at_the_gate_is_judged_like_cargo_booked(session, carries, lines, word):
    lot(session)
    explosive = {"name_zh": "自反应", "name_en": "Self-reactive", "source": "test"}
    session.add(Goods(un_number="3222", hazard_class="4.1", subsidiary=["1"], **explosive))
    visit = visits.check_in(session, held(session, "B01").id, THEN, GUARD, HERE)
    with pytest.raises(Refused) as no:
        cargo.correct(session, visit.id, carries, lines, THEN, GUARD, HERE)
    assert word in words(no)


def test_other_cargo_is_looked_at_from_the_beginning(session):
    """Inspected as petrol, corrected to something else: the answers were about the other cargo."""
    lot(session, policy={"checklist_required": True})
    checklist.ensure(session, session.scalars(select(ParkRow.id)).one())
    visit = visits.check_in(session, held(session, "B05").id, THEN, GUARD, HERE)
    until = (NOW + hours(24 * 90)).date()
    for line in lists.of_visit(session, visit.id, THEN).lines:
        if line.row.code not in ("V8", "D6"):
            passed = Answer(CheckResult.PASS, until if line.row.document else None)
            checklist.answer(session, visit.id, line.row.code, passed, THEN, GUARD, HERE)
    visits.step(session, visit.id, VisitStep.INSPECT, THEN, GUARD, HERE)
    cargo.correct(session, visit.id, LOADED, (CargoLine("1203", 28_000),), THEN, GUARD, HERE)
    assert visit.state == VisitState.INSPECTED, "nothing was changed"
    cargo.correct(session, visit.id, LOADED, (CargoLine("1230", 28_000),), THEN, GUARD, HERE)
    assert (visit.state, visit.inspected_at) == (VisitState.ARRIVED, None)
    assert session.scalars(select(CheckAnswer)).all() == []
    with pytest.raises(Refused) as no:
        visits.step(session, visit.id, VisitStep.ADMIT, THEN, GUARD, HERE)
    assert Refusal.CHECKLIST_OPEN in words(no)


def test_who_says_he_is_clean_at_the_gate_is_asked_for_his_certificate():
    rows = [r for r in DEFAULT if CLEAN in r.load_states]
    assert [r.code for r in rows] == ["V11"]
