"""Races forced against the real database: every thread has its own transaction and starts at a barrier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from parking.db import transaction
from parking.models import Bay, Booking, Cargo, Hold, Visit
from parking.refused import Refused, no
from parking.rules.occupancy import GRACE
from parking.services import bays, bookings, holding, overstay, visits
from parking.vocabulary import BookingState, Refusal
from tests.factories import DRIVER, HERE, NOW, STAFF, booked, form, held, hours, lot, parked

pytestmark = pytest.mark.servers


def race(engine, *doings: Callable[[Session], object]) -> list[object]:
    """Do everything in the same instant, each in a transaction of its own; a refusal is an outcome too."""
    barrier = Barrier(len(doings))
    outcomes: list[object] = [None] * len(doings)

    def run(i: int, doing: Callable[[Session], object]) -> None:
        try:
            with transaction(engine) as session:
                session.scalar(select(1))  # connected before the start
                barrier.wait()
                outcomes[i] = doing(session)
        except BaseException as error:
            outcomes[i] = error

    threads = [Thread(target=run, args=(i, doing)) for i, doing in enumerate(doings)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def won(outcomes: Sequence[object]) -> list[object]:
    """Those that got through; anything but a refusal among the losers fails the test."""
    losers = [o for o in outcomes if isinstance(o, BaseException)]
    assert all(isinstance(o, Refused) for o in losers), losers
    return [o for o in outcomes if not isinstance(o, BaseException)]


def words(outcomes: Sequence[object]) -> set[Refusal]:
    return {r.word for o in outcomes if isinstance(o, Refused) for r in o.reasons}


def assigning(booking_id: int, bay: str, now=NOW) -> Callable[[Session], Hold]:
    return lambda session: bays.assign(session, booking_id, bay, now, STAFF, HERE)


def ids(engine, *changes: dict) -> list[int]:
    with transaction(engine) as session:
        if session.scalar(select(func.count()).select_from(Bay)) == 0:
            lot(session)
        return [booked(session, **c).id for c in changes]


def test_two_dispatchers_never_put_two_vehicles_into_one_bay(engine):
    for i in range(20):
        window = {"window_start": NOW + hours(6 * i + 1), "window_end": NOW + hours(6 * i + 5)}
        one, two = ids(engine, window, window)
        outcomes = race(engine, assigning(one, "B01"), assigning(two, "B01"))
        assert len(won(outcomes)) == 1
        assert words(outcomes) == {Refusal.BAY_TAKEN}


def test_two_dispatchers_never_put_petrol_and_oxidiser_side_by_side(engine):
    for i in range(20):
        window = {"window_start": NOW + hours(6 * i + 1), "window_end": NOW + hours(6 * i + 5)}
        petrol, oxidiser = ids(engine, window, {**window, "un_number": "1942"})
        outcomes = race(engine, assigning(petrol, "B08"), assigning(oxidiser, "B09"))
        assert len(won(outcomes)) == 1
        assert words(outcomes) == {Refusal.BAY_NEIGHBOUR}


def test_two_dispatchers_who_give_one_booking_two_bays_hear_of_each_other(engine):
    """Both saw a booking without a bay; the slower is told instead of undoing the faster."""
    for _ in range(10):
        (one,) = ids(engine, {})
        outcomes = race(
            engine,
            lambda s, one=one: bays.assign(s, one, "B01", NOW, "dispatcher:li", HERE, expected=""),
            lambda s, one=one: bays.assign(s, one, "B02", NOW, "dispatcher:wu", HERE, expected=""),
        )
        assert len(won(outcomes)) == 1
        assert words(outcomes) == {Refusal.ASSIGNED_MEANWHILE}
        with transaction(engine) as session:
            bookings.cancel(session, one, NOW, STAFF, HERE)


def test_eight_dispatchers_fill_fifty_slots_exactly(engine):
    """Eight at once want each of fifty slots (five bays × ten windows): fifty holds, 350 refusals."""
    with transaction(engine) as session:
        lot(session)
        slots = [(f"B{bay:02d}", n) for bay in range(1, 6) for n in range(10)]
        wants = [
            [
                booked(session, window_start=NOW + hours(6 * n), window_end=NOW + hours(6 * n + 5)).id
                for _, n in slots
            ]
            for _ in range(8)
        ]

    def fill(mine: list[int], first: int) -> list[bool]:
        order = [(i + first) % len(slots) for i in range(len(slots))]
        return [_try(engine, mine[i], slots[i][0]) for i in order]

    results: list[list[bool]] = [[] for _ in wants]
    barrier = Barrier(8)

    def run(i: int) -> None:
        barrier.wait()
        results[i] = fill(wants[i], first=(i % 2) * 25)

    threads = [Thread(target=run, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(r) for r in results] == [50] * 8
    assert sum(map(sum, results)) == 50
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(Hold)) == 50


def _try(engine, booking_id: int, bay: str) -> bool:
    try:
        with transaction(engine) as session:
            bays.assign(session, booking_id, bay, NOW, STAFF, HERE)
        return True
    except Refused:
        return False


def test_the_database_alone_refuses_a_second_hold_and_the_name_becomes_a_refusal(engine):
    """Whoever forgets the lock still cannot hold a bay twice."""
    one, two = ids(engine, {}, {})

    def careless(booking_id: int) -> Callable[[Session], object]:
        def write(session: Session) -> object:
            taken = no(Refusal.BAY_TAKEN, bay="B01")
            with holding.refusing(session, {"ex_hold_bay_id_during": taken}):
                bay_id = session.scalars(select(Bay.id).where(Bay.code == "B01")).one()
                during = Range(NOW + hours(1), NOW + hours(2))
                session.add(
                    Hold(
                        bay_id=bay_id,
                        booking_id=booking_id,
                        during=during,
                        state="held",
                        held_at=NOW,
                        held_by="x",
                    )
                )
            return session.scalar(select(func.count()).select_from(Hold))

        return write

    outcomes = race(engine, careless(one), careless(two))
    assert len(won(outcomes)) == 1
    assert words(outcomes) == {Refusal.BAY_TAKEN}


def test_a_bay_is_not_given_while_the_overstayer_in_it_is_being_extended(engine):
    """Whoever comes first, the vehicle that stands there keeps the bay and the waiting one gets another."""
    for i in range(10):
        begins = NOW + hours(12 * i + 1)
        with transaction(engine) as session:
            if i == 0:
                lot(session)
            stays = parked(session, "B01", now=begins, window_start=begins, window_end=begins + hours(2))
            late = begins + hours(2) + timedelta(minutes=1)
            after = booked(session, late, window_start=late + GRACE, window_end=late + hours(3))
            stays_id, after_id = stays.id, after.id
        outcomes = race(
            engine, lambda s, late=late: overstay.sweep(s, late), assigning(after_id, "B01", late)
        )
        won(outcomes)
        with transaction(engine) as session:
            extended = session.scalars(
                select(Hold).where(Hold.booking_id == stays_id, Hold.state == "occupied")
            ).one()
            assert extended.during.upper >= late + timedelta(minutes=15)
            rival = session.scalar(select(Hold).where(Hold.booking_id == after_id, Hold.state != "released"))
            assert rival is None or rival.during.lower >= extended.during.upper
            session.get_one(
                Visit, session.scalars(select(Visit.id).where(Visit.booking_id == stays_id)).one()
            ).state = "exited"
            for hold in session.scalars(select(Hold)):
                hold.state = "released"


def test_a_petrol_truck_and_its_oxidising_neighbour_are_not_both_let_in(engine):
    """Two holds that became incompatible: the second is refused at the gate, even in the same instant."""
    with transaction(engine) as session:
        lot(session)
        one = held(session, "B08", un_number="1942")
        two = held(session, "B09", un_number="1942")
        gates = [visits.check_in(session, b.id, NOW + hours(1), DRIVER, HERE).id for b in (one, two)]
    with transaction(engine) as session:
        first = session.scalars(select(Cargo).order_by(Cargo.id)).first()
        first.un_number = "1203"  # what the papers of the first one say now
    outcomes = race(
        engine,
        *(
            lambda s, v=visit: visits.step(s, v, visits.VisitStep.ADMIT, NOW + hours(1), STAFF, HERE)
            for visit in gates
        ),
    )
    assert len(won(outcomes)) <= 1
    assert words(outcomes) == {Refusal.BAY_NEIGHBOUR}


def test_one_waybill_becomes_one_booking_however_many_send_it_at_once(engine):
    ids(engine)
    sent = form()
    outcomes = race(engine, *[lambda s: bookings.request(s, sent, NOW, DRIVER, HERE)] * 8)
    assert len(won(outcomes)) == 1
    assert words(outcomes) == {Refusal.WAYBILL_USED, Refusal.ALREADY_BOOKED}


def test_one_form_resent_at_once_is_one_booking_for_everyone(engine):
    ids(engine)
    sent = form(idempotency_key="once")
    outcomes = race(engine, *[lambda s: bookings.request(s, sent, NOW, DRIVER, HERE).id] * 8)
    assert len(set(won(outcomes))) == 1
    assert len(won(outcomes)) == 8


def test_a_booking_cancelled_while_a_bay_is_given_leaves_no_hold(engine):
    for _ in range(10):
        (one,) = ids(engine, {})
        won(
            race(
                engine,
                lambda s, one=one: bookings.cancel(s, one, NOW, DRIVER, HERE),
                assigning(one, "B01"),
            )
        )
        with transaction(engine) as session:
            assert session.get_one(Booking, one).state == BookingState.CANCELLED
            assert session.scalar(select(func.count()).select_from(Hold).where(Hold.state != "released")) == 0


def test_a_vehicle_checked_in_twice_at_once_is_one_visit(engine):
    with transaction(engine) as session:
        lot(session)
        one = held(session, "B01").id
    outcomes = race(engine, *[lambda s: visits.check_in(s, one, NOW + hours(1), DRIVER, HERE).id] * 4)
    assert len(set(won(outcomes))) == 1
