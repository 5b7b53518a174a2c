"""Two persons, one act, used once; and what nobody may override."""

from __future__ import annotations

import pytest

from parking.db import transaction
from parking.refused import Refused
from parking.services import bays, overrides, visits
from parking.vocabulary import OverrideState, Refusal, VisitState, VisitStep
from tests.factories import HERE, NOW, STAFF, booked, held, hours, lot, walk
from tests.services.test_booking_races import race, won, words

pytestmark = pytest.mark.servers
BOSS = "supervisor:wu"


def reasons(refused):
    return [r.word for r in refused.value.reasons]


def asked(session, bay="B11"):
    """Petrol into the bay for empty, clean vehicles: its class and its load state are against it."""
    made = booked(session)
    return made, overrides.ask(session, made.id, bay, "其他泊位积水", NOW, STAFF, HERE)


def test_another_person_of_another_duty_answers_and_it_serves_once(session):
    lot(session)
    made, one = asked(session)
    for who in (STAFF, "supervisor:li", "guard:wu"):
        with pytest.raises(Refused) as no:
            overrides.answer(session, one.id, True, "同意", NOW, who, HERE)
        assert reasons(no) == [Refusal.OVERRIDE_NOT_YOURS]
    with pytest.raises(Refused):
        overrides.use(session, one.id, NOW, STAFF, HERE)
    overrides.answer(session, one.id, True, "同意，派人看守", NOW, BOSS, HERE)
    overrides.use(session, one.id, NOW, STAFF, HERE)
    assert one.state == OverrideState.SPENT
    with pytest.raises(Refused) as no:
        overrides.use(session, one.id, NOW, STAFF, HERE)
    assert reasons(no) == [Refusal.OVERRIDE_OVER]
    visit = visits.check_in(session, made.id, NOW + hours(1), "guard:zhao", HERE)
    walk(session, visit.id, NOW + hours(1), VisitStep.ADMIT, VisitStep.PARK)
    assert visit.state == VisitState.PARKED, "what was granted for this bay holds at the gate too"


def test_it_is_for_this_bay_alone_and_runs_out(session):
    lot(session)
    made, one = asked(session)
    overrides.answer(session, one.id, True, "同意", NOW, BOSS, HERE)
    with pytest.raises(Refused):
        bays.assign(session, made.id, "B09", NOW, STAFF, HERE)
    with pytest.raises(Refused) as no:
        overrides.use(session, one.id, NOW + hours(1), STAFF, HERE)
    assert reasons(no) == [Refusal.OVERRIDE_OVER]
    _, late = asked(session)
    with pytest.raises(Refused):
        overrides.answer(session, late.id, True, "同意", NOW + hours(1), BOSS, HERE)


def test_nobody_overrides_segregation_isolation_or_a_taken_bay(session):
    lot(session)
    held(session, "B09", un_number="1942")
    made = booked(session)
    for bay, word in (
        ("B10", Refusal.BAY_NEIGHBOUR),
        ("B12", Refusal.BAY_ISOLATION),
        ("B09", Refusal.BAY_TAKEN),
    ):
        with pytest.raises(Refused) as no:
            overrides.ask(session, made.id, bay, "急", NOW, STAFF, HERE)
        assert word in reasons(no)
    with pytest.raises(Refused) as no:
        overrides.ask(session, made.id, "B01", "急", NOW, STAFF, HERE)
    assert reasons(no) == [Refusal.OVERRIDE_NOT_NEEDED]


def test_what_changed_since_it_was_granted_is_not_covered(session):
    lot(session)
    made, one = asked(session, "B11")
    overrides.answer(session, one.id, True, "同意", NOW, BOSS, HERE)
    held(session, "B10", un_number="1942")
    with pytest.raises(Refused) as no:
        overrides.use(session, one.id, NOW, STAFF, HERE)
    assert reasons(no) == [Refusal.BAY_NEIGHBOUR]
    assert made.state == "enterprise_approved"


def test_one_override_used_twice_in_the_same_instant_serves_once(engine):
    with transaction(engine) as session:
        lot(session)
        _, one = asked(session)
        overrides.answer(session, one.id, True, "同意", NOW, BOSS, HERE)
        number = one.id
    outcomes = race(engine, *[lambda s: overrides.use(s, number, NOW, STAFF, HERE).id] * 3)
    assert len(won(outcomes)) == 1
    assert words(outcomes) == {Refusal.OVERRIDE_OVER}


def test_two_answers_in_the_same_instant_are_one(engine):
    with transaction(engine) as session:
        lot(session)
        number = asked(session)[1].id
    outcomes = race(
        engine,
        *(
            lambda s, y=yes: overrides.answer(s, number, y, "答复", NOW, BOSS, HERE).id
            for yes in (True, False)
        ),
    )
    assert len(won(outcomes)) == 1
