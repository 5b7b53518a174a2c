"""A vehicle that does not leave keeps its bay; who waits for the bay learns it in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from parking.models import Audit, Booking, Hold, Letter, ParkRow, Violation, Visit
from parking.queries import violations
from parking.refused import Refused
from parking.services import bays, bookings, overstay, visits
from parking.speech import say
from parking.vocabulary import BookingState, Purpose, Refusal, ViolationKind, VisitStep
from tests.factories import DRIVER, HERE, NOW, STAFF, booked, held, hours, lot, parked, walk

pytestmark = pytest.mark.servers

END = NOW + hours(5)  # the booked end of everyone in these stories
MINUTE = timedelta(minutes=1)


def hold_of(session, booking):
    return session.scalar(select(Hold).where(Hold.booking_id == booking.id, Hold.state != "released"))


def lost(session):
    return session.scalar(select(func.count()).select_from(Letter).where(Letter.name == "bay_lost"))


def test_a_vehicle_in_time_changes_nothing(session):
    lot(session)
    parked(session, "B01")
    assert overstay.sweep(session, END - 5 * MINUTE) == 0


def test_the_hold_of_a_vehicle_still_here_always_reaches_ahead(session):
    lot(session)
    made = parked(session, "B01")
    for minute in range(0, 300, 7):
        now = END + minute * MINUTE
        overstay.sweep(session, now)
        assert hold_of(session, made).during.upper >= now + 15 * MINUTE


def test_who_waits_for_the_bay_loses_it_and_asks_again(session):
    lot(session)
    parked(session, "B01")
    waits = held(session, "B01", window_start=END + 15 * MINUTE, window_end=END + hours(3))
    overstay.sweep(session, END)
    assert waits.state == BookingState.APPROVED
    overstay.sweep(session, END + MINUTE)
    session.refresh(waits)
    assert (waits.state, hold_of(session, waits), lost(session)) == (
        BookingState.ENTERPRISE_APPROVED,
        None,
        1,
    )
    assert session.scalar(select(Audit.facts).where(Audit.action == "bay_lost"))["why"].startswith(
        "overstay of"
    )


def test_who_waits_beside_an_overstayer_he_may_not_stand_beside_loses_too(session):
    lot(session)
    parked(session, "B08")
    beside = held(session, "B09", un_number="1942", window_start=END + 15 * MINUTE, window_end=END + hours(3))
    friend = held(session, "B01", window_start=END + 15 * MINUTE, window_end=END + hours(3))
    overstay.sweep(session, END + MINUTE)
    session.refresh(beside)
    session.refresh(friend)
    assert (beside.state, friend.state) == (BookingState.ENTERPRISE_APPROVED, BookingState.APPROVED)


def test_a_truck_already_at_the_gate_loses_the_bay_and_stays_at_the_gate(session):
    lot(session)
    parked(session, "B01")
    after = held(session, "B01", window_start=END + 15 * MINUTE, window_end=END + hours(3))
    visit = visits.check_in(session, after.id, END - 30 * MINUTE, DRIVER, HERE)
    overstay.sweep(session, END + MINUTE)
    session.refresh(after)
    assert (after.state, hold_of(session, after), visit.state) == (BookingState.USED, None, "arrived")
    with pytest.raises(Refused) as no:
        walk(session, visit.id, END + 2 * MINUTE, VisitStep.ADMIT)
    assert no.value.reasons[0].word is Refusal.BAY_NOT_CONFIRMED
    bays.assign(session, after.id, "B03", END + 2 * MINUTE, STAFF, HERE)
    walk(session, visit.id, END + 2 * MINUTE, VisitStep.ADMIT, VisitStep.PARK)


@pytest.mark.parametrize("swept", [True, False])
def test_an_overdue_bay_is_given_to_nobody_even_if_no_sweep_ever_ran(session, swept):
    lot(session)
    parked(session, "B01")
    late = END + hours(1)
    if swept:
        overstay.sweep(session, late)
    for begins in (late, late + hours(24 * 7)):
        with pytest.raises(Refused) as no:
            held(session, "B01", now=late, window_start=begins, window_end=begins + hours(1))
        assert no.value.reasons[0].word is Refusal.BAY_TAKEN


@pytest.mark.parametrize("swept", [True, False])
def test_nothing_incompatible_comes_beside_an_overdue_vehicle(session, swept):
    lot(session)
    parked(session, "B08")
    late = END + hours(1)
    if swept:
        overstay.sweep(session, late)
    made = booked(session, late, un_number="1942", window_start=late, window_end=late + hours(2))
    blocked = {s.bay_code: s.blocked for s in bays.suggest(session, made.id, late)}
    assert blocked["B09"][0].word is Refusal.BAY_NEIGHBOUR
    with pytest.raises(Refused):
        bays.assign(session, made.id, "B09", late, STAFF, HERE)


def test_without_any_sweep_the_next_truck_is_still_stopped_at_the_gate(session):
    """The bay was promised before; the vehicle in it never left; the gate looks at what stands there."""
    lot(session)
    parked(session, "B01")
    after = held(session, "B01", window_start=END + hours(1), window_end=END + hours(3))
    visit = visits.check_in(session, after.id, END + hours(1), DRIVER, HERE)
    with pytest.raises(Refused) as no:
        walk(session, visit.id, END + hours(1), VisitStep.ADMIT)
    assert {r.word for r in no.value.reasons} == {Refusal.BAY_TAKEN}


def test_without_any_sweep_an_incompatible_neighbour_is_still_stopped_at_the_gate(session):
    lot(session)
    parked(session, "B08")
    after = held(session, "B09", un_number="1942", window_start=END + hours(1), window_end=END + hours(3))
    visit = visits.check_in(session, after.id, END + hours(1), DRIVER, HERE)
    with pytest.raises(Refused) as no:
        walk(session, visit.id, END + hours(1), VisitStep.ADMIT)
    assert {r.word for r in no.value.reasons} == {Refusal.BAY_NEIGHBOUR}


def test_an_overstay_is_one_violation_that_climbs_the_ladder_and_ends_with_the_exit(session):
    lot(session, policy={"park_stay_h": 1000})
    made = parked(session, "B01")
    heard = []
    for minute in range(0, 180, 5):
        overstay.sweep(session, END + minute * MINUTE)
        seen = session.scalars(
            select(Letter)
            .where(Letter.name.in_(("violation_seen", "violation_escalated")))
            .order_by(Letter.id)
        ).all()
        heard += [(minute, seen[i].payload.get("rung", "seen")) for i in range(len(heard), len(seen))]
    assert heard == [(20, "seen"), (60, "supervisor"), (120, "enforcement")]
    violation = session.scalars(select(Violation)).one()
    assert (violation.subject, violation.started_at, violation.ended_at) == ("bay", END + 15 * MINUTE, None)
    visit = session.scalars(select(Visit).where(Visit.booking_id == made.id)).one()
    walk(session, visit.id, END + hours(3), VisitStep.CHECK_OUT)
    session.refresh(violation)
    assert violation.ended_at == END + hours(3)
    assert overstay.sweep(session, END + hours(4)) == 0


def test_the_park_has_a_clock_of_its_own_counted_from_this_very_admission(session):
    lot(session)
    parked(session, "B01", window_end=NOW + hours(20))
    admitted = NOW + hours(1)
    overstay.sweep(session, admitted + hours(6))
    assert session.scalars(select(Violation)).all() == []
    overstay.sweep(session, admitted + hours(6) + MINUTE)
    violation = session.scalars(select(Violation)).one()
    assert (violation.subject, violation.started_at) == ("park", admitted + hours(6))
    assert "应于 2026-03-02 15:00:00 前离园（泊位 B01）" in say(
        ViolationKind.OVERSTAY, violations.one(session, violation.id).spoken_facts()
    )


def test_a_truck_at_the_gate_is_late_for_nothing(session):
    lot(session)
    made = held(session, "B01")
    visits.check_in(session, made.id, END - hours(1), DRIVER, HERE)
    overstay.sweep(session, END + hours(9))
    assert session.scalars(select(Violation)).all() == []


def test_after_the_exit_the_bay_is_free_at_once(session):
    lot(session)
    made = parked(session, "B01")
    late = END + hours(1)
    overstay.sweep(session, late)
    visit = session.scalars(select(Visit).where(Visit.booking_id == made.id)).one()
    walk(session, visit.id, late + MINUTE, VisitStep.CHECK_OUT)
    assert held(session, "B01", now=late + MINUTE, window_start=late + MINUTE, window_end=late + hours(2))


def test_expiry_never_touches_a_vehicle_that_is_here(session):
    lot(session)
    made = parked(session, "B01")
    bookings.sweep(session, END + hours(48))
    session.refresh(made)
    assert made.state == BookingState.USED
    assert session.scalar(select(func.count()).select_from(Booking)) == 1


def test_the_shortest_of_purpose_zone_park_and_booking_is_the_limit(session):
    """min(purpose, zone, park, booked end and grace); a purpose nobody told is bound by every limit."""
    made = lot(session)
    park = session.get_one(ParkRow, made.park_id)
    limits = [
        {"hours": 1, "purposes": ["to_wait"], "reason": "只停不装卸"},
        {"hours": 3, "purposes": ["to_load", "to_unload"]},
    ]
    park.settings = {**park.settings, "rules": {"stay_limits": limits}}
    session.flush()
    told = ((Purpose.WAIT, 1), (Purpose.UNLOAD, 3), (Purpose.WASH, None), (None, 1))
    for n, (purpose, longest) in enumerate(told, 1):
        asks = booked(session, purpose=purpose, window_end=NOW + hours(1 + (longest or 9)))
        bays.assign(session, asks.id, f"B0{n}", NOW, STAFF, HERE)
        if longest:
            more = booked(session, purpose=purpose, window_end=NOW + hours(1.1 + longest))
            with pytest.raises(Refused) as refused:
                bays.assign(session, more.id, "B08", NOW, STAFF, HERE)
            assert refused.value.reasons[0].facts["hours"] == str(longest)
        visit = visits.check_in(session, asks.id, asks.window_start, DRIVER, HERE)
        walk(session, visit.id, asks.window_start, VisitStep.ADMIT, VisitStep.PARK)
        asks.window_end = NOW + hours(48)  # only the other clocks are asked here
    session.flush()
    overstay.sweep(session, NOW + hours(2) + MINUTE)
    found = session.execute(select(Booking.purpose, Violation.subject).join(Violation)).all()
    assert sorted(found, key=str) == sorted([("to_wait", "zone"), (None, "zone")], key=str)
    overstay.sweep(session, NOW + hours(7) + MINUTE)
    found = session.execute(select(Booking.purpose, Violation.subject).join(Violation)).all()
    assert {("to_unload", "zone"), ("to_wash", "park")} <= set(map(tuple, found))
    assert ("to_wash", "zone") not in found


def test_a_zone_may_allow_a_class_only_a_short_stay(session):
    made = lot(session)
    stands = parked(session, "B01")
    park = session.get_one(ParkRow, made.park_id)
    short = {"hours": 2, "zones": ["Z3"], "classes": ["3"], "reason": "夜间不留"}
    park.settings = {**park.settings, "rules": {"stay_limits": [short]}}
    session.flush()
    asks = booked(session)
    with pytest.raises(Refused) as refused:
        bays.assign(session, asks.id, "B03", NOW, STAFF, HERE)
    assert [r.word for r in refused.value.reasons] == [Refusal.STAY_TOO_LONG]
    assert "夜间不留" in say(refused.value.reasons[0].word, refused.value.reasons[0].facts, "zh")
    brief = booked(session, window_end=NOW + hours(2))
    bays.assign(session, brief.id, "B03", NOW, STAFF, HERE)
    overstay.sweep(session, stands.window_start + hours(2) + MINUTE)
    (found,) = session.scalars(select(Violation))
    assert (found.kind, found.subject, found.booking_id) == (ViolationKind.OVERSTAY, "zone", stands.id)
