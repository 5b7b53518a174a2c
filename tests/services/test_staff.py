"""People sign in, are locked out, and lose their sessions when they should."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from parking.models import Audit, Staff
from parking.refused import Refused
from parking.services import staff
from parking.vocabulary import Refusal, Role

NOW = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)


@pytest.fixture
def people(session):
    made = dict(staff.first_run(session, NOW))
    session.flush()
    return made


def test_first_run_gives_every_role_its_own_random_password(session, people):
    assert {s.role for s in session.scalars(select(Staff))} == set(Role) - {Role.ENTERPRISE}
    assert len(set(people.values())) == len(people)
    assert min(map(len, people.values())) >= 16


def test_a_second_first_run_makes_nobody(session, people):
    assert staff.first_run(session, NOW) == []


def test_no_password_is_kept_in_clear(session, people):
    for row in session.scalars(select(Staff)):
        assert people[row.username] not in row.password_hash
        assert row.password_hash.startswith("$argon2id$")


def test_a_guess_at_a_password_is_dear_in_the_product():
    """The suite itself hashes cheaply (conftest), a house that is run never does."""
    asked = "from parking.services.staff import _hasher as h; print(json.dumps([h.time_cost, h.memory_cost]))"
    said = subprocess.run(
        [sys.executable, "-c", f"import json; {asked}"], capture_output=True, text=True, check=True
    )
    time_cost, memory_kib = json.loads(said.stdout)
    assert time_cost >= 2 and memory_kib >= 19_456


def test_the_right_password_signs_in(session, people):
    assert staff.sign_in(session, "guard", people["guard"], NOW, "test").role == Role.GUARD


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(session, people):
    assert staff.sign_in(session, "guard", "wrong", NOW, "test") is None
    assert staff.sign_in(session, "nobody", "wrong", NOW, "test") is None


def test_five_failures_lock_the_account_even_for_the_right_password(session, people):
    for _ in range(staff.FAILURES_ALLOWED):
        staff.sign_in(session, "guard", "wrong", NOW, "test")
    with pytest.raises(Refused) as locked:
        staff.sign_in(session, "guard", people["guard"], NOW, "test")
    assert locked.value.reasons[0].word is Refusal.SIGN_IN_LOCKED
    later = NOW + staff.LOCKED_FOR + timedelta(seconds=1)
    assert staff.sign_in(session, "guard", people["guard"], later, "test") is not None


def test_a_success_forgives_earlier_failures(session, people):
    for _ in range(staff.FAILURES_ALLOWED - 1):
        staff.sign_in(session, "guard", "wrong", NOW, "test")
    staff.sign_in(session, "guard", people["guard"], NOW, "test")
    staff.sign_in(session, "guard", "wrong", NOW, "test")
    assert staff.sign_in(session, "guard", people["guard"], NOW, "test") is not None


def test_a_new_password_ends_old_sessions(session, people):
    guard = session.scalars(select(Staff).where(Staff.username == "guard")).one()
    before = guard.session_version
    staff.set_password(session, guard.id, "a much longer secret", NOW, "admin:admin", "test")
    assert guard.session_version == before + 1
    assert staff.sign_in(session, "guard", people["guard"], NOW, "test") is None


def test_a_short_password_is_refused(session, people):
    guard = session.scalars(select(Staff).where(Staff.username == "guard")).one()
    with pytest.raises(Refused) as weak:
        staff.set_password(session, guard.id, "short", NOW, "admin:admin", "test")
    assert weak.value.reasons[0].word is Refusal.PASSWORD_WEAK


def test_the_last_administrator_cannot_be_switched_off(session, people):
    admin = session.scalars(select(Staff).where(Staff.username == "admin")).one()
    with pytest.raises(Refused) as last:
        staff.set_active(session, admin.id, False, NOW, "admin:admin", "test")
    assert last.value.reasons[0].word is Refusal.LAST_ADMIN


def test_an_account_switched_off_cannot_sign_in(session, people):
    guard = session.scalars(select(Staff).where(Staff.username == "guard")).one()
    staff.set_active(session, guard.id, False, NOW, "admin:admin", "test")
    assert staff.sign_in(session, "guard", people["guard"], NOW, "test") is None


def test_a_name_is_given_once(session, people):
    with pytest.raises(Refused) as taken:
        staff.add(session, "guard", "另一个门卫", Role.GUARD, NOW, "admin:admin", "test")
    assert taken.value.reasons[0].word is Refusal.USERNAME_TAKEN


def test_every_attempt_is_on_record(session, people):
    staff.sign_in(session, "guard", "wrong", NOW, "10.0.0.4")
    staff.sign_in(session, "guard", people["guard"], NOW, "10.0.0.4")
    session.flush()
    lines = session.scalars(select(Audit).where(Audit.source == "10.0.0.4").order_by(Audit.id))
    assert [a.action for a in lines] == ["sign_in_failed", "signed_in"]
