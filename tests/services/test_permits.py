"""Routes and closed zones a booking names: who may name them, what they change, from when on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from shapely import LineString, box
from sqlalchemy import func, select

from geo.shapes import Approval, LayerKind
from parking.models import (
    Audit,
    Goods,
    Letter,
    Passage,
    PermitRow,
    Terminal,
    TerminalFence,
    Vehicle,
    Violation,
)
from parking.queries import bookings as booking_query
from parking.queries import journeys
from parking.refused import Refused
from parking.rules.permit import EVERYTHING, Permit
from parking.services import bays, bookings, fences, permits, terminals, tracking, visits
from parking.services import park as parks
from parking.services.permits import Asked
from parking.services.tracking import TerminalFix
from parking.vocabulary import BookingStep, Refusal, VisitStep
from tests import factories, land
from tests.factories import HERE, NOW, STAFF, hours
from tests.land import drive, feature

pytestmark = pytest.mark.servers
PHONE, PLATE = "13900000001", "晋M00001"
NOON = NOW + hours(2)
#: Up the eastern road R3, through closed zone Z1.
EAST = [(300, -300), (300, 300)]
EXPIRED = Approval("某函〔2020〕1号", "某政府", date(2020, 1, 1), date(2020, 1, 1), date(2025, 1, 1))


@pytest.fixture
def booking(session):
    """A little park with a road more, two closed zones and one bay, and an undecided booking."""
    lot = {"zone": "LOT", "hazard_classes": "3", "load_states": "loaded", "length_m": 20, "width_m": 4}
    drawn = land.park(
        feature(LayerKind.BAY, "B1", box(-300, -330, -280, -326), **lot),
        feature(LayerKind.ROUTE, "R3", LineString([(300, -450), (300, 450)])),
        feature(LayerKind.ROUTE, "R8", LineString([(300, -450), (300, 450)]), EXPIRED),
        feature(LayerKind.ROUTE, "R9", LineString([(0, -200), (300, -200)]), detour=True,
                valid_from="2026-03-02T00:00:00+08:00", valid_to="2026-03-05T00:00:00+08:00",
                approval_note="x", detour_for="R3"),
        feature(LayerKind.ZONE, "Z1", box(250, -50, 350, 50), zone_kind="closed"),
        feature(LayerKind.ZONE, "Z2", box(-50, 350, 50, 450), zone_kind="closed"),
    )  # fmt: skip
    parks.load(session, replace(drawn, policy=factories.OPEN), [], land.START, "test")
    session.add(
        Goods(un_number="1203", name_zh="汽油", name_en="petrol", hazard_class="3", subsidiary=[], source="t")
    )
    terminals.register(session, PHONE, PLATE, 2, land.START)
    return factories.booked(session, plate=PLATE)


def asked(*routes, zones=None, seen=None):
    return Asked(Permit.of(routes, zones), seen)


def approve(session, booking, naming=None):
    return bays.assign(session, booking.id, "B1", NOW, STAFF, HERE, naming=naming)


def give(session, booking, naming, now=NOW):
    return permits.give(session, booking.id, naming, now, STAFF, HERE)


def refused(session, booking, naming):
    with pytest.raises(Refused) as no:
        give(session, booking, naming)
    return {(r.word, r.field, *r.facts.values()) for r in no.value.reasons}


def journey(session, at):
    vehicle = session.scalars(select(Vehicle.id).where(Vehicle.plate == PLATE)).one()
    return journeys.of_vehicles(session, [vehicle], at, at)[vehicle](at)


def driven(session, way, start=NOON):
    """What the live judging finds of the booked vehicle on this way."""
    begin = (start - land.START).total_seconds()
    fixes = drive(way, begin=begin)
    batch = [TerminalFix(PHONE, n, 0, f) for n, f in enumerate(fixes)]
    tracking.take(session, batch, fixes[-1].time + timedelta(seconds=5))
    session.flush()
    return set(session.scalars(select(Violation.kind)))


def test_a_booking_is_approved_with_its_routes_and_zones_and_everybody_reads_them(session, booking):
    approve(session, booking, asked("R2", "R1", "R2", zones=["Z2"]))
    view = booking_query.by_id(session, booking.id)
    assert (view.state, view.bay_code, view.permit) == ("approved", "B1", Permit(("R1", "R2"), ("Z2",)))
    line = session.scalars(select(Audit).where(Audit.action == "permit")).one()
    assert (line.actor, line.subject_id, line.facts) == (
        STAFF, booking.id, {"routes": ["R1", "R2"], "zones": ["Z2"]},
    )  # fmt: skip
    assert session.scalars(select(Letter).where(Letter.name == "permit_changed")).one()
    seen = journey(session, NOON)
    assert (seen.routes, seen.zones, seen.bay) == (("R1", "R2"), ("Z2",), "B1")


def test_a_booking_that_names_nothing_may_take_every_route_and_enter_every_zone(session, booking):
    approve(session, booking, asked())
    assert booking_query.by_id(session, booking.id).permit == EVERYTHING
    assert session.scalar(select(func.count()).select_from(PermitRow)) == 0
    assert (journey(session, NOON).routes, journey(session, NOON).zones) == ((), None)


def test_a_bay_given_without_a_word_on_routes_leaves_them(session, booking):
    give(session, booking, asked("R1"))
    approve(session, booking)
    assert booking_query.by_id(session, booking.id).permit == Permit(("R1",))


@pytest.mark.parametrize(
    ("naming", "reason"),
    [
        (asked("R7"), (Refusal.ROUTE_UNKNOWN, "routes", "R7")),
        (asked("R8"), (Refusal.ROUTE_NOT_IN_FORCE, "routes", "R8", "2026-03-02")),
        (asked("R9"), (Refusal.ROUTE_DETOUR, "routes", "R9")),
        (asked(zones=["Z9"]), (Refusal.ZONE_UNKNOWN, "zones", "Z9")),
        (asked(zones=["LOT"]), (Refusal.ZONE_NOT_CLOSED, "zones", "LOT")),
    ],
)
def test_a_code_that_cannot_be_named_is_refused_by_field(session, booking, naming, reason):
    assert refused(session, booking, naming) == {reason}
    with pytest.raises(Refused):
        approve(session, booking, naming)
    assert session.scalar(select(func.count()).select_from(PermitRow)) == 0


def test_every_wrong_code_is_told_at_once(session, booking):
    assert len(refused(session, booking, asked("R7", "R8", "R1", zones=["Z9", "Z1", "Q1"]))) == 4


def test_a_vehicle_is_not_called_to_a_dock_in_a_zone_it_may_not_enter(session, booking):
    approve(session, booking, asked(zones=["Z1"]))
    visit = visits.check_in(session, booking.id, booking.window_start, STAFF, HERE)
    factories.walk(session, visit.id, booking.window_start, VisitStep.ADMIT, VisitStep.PARK)
    with pytest.raises(Refused) as no:
        visits.step(session, visit.id, VisitStep.CALL, NOON, STAFF, HERE, dock="D1")
    assert [(r.word, r.facts) for r in no.value.reasons] == [
        (Refusal.PLACE_SHUT, {"place": "D1", "zone": "Z2"})
    ]
    give(session, booking, asked(zones=["Z1", "Z2"]), NOON)
    visits.step(session, visit.id, VisitStep.CALL, NOON, STAFF, HERE, dock="D1")
    assert refused(session, booking, asked(zones=["Z1"])) == {(Refusal.PLACE_SHUT, "zones", "D1", "Z2")}


def test_the_slower_of_two_is_told_who_was_faster(session, booking):
    give(session, booking, asked("R1", seen=0))
    assert refused(session, booking, asked("R2", seen=0)) == {(Refusal.PERMIT_MEANWHILE, None, PLATE, STAFF)}
    last = booking_query.by_id(session, booking.id).permit_id
    assert give(session, booking, asked("R2", seen=last))
    assert not give(session, booking, asked("R2")), "the same again is no change"


def test_of_a_booking_that_is_over_nothing_is_named(session, booking):
    bookings.take(session, booking.id, BookingStep.CANCEL, NOW, STAFF, HERE)
    assert refused(session, booking, asked("R1")) == {(Refusal.BOOKING_STATE, None, "cancelled")}


@pytest.mark.parametrize(
    ("naming", "found"),
    [
        (None, set()),
        (asked("R3"), set()),
        (asked("R1", "R2"), {"route_deviation"}),
        (asked(zones=["Z1"]), set()),
        (asked(zones=["Z2"]), {"zone_unbooked"}),
        (asked("R1", zones=[]), {"route_deviation", "zone_unbooked"}),
    ],
)
def test_who_drives_a_route_or_enters_a_zone_that_was_not_named_is_found_live(
    session, booking, naming, found
):
    approve(session, booking, naming)
    assert driven(session, EAST) == found
    crossed = session.scalars(select(Passage.kind).where(Passage.kind == "zone_crossing")).all()
    assert len(crossed) == (1 if "zone_unbooked" in found else 2)


def test_a_change_applies_from_its_moment_also_to_positions_that_come_late(session, booking):
    approve(session, booking, asked("R3", zones=["Z1"]))
    give(session, booking, asked("R1", zones=[]), NOON + hours(1))
    assert journey(session, NOON).routes == ("R3",)
    assert (journey(session, NOON + hours(1)).routes, journey(session, NOON + hours(1)).zones) == (
        ("R1",),
        (),
    )
    assert driven(session, EAST) == set(), "driven before the change, told after it"
    found = driven(session, EAST, NOON + hours(1.5))
    assert found == {"route_deviation", "zone_unbooked", "lost_signal"}
    assert driven(session, EAST[::-1], NOON + hours(0.5)) >= found
    vehicle = session.scalars(select(Vehicle.id).where(Vehicle.plate == PLATE)).one()
    tracking.judge_again(session, vehicle, NOON + hours(0.5), NOON + hours(2))
    strayed = Violation.kind.in_(("route_deviation", "zone_unbooked"))
    began = session.scalars(select(Violation.started_at).where(strayed)).all()
    assert len(began) == 2 and min(began) >= NOON + hours(1.5), "what was named when it was driven holds"
    assert session.scalar(select(func.count()).select_from(PermitRow)) == 2


def test_a_terminal_is_told_the_routes_of_its_booking_and_no_others(session, booking):
    approve(session, booking)
    fences.push(session, heard_of(session), NOON, STAFF, HERE)
    assert routes_in(session) == {"R1", "R2", "R3", "R9"}
    give(session, booking, asked("R3"), NOON)
    assert fences.sweep(session, NOON) == 1
    assert routes_in(session) == {"R3", "R9"}, "the detour serves R3"


def heard_of(session) -> int:
    found = session.scalars(select(Terminal)).one()
    found.last_seen_at = NOON
    session.flush()
    return found.id


def routes_in(session) -> set[str]:
    rows = select(TerminalFence.code).where(
        TerminalFence.layer == "route", TerminalFence.state == "fence_wanted"
    )
    return set(session.scalars(rows))
