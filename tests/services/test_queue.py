"""The call-forward queue against the real database: turns, tickets that follow, one call at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from parking.db import transaction
from parking.models import Cargo, Restraint, Ticket, Visit
from parking.queries import queue as queues
from parking.refused import Refused
from parking.rules.policy import Policy
from parking.services import queue, visits
from parking.vocabulary import Refusal, RestraintState, TicketState, VisitState, VisitStep
from tests.factories import HERE, NOW, STAFF, hours, lot, parked, walk
from tests.services.test_booking_races import race, won, words

pytestmark = pytest.mark.servers
LATER = NOW + hours(2)


@pytest.fixture
def waiting(engine):
    """Visits of three parked vehicles, due one, two, three minutes after NOW, waiting for dock D1."""
    with transaction(engine) as session:
        lot(session)
        ids = []
        for minute, bay in enumerate(("B01", "B02", "B03"), 1):
            booking = parked(session, bay, window_start=NOW + timedelta(minutes=minute))
            visit_id = session.scalar(select(Visit.id).where(Visit.booking_id == booking.id))
            queue.join(session, visit_id, "D1", LATER, STAFF, HERE)
            ids.append(visit_id)
    return ids


def calling(dock="D1", now=LATER):
    return lambda session: queue.call_next(session, dock, now, STAFF, HERE).id


def ticket_of(session, visit_id):
    return session.scalars(
        select(Ticket).where(Ticket.visit_id == visit_id).order_by(Ticket.id.desc())
    ).first()


def test_turns_go_round_and_a_dock_takes_one_at_a_time(engine, waiting):
    with transaction(engine) as session:
        first = queue.call_next(session, "D1", LATER, STAFF, HERE)
        assert (first.id, first.state, first.dock) == (waiting[0], VisitState.CALLED, "D1")
        with pytest.raises(Refused) as busy:
            queue.call_next(session, "D1", LATER, STAFF, HERE)
        assert [r.word for r in busy.value.reasons] == [Refusal.DOCK_BUSY]
        work = (VisitStep.DEPART_BAY, VisitStep.REACH_DOCK, VisitStep.FINISH_WORK)
        walk(session, first.id, LATER, *work)
        assert ticket_of(session, first.id).state == TicketState.GONE
        walk(session, first.id, LATER + hours(1), VisitStep.LEAVE_DOCK)
        assert ticket_of(session, first.id).state == TicketState.DONE
        assert queue.call_next(session, "D1", LATER + hours(1), STAFF, HERE).id == waiting[1]


def test_two_dispatchers_who_press_together_call_one_vehicle(engine, waiting):
    for _ in range(3):
        outcomes = race(engine, calling(), calling(), calling())
        assert len(won(outcomes)) == 1
        assert words(outcomes) == {Refusal.DOCK_BUSY}
        with transaction(engine) as session:
            visit_id = won(outcomes)[0]
            walk(session, visit_id, LATER, VisitStep.DEPART_BAY, VisitStep.REACH_DOCK, VisitStep.LEAVE_DOCK)
    with transaction(engine) as session, pytest.raises(Refused) as nobody:
        queue.call_next(session, "D1", LATER, STAFF, HERE)
    assert nobody.value.reasons[0].word is Refusal.NOBODY_TO_CALL


def test_one_put_first_goes_first_and_the_reason_is_on_record(engine, waiting):
    with transaction(engine) as session:
        lot_line = queues.line(session, "D1", LATER - hours(1), Policy())
        assert [w.ticket_id for w in lot_line] == [ticket_of(session, v).id for v in waiting]
        queue.put_first(session, ticket_of(session, waiting[2]).id, "温控货物", LATER, STAFF, HERE)
        place = queues.place_of(session, waiting[2], NOW + timedelta(minutes=30), Policy())
        assert (place[0], place[1].number) == ("D1", 1)
        assert queue.call_next(session, "D1", NOW + timedelta(minutes=30), STAFF, HERE).id == waiting[2]


def test_a_restrained_vehicle_is_passed_over_and_keeps_its_place(engine, waiting):
    with transaction(engine) as session:
        session.add(
            Restraint(
                visit_id=waiting[0],
                state=RestraintState.STANDING,
                reason="轮胎漏气",
                cause="staff",
                set_at=LATER,
                set_by=STAFF,
            )
        )
        session.flush()
        boards = {q.code: q for q in queues.board(session, LATER, Policy())}
        line = boards["D1"]
        assert line.places[0].ticket.held_back[0].word is Refusal.RESTRAINED
        assert line.next.visit_id == waiting[1]


def test_a_vehicle_that_leaves_or_moves_takes_its_ticket_along(engine, waiting):
    with transaction(engine) as session:
        queue.move(session, ticket_of(session, waiting[0]).id, "D2", LATER, STAFF, HERE)
        walk(session, waiting[1], LATER, VisitStep.DEPART_BAY)
        assert ticket_of(session, waiting[1]).state == TicketState.LEFT
        queue.leave(session, ticket_of(session, waiting[2]).id, LATER, STAFF, HERE)
        with pytest.raises(Refused) as over:
            queue.leave(session, ticket_of(session, waiting[2]).id, LATER, STAFF, HERE)
        assert over.value.reasons[0].word is Refusal.TICKET_OVER
        assert {q.code: len(q.places) for q in queues.board(session, LATER, Policy())} == {"D1": 0, "D2": 1}


def test_the_dispatchers_own_call_counts_over_the_line(engine, waiting):
    with transaction(engine) as session:
        visits.step(session, waiting[2], VisitStep.CALL, LATER, STAFF, HERE, dock="D2")
        ticket = ticket_of(session, waiting[2])
        assert (ticket.state, ticket.dock) == (TicketState.CALLED, "D2")


def test_joining_is_refused_where_the_vehicle_may_not_go(engine, waiting):
    with transaction(engine) as session:
        other = parked(session, "B09", un_number="1942")
        visit_id = session.scalar(select(Visit.id).where(Visit.booking_id == other.id))
        for dock, word in (("D1", Refusal.DOCK_CLASS), ("D9", Refusal.DOCK_UNKNOWN)):
            with pytest.raises(Refused) as refused:
                queue.join(session, visit_id, dock, LATER, STAFF, HERE)
            assert refused.value.reasons[0].word is word
        assert queue.join(session, visit_id, "D2", LATER, STAFF, HERE).dock == "D2"


def test_a_dock_must_handle_every_class_aboard(engine, waiting):
    """Petrol the dock takes, and behind it a compartment of something it does not."""
    with transaction(engine) as session:
        mixed = parked(session, "B04")
        session.add(Cargo(booking_id=mixed.id, compartment=2, un_number="1942", mass_kg=900, residue=True))
        visit_id = session.scalar(select(Visit.id).where(Visit.booking_id == mixed.id))
        with pytest.raises(Refused) as refused:
            queue.join(session, visit_id, "D1", LATER, STAFF, HERE)
        assert [(r.word, r.facts["hazard_class"]) for r in refused.value.reasons] == [
            (Refusal.DOCK_CLASS, "5.1")
        ]
