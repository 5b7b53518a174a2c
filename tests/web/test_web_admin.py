"""Accounts, layers, assumptions, health."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import redis as valkey
from sqlalchemy import select, update

from parking.db import transaction
from parking.models import Heartbeat, LayerVersion, Letter, ParkRow, Staff
from parking.services import heartbeats
from tests.visitors import Site, text


def _password(answer) -> str:
    found = re.search(r'class="code issued">([^<]+)<', answer.get_data(as_text=True))
    assert found, text(answer)
    return found[1]


def _id(site: Site, username: str) -> int:
    with transaction(site.engine) as session:
        return session.scalars(select(Staff.id).where(Staff.username == username)).one()


def test_a_new_account_gets_a_password_shown_once_that_works(site: Site):
    admin = site.signed_in("admin")
    answer = admin.send("/admin/staff", username="wang.min", name="王敏", role="guard")
    password = _password(answer)
    assert password not in admin.get("/admin/staff").get_data(as_text=True)
    assert site.visitor().sign_in("wang.min", password).status_code == 303


def test_what_makes_no_account_is_said_beside_each_field(site: Site):
    answer = site.signed_in("admin").send("/admin/staff", username="<B>", name="", role="king")
    assert answer.status_code == 422
    assert len(re.findall(r'class="wrong"', answer.get_data(as_text=True))) == 3
    taken = site.signed_in("admin").send("/admin/staff", username="guard", name="门卫", role="guard")
    assert taken.status_code == 422
    assert "guard" in text(taken)


def test_a_reset_password_replaces_the_old_one_and_ends_sessions(site: Site):
    admin, guard = site.signed_in("admin"), site.signed_in("guard")
    answer = admin.send(f"/admin/staff/{_id(site, 'guard')}/password", page="/admin/staff")
    assert guard.get("/gate").status_code == 303
    assert site.visitor().sign_in("guard", site.passwords["guard"]).status_code == 422
    assert site.visitor().sign_in("guard", _password(answer)).status_code == 303


def test_an_administrator_who_draws_his_own_password_stays_signed_in(site: Site):
    admin = site.signed_in("admin")
    _password(admin.send(f"/admin/staff/{_id(site, 'admin')}/password", page="/admin/staff"))
    assert admin.get("/admin/staff").status_code == 200


def test_an_account_is_switched_off_and_on(site: Site):
    admin, guard = site.signed_in("admin"), site.signed_in("guard")
    path = f"/admin/staff/{_id(site, 'guard')}/active"
    admin.send(path, page="/admin/staff", active="0")
    assert guard.get("/gate").status_code == 303
    assert site.visitor().sign_in("guard", site.passwords["guard"]).status_code == 422
    admin.send(path, page="/admin/staff", active="1")
    assert site.visitor().sign_in("guard", site.passwords["guard"]).status_code == 303


def test_the_last_administrator_cannot_switch_himself_off(site: Site):
    admin = site.signed_in("admin")
    answer = admin.send(f"/admin/staff/{_id(site, 'admin')}/active", page="/admin/staff", active="0")
    assert answer.status_code == 422
    assert admin.get("/admin/staff").status_code == 200


def test_an_account_nobody_has_is_not_found(site: Site):
    admin = site.signed_in("admin")
    assert admin.send("/admin/staff/99999/password", page="/admin/staff").status_code == 404


def test_the_legal_lines_show_the_act_that_made_them_binding(site: Site):
    with transaction(site.engine) as session:
        park = session.scalars(select(ParkRow)).one()
        shape = session.scalars(select(LayerVersion.wkb).limit(1)).one()
        for code, withdrawn in (("B-2019", datetime.now(UTC)), ("B-2023", None)):
            session.add(
                LayerVersion(
                    park_id=park.id,
                    kind="boundary",
                    code=code,
                    name_zh=f"四至{code}",
                    name_en=code,
                    wkb=shape,
                    attributes={},
                    document="运政函〔2023〕2号",
                    issuing_body="运城市人民政府",
                    approved_on=date(2023, 2, 21),
                    effective_from=date(2023, 2, 21),
                    sha256=code.ljust(64, "0"),
                    loaded_at=datetime.now(UTC),
                    withdrawn_at=withdrawn,
                )
            )
    page = text(site.signed_in("supervisor").get("/admin/park"))
    for word in ("四至B-2023", "运政函〔2023〕2号", "2023-02-21", "四至B-2019", "已撤下"):
        assert word in page


def test_numbers_nobody_read_in_a_source_are_called_assumptions(site: Site):
    with transaction(site.engine) as session:
        park = session.scalars(select(ParkRow)).one()
        session.execute(
            update(ParkRow).values(
                settings={**park.settings, "policy": {"corridor_m": 77.0}}, loaded_at=datetime.now(UTC)
            )
        )
    rows = site.signed_in("admin").get("/admin/assumptions").get_data(as_text=True).split("<tr>")
    assert any("77 m" in row and "园区设定" in row for row in rows)
    assert any("lot_limit_kmh" in row and "假设" in row for row in rows)
    assert any("speeding_tolerance" in row and "有出处" in row and "10%" in row for row in rows)


def test_health_is_well_only_when_everything_was_seen_to_work(site: Site):
    someone = site.visitor()
    unheard = someone.get("/health")
    assert unheard.status_code == 503
    assert unheard.get_json()["worker_heartbeat_age_s"] is None
    with transaction(site.engine) as session:
        session.add(Heartbeat(process="worker", seen_at=datetime.now(UTC)))
        session.execute(update(Letter).values(done_at=datetime.now(UTC)))
    well = someone.get("/health")
    assert well.status_code == 200
    assert well.get_json()["well"] is True
    with transaction(site.engine) as session:
        session.add(Letter(name="violation_seen", payload={}, created_at=datetime(2026, 1, 1, tzinfo=UTC)))
    late = someone.get("/health")
    assert late.status_code == 503
    assert late.get_json()["oldest_undone_letter_s"] > 60
    assert "没有报警不代表没有问题" in text(site.signed_in("guard").get("/status"))


def test_health_without_database_or_valkey_is_not_well_and_tells_no_secret(tmp_path):
    from parking.settings import Settings
    from web import create_app

    away = Settings(
        database_url="postgresql://user:topsecret@127.0.0.1:9/x",
        redis_url="redis://:topsecret@127.0.0.1:9",
        data=tmp_path,
    )
    answer = create_app(away).test_client().get("/health")
    assert answer.status_code == 503
    assert answer.get_json()["database"] is False
    assert "topsecret" not in answer.get_data(as_text=True)


def test_the_status_page_speaks_words_in_both_languages(site: Site):
    assert "从未收到信号" in text(site.signed_in("dispatcher").get("/status"))
    assert "never heard of" in text(site.signed_in("dispatcher", "en").get("/status"))


def test_valkey_is_asked_for_real(site: Site, redis_url: str):
    with valkey.Redis.from_url(redis_url) as server:
        assert server.ping()
    assert site.visitor().get("/health").get_json()["valkey"] is True


def test_a_gateway_that_cannot_store_is_said_on_the_status_page_and_to_machines(site: Site):
    with transaction(site.engine) as session:
        heartbeats.beat(session, "gateway", datetime.now(UTC), "DiskFull: No space left on device")
    found = site.visitor().get("/health")
    assert found.status_code == 503 and found.get_json()["troubles"] == ["gateway"]
    page = site.signed_in("admin").get("/status").get_data(as_text=True)
    assert "No space left on device" in page and "受阻" in page
    with transaction(site.engine) as session:
        heartbeats.beat(session, "gateway", datetime.now(UTC))
    assert site.visitor().get("/health").get_json()["troubles"] == []
