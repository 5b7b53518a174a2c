"""Planning on the real database: proposed by the real rules, taken over one by one, everything said."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from parking.models import Bay
from parking.refused import Refused
from parking.rules import plan_check
from parking.services import bays, holding, planning
from parking.vocabulary import BookingState, PlanState, Refusal
from tests.factories import HERE, NOW, STAFF, booked, held, lot, parked

DAY = date(2026, 3, 2)


def plan_now(session: Session, lot_id: int) -> Any:
    run = planning.ask(session, lot_id, DAY, NOW, STAFF, HERE, 3.0)
    day = planning.read_day(session, lot_id, DAY, NOW)
    made = planning.make(day, 3.0)
    planning.store(session, run.id, day, made, NOW, finished=True)
    return run, day, made


def bay_of(session: Session, booking: Any) -> str | None:
    from parking.queries import bookings

    view = bookings.by_id(session, booking.id)
    assert view is not None
    return view.bay_code


def test_who_asks_for_a_bay_gets_one_by_the_plan_and_all_rules_hold(session: Session):
    made_lot = lot(session)
    waiting = [booked(session) for _ in range(4)] + [booked(session, un_number="1942") for _ in range(2)]
    run, day, made = plan_now(session, made_lot.id)
    assert not list(plan_check.broken(day.problem, made.at))
    assert (run.state, run.result["unplaced"]) == (PlanState.PROVEN, [])
    taken = planning.take_over(session, run.id, NOW, STAFF, HERE)
    assert (len(taken.done), taken.refused) == (6, ())
    assert all(bay_of(session, b) for b in waiting)
    assert run.state == PlanState.APPLIED


def test_a_vehicle_that_stands_stays_and_a_told_driver_is_left_alone(session: Session):
    made_lot = lot(session)
    standing, told = parked(session, "B01"), held(session, "B08")
    booked(session)
    run, _, _ = plan_now(session, made_lot.id)
    planning.take_over(session, run.id, NOW, STAFF, HERE)
    assert (bay_of(session, standing), bay_of(session, told)) == ("B01", "B08")
    assert run.result["moved"] == 0


def test_what_changed_between_plan_and_taking_over_is_refused_and_said(session: Session):
    made_lot = lot(session)
    first, second = booked(session), booked(session)
    run, _, _ = plan_now(session, made_lot.id)
    meant = {row["booking"]: row["bay"] for row in run.result["placed"]}
    bays.set_out_of_service(session, meant[first.id], "oil on the ground", NOW, STAFF, HERE)
    taken = planning.take_over(session, run.id, NOW, STAFF, HERE)
    assert taken.done == (second.id,)
    ((booking_id, reasons),) = taken.refused
    assert (booking_id, reasons[0].word) == (first.id, Refusal.BAY_OUT_OF_SERVICE)


def test_a_plan_is_taken_over_once(session: Session):
    made_lot = lot(session)
    booked(session)
    run, _, _ = plan_now(session, made_lot.id)
    planning.take_over(session, run.id, NOW, STAFF, HERE)
    with pytest.raises(Refused) as said:
        planning.take_over(session, run.id, NOW, STAFF, HERE)
    assert said.value.reasons[0].word is Refusal.PLAN_NOT_READY


def test_who_loses_a_bay_gets_another_and_nobody_else_is_moved(session: Session):
    made_lot = lot(session)
    lost, other = held(session, "B01"), held(session, "B02")
    bays.set_out_of_service(session, "B01", "oil on the ground", NOW, STAFF, HERE)
    taken = planning.replan(session, made_lot.id, NOW, STAFF, HERE)
    assert taken.done == (lost.id,)
    assert bay_of(session, lost) not in (None, "B01", "B02")
    assert bay_of(session, other) == "B02"


def test_who_cannot_be_placed_is_named_with_the_reason(session: Session):
    made_lot = lot(session)
    acid = [booked(session, un_number="1942") for _ in range(9)]
    run, _, made = plan_now(session, made_lot.id)
    assert made.worth.unplaced == len(run.result["unplaced"]) > 0
    row = run.result["unplaced"][0]
    assert row["booking"] in {b.id for b in acid}
    assert row["suited"] == row["taken"] + row["near"] + row["full"]


def test_asking_twice_while_one_is_made_is_one_plan(session: Session):
    made_lot = lot(session)
    first = planning.ask(session, made_lot.id, DAY, NOW, STAFF, HERE)
    assert planning.ask(session, made_lot.id, DAY, NOW, STAFF, HERE).id == first.id


@contextmanager
def statements(session: Session) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_c: Any, _u: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    engine = session.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_suggest_asks_the_database_as_often_in_a_full_lot_as_in_an_empty_one(session: Session):
    lot(session)
    asks = booked(session)
    bays.suggest(session, asks.id, NOW)  # the park is read once and kept
    counted = []
    for bay in ("", "B01", "B02", "B03"):
        if bay:
            held(session, bay)
        session.flush()
        session.expunge_all()
        with statements(session) as seen:
            bays.suggest(session, asks.id, NOW)
        counted.append(len(seen))
    assert len(set(counted)) == 1
    assert counted[0] <= 12


def test_a_suggestion_says_how_far_it_is(session: Session):
    lot(session)
    asks = booked(session)
    best = bays.suggest(session, asks.id, NOW)[0]
    assert next(r for r in best.reasons if r.word == "way").facts["metres"] > 0


def test_closing_a_bay_finds_another_for_who_lost_it_and_leaves_who_waits_to_the_dispatcher(session):
    lot(session)
    loses, waits = held(session, "B01"), booked(session)
    taken = planning.close_bay(session, "B01", "积水", NOW, STAFF, HERE)
    assert taken.done == (loses.id,)
    hold = holding.live(session, loses.id)
    assert hold is not None and session.get_one(Bay, hold.bay_id).code != "B01"
    assert (loses.state, waits.state) == (BookingState.APPROVED, BookingState.ENTERPRISE_APPROVED)
    assert planning.close_bay(session, "B11", "积水", NOW, STAFF, HERE) == planning.Taken((), ())


def test_a_vehicle_is_planned_only_where_it_fits(session: Session):
    made = lot(session)
    long = booked(session, length_m=22.0, width_m=2.5, height_m=4.0)
    short = booked(session, length_m=12.0, width_m=2.5, height_m=4.0)
    _, day, best = plan_now(session, made.id)
    placed = {day.guests[n].booking_id for n, bay in enumerate(best.at) if bay >= 0}
    assert short.id in placed and long.id not in placed
