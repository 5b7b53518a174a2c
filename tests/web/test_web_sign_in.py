"""Signing in, staying in, being put out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from parking.db import transaction
from parking.models import Audit, Staff
from parking.services import staff
from tests.visitors import Site, text


def _id_of(site: Site, username: str) -> int:
    with transaction(site.engine) as session:
        return session.scalars(select(Staff.id).where(Staff.username == username)).one()


def test_a_guard_signs_in_and_stands_at_the_gate(site: Site):
    guard = site.signed_in("guard")
    answer = guard.get("/", follow_redirects=True)
    assert answer.request.path == "/gate"
    assert "卡口等候" in text(answer)


def test_a_wrong_password_says_no_more_than_that(site: Site):
    known = text(site.visitor().sign_in("guard", "wrong password"))
    unknown = text(site.visitor().sign_in("nobody", "wrong password"))
    assert "用户名或密码" in known
    assert known == unknown


def test_an_account_locks_after_five_wrong_passwords_and_says_for_how_long(site: Site):
    for _ in range(5):
        site.visitor().sign_in("guard", "wrong password")
    answer = site.visitor().sign_in("guard", site.passwords["guard"])
    assert answer.status_code == 422
    assert "分钟" in text(answer)


def test_one_address_may_not_try_many_accounts(site: Site):
    someone = site.visitor()
    for n in range(30):
        someone.sign_in(f"name{n}", "wrong password")
    answer = someone.sign_in("guard", site.passwords["guard"])
    assert answer.status_code == 422
    assert "次数过多" in text(answer)


def test_a_session_planted_before_sign_in_is_worth_nothing_after_it(site: Site):
    visitor = site.visitor()
    visitor.get("/sign-in?lang=en")
    with visitor.client.session_transaction() as planted:
        planted["planted"] = "by a stranger"
        before = planted["csrf_token"]
    visitor.sign_in("guard", site.passwords["guard"])
    visitor.get("/gate")
    with visitor.client.session_transaction() as after:
        assert "planted" not in after
        assert after["csrf_token"] != before
        assert after["lang"] == "en"
        assert set(after) >= {"staff_id", "version", "role", "username"}


def test_a_new_password_ends_every_session_but_the_one_that_set_it(site: Site):
    here, there = site.signed_in("guard"), site.signed_in("guard")
    answer = here.send("/password", current=site.passwords["guard"], password="a long new sentence")
    assert answer.status_code == 303
    assert here.get("/gate").status_code == 200
    assert there.get("/gate").status_code == 303
    assert there.get("/gate").location.startswith("/sign-in")


def test_a_short_password_and_a_wrong_present_one_are_refused(site: Site):
    guard = site.signed_in("guard")
    assert "至少" in text(guard.send("/password", current=site.passwords["guard"], password="short"))
    assert guard.send("/password", current="wrong one", password="a long new sentence").status_code == 422
    assert guard.get("/gate").status_code == 200


@pytest.mark.parametrize("change", ["off", "password"])
def test_who_is_switched_off_or_given_a_new_password_is_out_at_the_next_click(site: Site, change: str):
    guard = site.signed_in("guard")
    with transaction(site.engine) as session:
        now, guard_id = datetime.now(UTC), _id_of(site, "guard")
        if change == "off":
            staff.set_active(session, guard_id, False, now, "admin:admin", "test")
        else:
            staff.set_password(session, guard_id, None, now, "admin:admin", "test")
    assert guard.get("/gate").status_code == 303


def test_a_cookie_with_another_role_in_it_is_not_believed(site: Site):
    guard = site.signed_in("guard")
    with guard.client.session_transaction() as cookie:
        cookie["role"] = "admin"
    assert guard.get("/admin/staff").location.startswith("/sign-in")


def test_a_cookie_signed_by_another_key_is_nobody(site: Site):
    guard = site.signed_in("guard")
    site.app.config["SECRET_KEY"] = "another key"
    assert guard.get("/gate").status_code == 303


def test_signing_out_ends_the_session(site: Site):
    guard = site.signed_in("guard")
    assert guard.send("/sign-out", page="/gate").status_code == 303
    assert guard.get("/gate").status_code == 303


def test_after_signing_in_one_is_where_one_wanted_to_be(site: Site):
    visitor = site.visitor()
    wanted = visitor.get("/gate?q=晋M")
    answer = visitor.sign_in("guard", site.passwords["guard"], next=_next(wanted.location))
    assert answer.location.startswith("/gate?q=")


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "/\tx"],
)
def test_sign_in_is_no_springboard_to_elsewhere(site: Site, elsewhere: str):
    answer = site.visitor().sign_in("guard", site.passwords["guard"], next=elsewhere)
    assert answer.location == "/"


def test_a_fragment_asked_for_without_a_session_leads_the_whole_page_to_sign_in(site: Site):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://localhost/gate"}
    answer = site.visitor().get("/gate/lists", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in?next=/gate"


def test_every_sign_in_is_written_down(site: Site):
    site.visitor().sign_in("guard", "wrong password")
    site.signed_in("guard")
    with transaction(site.engine) as session:
        actions = session.scalars(select(Audit.action).order_by(Audit.id)).all()
    assert actions[-2:] == ["sign_in_failed", "signed_in"]


def _next(location: str) -> str:
    from urllib.parse import parse_qs, urlsplit

    return parse_qs(urlsplit(location).query)["next"][0]
