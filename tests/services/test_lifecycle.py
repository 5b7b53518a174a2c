"""The failure branches of booking and visit, on the real database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from parking.models import Audit, Bay, Booking, Letter, Visit, Watch
from parking.queries import lot as lots
from parking.refused import Refused
from parking.rules.admission import CargoLine
from parking.services import bays, bookings, cargo, holding, overstay, restraints, visits
from parking.vocabulary import BookingState, LoadState, Refusal, VisitState, VisitStep
from tests.factories import DRIVER, HERE, NOW, STAFF, booked, held, hours, lot, parked, walk

pytestmark = pytest.mark.servers
GUARD, COKE, SUPERVISOR = "guard:zhao", "enterprise:coke", "supervisor:wu"
THEN = NOW + hours(1)


def words(refused):
    return [r.word for r in refused.value.reasons]


def arrived(session, bay="B01", now=THEN, **more):
    return visits.check_in(session, held(session, bay, **more).id, now, GUARD, HERE)


def bay_of(session, booking_id):
    hold = holding.live(session, booking_id)
    return session.get_one(Bay, hold.bay_id).code if hold else None


def test_both_have_to_agree_the_enterprise_first(session):
    lot(session, policy={"enterprise_approval": True})
    with pytest.raises(Refused) as no:
        booked(session)
    assert [r.field for r in no.value.reasons] == ["enterprise"]
    made = booked(session, enterprise="焦化厂")
    assert made.state == BookingState.SUBMITTED
    with pytest.raises(Refused) as no:
        bays.assign(session, made.id, "B01", NOW, STAFF, HERE)
    assert words(no) == [Refusal.STEP_ILLEGAL]
    with pytest.raises(Refused) as no:
        bookings.enterprise_approve(session, made.id, NOW, STAFF, HERE)
    assert words(no) == [Refusal.STEP_NOT_YOURS]
    bookings.enterprise_approve(session, made.id, NOW, COKE, HERE)
    bays.assign(session, made.id, "B01", NOW, STAFF, HERE)
    assert made.state == BookingState.APPROVED


def test_a_returned_booking_says_why_and_a_suspended_one_gives_its_bay_back(session):
    lot(session)
    made = held(session, "B01")
    for remark in ("", "  "):
        with pytest.raises(Refused) as no:
            bookings.suspend(session, made.id, remark, NOW, STAFF, HERE)
        assert words(no) == [Refusal.REMARK_MISSING]
    bookings.suspend(session, made.id, "雷电橙色预警", NOW, STAFF, HERE)
    assert (made.state, bay_of(session, made.id)) == (BookingState.SUSPENDED, None)
    with pytest.raises(Refused):
        visits.check_in(session, made.id, THEN, GUARD, HERE)
    bookings.resume(session, made.id, NOW, SUPERVISOR, HERE)
    bookings.return_(session, made.id, "押运员证件过期", NOW, STAFF, HERE)
    assert [r["remark"] for r in made.reasons] == ["雷电橙色预警", "押运员证件过期"]


def test_who_comes_early_waits_outside_and_is_let_in_when_its_time_comes(session):
    lot(session)
    made = held(session, "B01", window_start=NOW + hours(3), window_end=NOW + hours(6))
    with pytest.raises(Refused) as no:
        visits.check_in(session, made.id, NOW, DRIVER, HERE)
    assert words(no) == [Refusal.TOO_EARLY], "a driver's word from afar is no arrival"
    visit = visits.check_in(session, made.id, NOW, GUARD, HERE)
    assert visit.state == VisitState.WAITING_OUTSIDE
    assert visits.sweep(session, NOW + hours(1.9)) == 0
    assert visits.sweep(session, NOW + hours(2)) == 1
    assert visit.state == VisitState.ARRIVED


def test_who_is_let_in_but_never_parks_goes_missing_and_is_cried_out(session):
    lot(session)
    visit = arrived(session)
    walk(session, visit.id, THEN, VisitStep.ADMIT)
    assert visits.sweep(session, THEN + timedelta(minutes=30)) == 0
    assert visits.sweep(session, THEN + timedelta(minutes=31)) == 1
    assert visit.state == VisitState.MISSING
    assert session.scalars(select(Letter.name).where(Letter.name == "visit_alarm")).all() == ["visit_alarm"]
    walk(session, visit.id, THEN + hours(1), VisitStep.PARK)


def test_without_a_passed_checklist_nobody_is_let_in(session):
    lot(session, policy={"checklist_required": True})
    visit = arrived(session)
    with pytest.raises(Refused) as no:
        walk(session, visit.id, THEN, VisitStep.ADMIT)
    assert words(no) == [Refusal.CHECKLIST_OPEN]
    walk(session, visit.id, THEN, VisitStep.INSPECT, VisitStep.ADMIT)
    assert visit.inspected_at == visit.admitted_at == THEN


def test_an_inspected_vehicle_whose_bay_is_lost_queues_and_is_admitted_to_another(session):
    lot(session)
    visit = arrived(session)
    walk(session, visit.id, THEN, VisitStep.INSPECT)
    bays.set_out_of_service(session, "B01", "积水", THEN, STAFF, HERE)
    assert visit.state == VisitState.QUEUED
    with pytest.raises(Refused) as no:
        walk(session, visit.id, THEN, VisitStep.ADMIT)
    assert words(no) == [Refusal.BAY_NOT_CONFIRMED]
    bays.assign(session, visit.booking_id, "B02", THEN, STAFF, HERE)
    walk(session, visit.id, THEN, VisitStep.ADMIT, VisitStep.PARK)


def test_the_bay_of_one_that_stands_is_never_lost(session):
    lot(session)
    made = parked(session, "B01")
    bays.set_out_of_service(session, "B01", "积水", THEN, STAFF, HERE)
    overstay.sweep(session, THEN)
    assert bay_of(session, made.id) == "B01"


def test_cargo_found_different_is_corrected_and_another_bay_is_asked_for(session):
    lot(session)
    visit = arrived(session)
    with pytest.raises(Refused) as no:
        cargo.correct(session, visit.id, LoadState.LOADED, (CargoLine("9999", 1),), THEN, GUARD, HERE)
    assert words(no) == [Refusal.UN_NUMBER_UNKNOWN], "the unknown is never entered, it is isolated"
    cargo.correct(session, visit.id, LoadState.LOADED, (CargoLine("1942", 20_000),), THEN, GUARD, HERE)
    booking = session.get_one(Booking, visit.booking_id)
    assert (booking.hazard_class, bay_of(session, booking.id)) == ("5.1", None)
    facts = session.scalars(select(Audit.facts).where(Audit.action == "correct_cargo")).one()
    assert facts["before"] == [["1203", 28000]]
    bays.assign(session, booking.id, "B10", THEN, STAFF, HERE)
    walk(session, visit.id, THEN, VisitStep.ADMIT)


def test_a_leaking_vehicle_gets_the_isolation_bay_from_anywhere_and_only_so(session):
    lot(session)
    visit = arrived(session)
    with pytest.raises(Refused) as no:
        visits.step(session, visit.id, VisitStep.ISOLATE, THEN, GUARD, HERE)
    assert words(no) == [Refusal.REMARK_MISSING]
    visits.step(session, visit.id, VisitStep.ISOLATE, THEN, GUARD, HERE, remark="阀门渗漏")
    assert (visit.state, bay_of(session, visit.booking_id)) == (VisitState.ISOLATED, "B12")
    second = arrived(session, "B02")
    visits.step(session, second.id, VisitStep.ISOLATE, THEN, GUARD, HERE, remark="不明气味")
    assert second.state == VisitState.ISOLATED, "no free isolation bay stops nobody from isolating"
    with pytest.raises(Refused) as no:
        visits.step(session, visit.id, VisitStep.CHECK_OUT, THEN, DRIVER, HERE)
    assert words(no) == [Refusal.STEP_NOT_YOURS]
    with pytest.raises(Refused) as no:
        walk(session, visit.id, THEN, VisitStep.PARK)
    assert words(no) == [Refusal.BAY_NOT_CONFIRMED], "cleared, it needs an ordinary bay"
    bays.assign(session, visit.booking_id, "B03", THEN, STAFF, HERE)
    walk(session, visit.id, THEN, VisitStep.PARK)


def test_the_plant_refuses_and_the_vehicle_parks_again_with_what_it_brought(session):
    lot(session)
    made = parked(session, "B01")
    visit = session.scalar(select(Visit).where(Visit.booking_id == made.id))
    walk(
        session, visit.id, THEN, VisitStep.CALL, VisitStep.DEPART_BAY, VisitStep.REACH_DOCK,
        VisitStep.REFUSE_WORK, VisitStep.PARK,
    )  # fmt: skip
    assert lots.load_of(session, made).load_state is LoadState.LOADED


def test_an_unloaded_tank_keeps_its_last_cargo_until_a_certificate_is_entered(session):
    lot(session)
    made = parked(session, "B01")
    visit = session.scalar(select(Visit).where(Visit.booking_id == made.id))
    walk(
        session, visit.id, THEN, VisitStep.CALL, VisitStep.DEPART_BAY, VisitStep.REACH_DOCK,
        VisitStep.FINISH_WORK, VisitStep.LEAVE_DOCK,
    )  # fmt: skip
    load = lots.load_of(session, made)
    assert (load.load_state, load.hazards) == (LoadState.EMPTY_UNCLEANED, ("3",))
    walk(session, visit.id, THEN, VisitStep.WASH)
    with pytest.raises(Refused):
        cargo.washed(session, visit.id, " ", THEN, GUARD, HERE)
    cargo.washed(session, visit.id, "QX-2026-17", THEN, GUARD, HERE)
    assert lots.load_of(session, made).hazards == ()


def test_a_restraint_keeps_a_vehicle_until_it_is_lifted_but_never_in_an_emergency(session):
    lot(session)
    made = parked(session, "B01")
    visit = session.scalar(select(Visit).where(Visit.booking_id == made.id))
    restraint = restraints.restrain(session, visit.id, "轮胎漏气", "staff", THEN, GUARD, HERE)
    for word in (VisitStep.CALL, VisitStep.DEPART_BAY, VisitStep.CHECK_OUT):
        with pytest.raises(Refused) as no:
            walk(session, visit.id, THEN, word)
        assert words(no) == [Refusal.RESTRAINED]
    walk(session, visit.id, THEN, VisitStep.EVACUATE)
    walk(session, visit.id, THEN, VisitStep.COME_BACK)
    assert visit.state == VisitState.ARRIVED
    restraints.lift(session, restraint.id, "已修好", THEN, SUPERVISOR, HERE)
    with pytest.raises(Refused) as no:
        restraints.lift(session, restraint.id, "已修好", THEN, SUPERVISOR, HERE)
    assert words(no) == [Refusal.NOT_RESTRAINED]


def test_a_visit_is_closed_when_seen_outside_and_inferred_only_after_the_exit(session):
    lot(session)
    seen, unseen = parked(session, "B01"), parked(session, "B02")
    both = [session.scalar(select(Visit).where(Visit.booking_id == b.id)) for b in (seen, unseen)]
    assert visits.sweep(session, THEN + hours(9)) == 0, "silence alone ends nothing"
    for visit in both:
        walk(session, visit.id, THEN, VisitStep.CHECK_OUT)
    session.add(
        Watch(
            vehicle_id=both[0].vehicle_id, state={}, last_time=THEN + timedelta(minutes=5),
            lon=110.5, lat=35.1, speed_kmh=40.0, heading=0,
        )
    )  # fmt: skip
    session.flush()
    _draw_boundary(session)
    assert visits.sweep(session, THEN + timedelta(minutes=10)) == 1
    assert [v.state for v in both] == [VisitState.CLOSED, VisitState.EXITED]
    assert visits.sweep(session, THEN + timedelta(minutes=31)) == 1
    assert both[1].state == VisitState.CLOSED_INFERRED


def _draw_boundary(session):
    from shapely import box, to_wkb

    from parking.models import LayerVersion, ParkRow
    from parking.queries import park as parks

    park = session.scalars(select(ParkRow)).one()
    session.add(
        LayerVersion(
            park_id=park.id, kind="boundary", code="BD", name_zh="界", name_en="boundary",
            wkb=to_wkb(box(110.9, 35.6, 111, 35.7)), attributes={}, sha256="b" * 64, loaded_at=NOW,
        )
    )  # fmt: skip
    session.flush()
    parks._cache.clear()


def test_every_step_is_on_record_with_who_when_and_where(session):
    lot(session)
    made = parked(session, "B01")
    visit = session.scalar(select(Visit).where(Visit.booking_id == made.id))
    walk(session, visit.id, THEN, VisitStep.CHECK_OUT)
    trail = session.execute(
        select(Audit.action, Audit.actor, Audit.at, Audit.source)
        .where((Audit.subject == "visit") & (Audit.subject_id == visit.id))
        .order_by(Audit.id)
    ).all()
    assert [row.action for row in trail] == ["check_in", "admit", "park", "check_out"]
    assert all(row.actor and row.at and row.source for row in trail)
