"""A warning keeps outside what it holds, and nothing else; closed hours keep a class outside by the clock."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from parking.db import transaction
from parking.models import Audit, ParkRow, Visit, WarningRow
from parking.queries import queue as queues
from parking.queries import warnings as queries
from parking.refused import Refused
from parking.rules.admission import CargoLine
from parking.rules.policy import Policy
from parking.services import bays, bookings, overrides, queue, visits, warnings
from parking.services.visits import Said
from parking.services.warnings import Bulletin
from parking.vocabulary import LoadState, Refusal, VisitState, VisitStep, WarningLevel
from tests.factories import HERE, NOW, STAFF, booked, form, held, hours, lot, parked, walk
from tests.services.test_booking_races import race, won

pytestmark = pytest.mark.servers
GUARD, BOSS = "guard:zhao", "supervisor:wu"
DAY = hours(1)  # the booked windows begin one hour after NOW


def bulletin(**changes):
    values = {
        "kind": "lightning",
        "level": WarningLevel.ORANGE,
        "issuer": "运城市气象台",
        "original": "雷电橙色预警",
    }
    return Bulletin(**{**values, **changes})


def warn(session, now=NOW, **changes):
    return warnings.enter(session, bulletin(**changes), now, STAFF, HERE)


def words(refused):
    return [r.word for r in refused.value.reasons]


def night(session, made, begins="22:00", ends="06:00", classes=("3",)):
    """Give the park of a lot closed hours."""
    park = session.get_one(ParkRow, made.park_id)
    closed = [{"classes": list(classes), "from": begins, "to": ends, "reason": "夜间禁行"}]
    park.settings = {**park.settings, "rules": {"forbidden_hours": closed}}
    session.flush()


def test_it_keeps_the_held_class_outside_and_lets_the_others_in(session: Session):
    lot(session)
    petrol, acid = held(session, "B01"), held(session, "B05", un_number="1830")
    warn(session)
    with pytest.raises(Refused) as no:
        visits.check_in(session, petrol.id, NOW + DAY, GUARD, HERE)
    assert words(no) == [Refusal.WEATHER_HOLD]
    assert no.value.reasons[0].facts["hazard_class"] == ("3",)
    visit = visits.check_in(session, acid.id, NOW + DAY, GUARD, HERE)
    walk(session, visit.id, NOW + DAY, VisitStep.ADMIT, VisitStep.PARK)
    assert visit.state == VisitState.PARKED


def test_a_subsidiary_hazard_in_the_last_compartment_is_held_too(session: Session):
    lot(session)
    made = held(session, "B05", un_number="3082", further=(CargoLine("1230", 5_000),))
    warn(session, kind="fog")  # orange of any kind holds 6.1, which is methanol's second hazard
    with pytest.raises(Refused) as no:
        visits.check_in(session, made.id, NOW + DAY, GUARD, HERE)
    assert no.value.reasons[0].facts["hazard_class"] == ("6.1",)


def test_who_read_the_clock_just_before_the_warning_and_waited_for_the_lot_is_held(session: Session):
    lot(session)
    made = held(session, "B01")
    at = made.window_start
    warn(session, at)
    with pytest.raises(Refused):
        visits.check_in(session, made.id, at - hours(5 / 3600), GUARD, HERE)


def test_residues_are_held_and_a_cleaned_vehicle_is_not(session: Session):
    lot(session)
    dirty = held(session, "B01", load_state=LoadState.EMPTY_UNCLEANED, mass_kg=0)
    clean = held(session, "B11", load_state=LoadState.EMPTY_CLEAN, un_number=None, mass_kg=0)
    warn(session, level=WarningLevel.RED)
    with pytest.raises(Refused):
        visits.check_in(session, dirty.id, NOW + DAY, GUARD, HERE)
    assert visits.check_in(session, clean.id, NOW + DAY, GUARD, HERE).state == VisitState.ARRIVED


def test_a_warning_that_comes_while_it_waits_at_the_gate_holds_it_there_until_it_ends(session: Session):
    lot(session)
    made = held(session, "B01")
    at = made.window_start
    visit = visits.check_in(session, made.id, at, GUARD, HERE)
    warn(session, at, until=at + hours(2))
    with pytest.raises(Refused) as no:
        walk(session, visit.id, at, VisitStep.ADMIT)
    assert Refusal.WEATHER_HOLD in words(no)
    walk(session, visit.id, at + hours(2), VisitStep.ADMIT)
    assert visit.state == VisitState.ADMITTED, "it ends at its time, swept or not"


def test_who_is_inside_is_not_called_forward_keeps_its_place_and_may_leave(session: Session):
    lot(session)
    petrol, acid = parked(session, "B01"), parked(session, "B05", un_number="1830")
    at = petrol.window_start
    first, second = (
        session.scalars(select(Visit).where(Visit.booking_id == b.id)).one() for b in (petrol, acid)
    )
    for visit in (first, second):
        queue.join(session, visit.id, "D2", at, STAFF, HERE)
    warn(session, at)
    with pytest.raises(Refused) as no:
        walk(session, first.id, at, VisitStep.CALL, dock="D2")
    assert Refusal.WEATHER_HOLD in words(no)
    line = queues.line(session, "D2", at, Policy())
    assert [w.plate for w in line] == [petrol.plate, acid.plate]
    assert [r.word for r in line[0].held_back] == [Refusal.WEATHER_HOLD]
    assert not line[1].held_back
    assert queue.call_next(session, "D2", at, STAFF, HERE).id == second.id, "the next one is called"
    walk(session, first.id, at, VisitStep.DEPART_BAY, VisitStep.CHECK_OUT)
    assert first.state == VisitState.EXITED, "leaving is never held"


def test_called_already_it_stays_in_its_bay_and_still_may_turn_back(session: Session):
    lot(session)
    petrol = parked(session, "B01")
    at = petrol.window_start
    visit = session.scalars(select(Visit).where(Visit.booking_id == petrol.id)).one()
    walk(session, visit.id, at, VisitStep.CALL)
    warn(session, at)
    with pytest.raises(Refused) as no:
        visits.step(session, visit.id, VisitStep.DEPART_BAY, at, f"driver:{petrol.code}", HERE)
    assert words(no) == [Refusal.WEATHER_HOLD]
    walk(session, visit.id, at, VisitStep.CANCEL_STAY)
    assert visit.state == VisitState.EN_ROUTE_OUT


def test_an_evacuated_vehicle_does_not_come_back_in_under_a_warning(session: Session):
    lot(session)
    petrol = parked(session, "B01")
    at = petrol.window_start
    visit = session.scalars(select(Visit).where(Visit.booking_id == petrol.id)).one()
    warn(session, at)
    visits.step(session, visit.id, VisitStep.EVACUATE, at, STAFF, HERE, remark="雷击")
    walk(session, visit.id, at, VisitStep.COME_BACK)
    with pytest.raises(Refused) as no:
        walk(session, visit.id, at, VisitStep.ADMIT)
    assert Refusal.WEATHER_HOLD in words(no)


def test_it_is_lifted_with_a_word_once_and_on_record(session: Session):
    lot(session)
    made, one = held(session, "B01"), warn(session)
    with pytest.raises(Refused) as no:
        warnings.lift(session, one.id, " ", NOW, STAFF, HERE)
    assert words(no) == [Refusal.REMARK_MISSING]
    warnings.lift(session, one.id, "气象台 10:20 解除", NOW + hours(1), BOSS, HERE)
    again = warnings.lift(session, one.id, "又一次", NOW + hours(2), STAFF, HERE)
    assert (again.lifted_at, again.lifted_by) == (NOW + hours(1), BOSS)
    assert visits.check_in(session, made.id, NOW + DAY, GUARD, HERE)
    acts = session.scalars(select(Audit.action).where(Audit.subject == "warning").order_by(Audit.id)).all()
    assert acts == ["warning", "warning_lifted"]
    with pytest.raises(Refused) as no:
        warnings.lift(session, 10**9, "x", NOW, STAFF, HERE)
    assert words(no) == [Refusal.WARNING_UNKNOWN]


@pytest.mark.parametrize("actor", [GUARD, "driver:ABCD2345", "admin:root", "enterprise:coke", "system"])
def test_only_dispatcher_and_supervisor_write_down_and_lift(session: Session, actor):
    lot(session)
    with pytest.raises(Refused) as no:
        warnings.enter(session, bulletin(), NOW, actor, HERE)
    assert words(no) == [Refusal.WARNING_NOT_YOURS]
    one = warn(session)
    with pytest.raises(Refused):
        warnings.lift(session, one.id, "解除", NOW, actor, HERE)
    assert queries.holding(session, NOW)


def test_what_cannot_be_meant_is_refused(session: Session):
    lot(session)
    with pytest.raises(Refused) as no:
        warn(session, kind="frogs", level="purple", issuer="", original=" ", until=NOW - hours(1))
    assert words(no) == [
        Refusal.FIELD_MISSING, Refusal.FIELD_MISSING, Refusal.CHOICE_UNKNOWN, Refusal.CHOICE_UNKNOWN,
        Refusal.WARNING_OVER,
    ]  # fmt: skip
    with pytest.raises(Refused) as no:
        warn(session, since=NOW.replace(tzinfo=None))
    assert words(no) == [Refusal.TIME_MALFORMED]


def test_written_down_twice_it_is_one_for_as_long_as_the_longer(session: Session):
    lot(session)
    one = warn(session, until=NOW + hours(2))
    assert warn(session, NOW + hours(1), until=NOW + hours(1.5)).id == one.id
    assert one.until == NOW + hours(2), "a shorter copy shortens nothing"
    assert warn(session, NOW + hours(1), until=NOW + hours(5)).id == one.id
    assert one.until == NOW + hours(5)
    assert warn(session, NOW + hours(1)).id == one.id
    assert one.until is None
    assert warn(session, NOW + hours(1), level=WarningLevel.RED).id != one.id
    warnings.lift(session, one.id, "解除", NOW + hours(2), STAFF, HERE)
    assert warn(session, NOW + hours(3)).id != one.id, "what is over does not come back to life"


def test_two_who_press_at_once_make_one_warning(engine):
    with transaction(engine) as session:
        lot(session)

    def press(actor):
        def act(session):
            return warnings.enter(session, bulletin(), NOW, actor, HERE).id

        return act

    results = race(engine, *(press(a) for a in (STAFF, BOSS, STAFF, BOSS)))
    assert len(won(results)) == 4
    with transaction(engine) as session:
        assert len(session.scalars(select(WarningRow)).all()) == 1
        assert len(session.scalars(select(Audit).where(Audit.action == "warning")).all()) == 1


def test_its_end_is_put_on_record_once(session: Session):
    lot(session)
    one = warn(session, until=NOW + hours(1))
    assert warnings.sweep(session, NOW + hours(0.9)) == 0
    assert warnings.sweep(session, NOW + hours(2)) == 1
    assert (one.lifted_at, one.lifted_by) == (NOW + hours(1), "system")
    assert warnings.sweep(session, NOW + hours(3)) == 0
    assert not queries.holding(session, NOW + hours(1))


def test_cargo_declared_at_the_gate_counts_and_the_unknown_is_held_by_the_mildest(session: Session):
    lot(session)
    warn(session, level=WarningLevel.BLUE)
    made = parked(session, "B11", load_state=LoadState.EMPTY_CLEAN, un_number=None, mass_kg=0)
    at = made.window_start
    visit = session.scalars(select(Visit).where(Visit.booking_id == made.id)).one()
    walk(session, visit.id, at, VisitStep.CALL, VisitStep.DEPART_BAY, VisitStep.REACH_DOCK)
    visits.step(session, visit.id, VisitStep.FINISH_WORK, at, STAFF, HERE, said=Said())
    visits.step(session, visit.id, VisitStep.EVACUATE, at, STAFF, HERE, remark="疏散")
    walk(session, visit.id, at, VisitStep.COME_BACK)
    with pytest.raises(Refused) as no:
        walk(session, visit.id, at, VisitStep.ADMIT)
    assert no.value.reasons[0].word == Refusal.WEATHER_HOLD
    assert no.value.reasons[0].facts["hazard_class"] == ("?",)


def test_a_bay_may_be_given_and_the_dispatcher_is_told(session: Session):
    lot(session)
    soon = booked(session, window_start=NOW + hours(0.2))
    later = booked(session, window_start=NOW + hours(20), window_end=NOW + hours(22))
    warn(session)
    said = [[r.word for r in bays.suggest(session, b.id, NOW)[0].reasons] for b in (soon, later)]
    assert [Refusal.WEATHER_HOLD in words for words in said] == [True, False]
    assert bays.assign(session, soon.id, "B01", NOW, STAFF, HERE)


def test_a_booking_that_would_arrive_in_closed_hours_is_not_taken(session: Session):
    made = lot(session)
    night(session, made)
    late = NOW + hours(14.5)  # 22:30 in the park
    with pytest.raises(Refused) as no:
        bookings.request(session, form(window_start=late, window_end=late + hours(4)), NOW, "driver:x", HERE)
    assert words(no) == [Refusal.HOURS_FORBIDDEN]
    assert no.value.reasons[0].field == "window_start"
    assert booked(session, un_number="1830", window_start=late, window_end=late + hours(4))
    back = booked(session)
    bookings.return_(session, back.id, "改期", NOW, STAFF, HERE)
    with pytest.raises(Refused) as no:
        bookings.edit(session, back.id, form(window_start=late, window_end=late + hours(4)), NOW, STAFF, HERE)
    assert words(no) == [Refusal.HOURS_FORBIDDEN]
    with pytest.raises(Refused):  # its window began before the night, but it is night now
        booked(session, late, window_start=late - hours(2), window_end=late + hours(2))


def test_at_night_it_waits_at_the_gate_unless_two_persons_open_it(session: Session):
    made = lot(session)
    night(session, made)
    booking = held(session, "B01", window_start=NOW + hours(13), window_end=NOW + hours(19))
    at = NOW + hours(14.5)
    visit = visits.check_in(session, booking.id, at, GUARD, HERE)
    with pytest.raises(Refused) as no:
        walk(session, visit.id, at, VisitStep.ADMIT)
    assert words(no) == [Refusal.HOURS_FORBIDDEN]
    one = overrides.ask(session, booking.id, "B01", "救援物资", at, STAFF, HERE)
    overrides.answer(session, one.id, True, "同意，专人引导", at, BOSS, HERE)
    overrides.use(session, one.id, at, STAFF, HERE)
    storm = warn(session, at)
    with pytest.raises(Refused) as no:
        walk(session, visit.id, at, VisitStep.ADMIT)
    assert words(no) == [Refusal.WEATHER_HOLD], "nobody opens the gate against the weather"
    warnings.lift(session, storm.id, "解除", at, STAFF, HERE)
    walk(session, visit.id, at, VisitStep.ADMIT, VisitStep.PARK)
    assert visit.state == VisitState.PARKED


def test_an_override_of_a_bay_asked_for_at_night_opens_no_hour_of_another_day(session: Session):
    made = lot(session)
    night(session, made)
    booking = booked(session, window_start=NOW + hours(26), window_end=NOW + hours(30))
    one = overrides.ask(session, booking.id, "B11", "其他泊位积水", NOW + hours(15), STAFF, HERE)
    assert [r["word"] for r in one.refusals] == ["bay_class", "bay_load_state"]
