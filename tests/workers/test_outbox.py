"""Letters: carried at least once, done once, parked when they poison their carrier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from parking import outbox
from parking.events import BayHeld
from parking.models import Letter

NOW = datetime.now(UTC)


def _letters(session, count=1):
    outbox.post(session, *[BayHeld(booking_id=n, bay_id=n) for n in range(count)])
    session.flush()
    return [letter.id for letter in session.query(Letter).order_by(Letter.id)]


def test_a_letter_is_taken_once_and_again_when_nobody_finished_it(session):
    ids = _letters(session, 3)
    assert outbox.take(session, NOW, room=10) == ids
    assert outbox.take(session, NOW + outbox.RESEND / 2, room=10) == []
    assert outbox.take(session, NOW + outbox.RESEND * 1.1, room=10) == ids


def test_no_more_is_taken_than_the_broker_has_room_for(session):
    ids = _letters(session, 5)
    assert outbox.take(session, NOW, room=2) == ids[:2]
    assert outbox.take(session, NOW, room=2) == ids[2:4]


def test_what_could_not_be_sent_is_due_again_at_once(session):
    ids = _letters(session, 2)
    outbox.take(session, NOW, room=10)
    outbox.give_back(session, ids[1:])
    assert outbox.take(session, NOW, room=10) == ids[1:]


def test_a_done_letter_is_never_carried_again(session):
    (letter_id,) = _letters(session)
    outbox.finish(outbox.hold(session, letter_id))
    session.flush()
    assert outbox.hold(session, letter_id) is None
    assert not outbox.attempt(session, letter_id)
    assert outbox.take(session, NOW + timedelta(days=1), room=10) == []


def test_a_failing_letter_waits_longer_each_time_and_is_parked_in_the_end(session):
    (letter_id,) = _letters(session)
    for _ in range(outbox.MAX_ATTEMPTS):
        assert outbox.attempt(session, letter_id)
    outbox.take(session, NOW, room=10)
    assert outbox.take(session, NOW + outbox.RESEND * 31, room=10) == []
    assert outbox.take(session, NOW + outbox.RESEND * 33, room=10) == [letter_id]
    assert not outbox.attempt(session, letter_id)
    session.flush()
    assert session.get(Letter, letter_id).parked_reason == "not finished in 8 attempts"
    assert outbox.take(session, NOW + timedelta(days=1), room=10) == []
