"""The waiting list: in order, told once, and by itself only where the park says so."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from parking.models import Letter
from parking.services import bookings, waitlist
from parking.vocabulary import BookingState
from tests.factories import HERE, NOW, STAFF, booked, held, hours, lot

pytestmark = pytest.mark.servers


def oxidisers(session, **policy):
    """A full zone for 5.1 (two bays) and two more who wait for one of them."""
    lot(session, policy=policy)
    taken = [held(session, bay, un_number="1942") for bay in ("B09", "B10")]
    others = [held(session, bay, un_number="3082") for bay in ("B05", "B06", "B07", "B08", "F01")]
    waits = [booked(session, un_number="1942") for _ in range(2)]
    for minutes, one in enumerate(waits):
        bookings.waitlist(session, one.id, NOW + hours(minutes / 60), STAFF, HERE)
    return taken, others, waits


def offers(session):
    return session.scalar(select(func.count(Letter.id)).where(Letter.name == "bay_possible"))


def test_who_waits_is_told_of_a_bay_once_and_the_dispatcher_decides(session):
    taken, _, (first, second) = oxidisers(session)
    assert waitlist.sweep(session, NOW + hours(0.2)) == 0
    bookings.cancel(session, taken[0].id, NOW, STAFF, HERE)
    assert waitlist.sweep(session, NOW + hours(0.2)) == 2, "either may have it; the dispatcher decides"
    assert waitlist.sweep(session, NOW + hours(0.3)) == 0
    assert (offers(session), first.state) == (2, BookingState.WAITLISTED)
    assert second.state == BookingState.WAITLISTED


def test_where_the_park_says_so_the_first_on_the_list_gets_the_bay(session):
    taken, _, (first, second) = oxidisers(session, waitlist_auto=True)
    bookings.cancel(session, taken[0].id, NOW, STAFF, HERE)
    assert waitlist.sweep(session, NOW + hours(0.2)) == 1
    assert (first.state, second.state) == (BookingState.APPROVED, BookingState.WAITLISTED)
    assert waitlist.sweep(session, NOW + hours(0.3)) == 0
