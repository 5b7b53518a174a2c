"""Telephones over HTTP: what is answered with 200 is stored, and nobody else may say where a truck is."""

from __future__ import annotations

import json
import threading

import pytest
from sqlalchemy import select, text

from parking.db import transaction
from parking.models import FixRow
from parking.services import feeds
from parking.settings import Settings
from tests.land import START
from tests.visitors import Site
from web import create_app

#: 2026-03-02 00:00:00 UTC
SECONDS = 1772409600


@pytest.fixture
def token(site: Site) -> str:
    with transaction(site.engine) as session:
        return feeds.add_device(session, "phone", "wang-01", "晋M00007", START, "admin:li", "here")[1]


def said(**more):
    return {"id": "wang-01", "lat": "35.68", "lon": "110.92", "timestamp": str(SECONDS), **more}


def rows(site: Site) -> list[FixRow]:
    with transaction(site.engine) as session:
        return list(session.scalars(select(FixRow).order_by(FixRow.time)))


def test_a_position_in_the_osmand_protocol_speaks_in_knots(site: Site, token: str):
    more = said(token=token, speed="10", bearing="359.6", altitude="401.4")
    more |= {"accuracy": "5.5", "batt": "80", "hdop": "1"}
    answer = site.app.test_client().get("/api/osmand", query_string=more)
    assert (answer.status_code, answer.json["result"]) == (200, "stored")
    (row,) = rows(site)
    assert (row.time, row.lon, row.lat, row.located) == (START, 110.92, 35.68, True)
    assert (row.speed_kmh, row.heading, row.altitude_m) == (18.5, 0, 401)
    extras = {"door": "osmand", "accuracy_m": 5.5, "hdop": 1.0, "battery_percent": 80.0}
    assert row.extras == extras


def test_every_way_to_say_a_time_is_the_same_second(site: Site, token: str):
    for time in (str(SECONDS), f"{SECONDS}123", "2026-03-02T08:00:00+08:00", "2026-03-02T00:00:00.900Z"):
        answer = site.app.test_client().get("/api/osmand", query_string=said(token=token, timestamp=time))
        assert answer.status_code == 200
    assert [row.time for row in rows(site)] == [START]


def test_form_header_and_json_say_the_same(site: Site, token: str):
    phone = site.app.test_client()
    bearer = {"Authorization": f"Bearer {token}"}
    body = {
        "device_id": "wang-01",
        "location": {
            "timestamp": "2026-03-02T00:00:00.000Z",
            "coords": {"latitude": 35.68, "longitude": 110.92, "speed": 5.144, "heading": -1, "accuracy": 4},
            "battery": {"level": 0.5, "is_charging": False},
            "is_moving": True,
        },
    }
    answers = [
        phone.post("/api/osmand", data=said(speed="10"), headers=bearer),
        phone.post(f"/api/osmand?token={token}", json=body),
        phone.get("/api/osmand", query_string=said(token=token, speed="18.52", speed_unit="kmh")),
    ]
    assert [(a.status_code, a.json["result"]) for a in answers] == [
        (200, "stored"), (200, "repeated"), (200, "repeated"),
    ]  # fmt: skip
    assert rows(site)[0].speed_kmh == 18.5


def test_newer_telephones_and_their_alarm_and_made_up_positions(site: Site, token: str):
    location = {
        "timestamp": "2026-03-02T00:00:00.000Z", "mock": True, "extras": {"alarm": "sos"},
        "coords": {"latitude": 35.68, "longitude": 110.92, "speed": 2.5, "heading": 90},
    }  # fmt: skip
    body = {"device_id": "wang-01", "location": location}
    answer = site.app.test_client().post(f"/api/osmand?token={token}", json=body)
    assert answer.status_code == 200
    (row,) = rows(site)
    assert (row.speed_kmh, row.heading, row.alarm, row.located) == (9.0, 90, 1, False)
    assert row.extras["mock"] is True


WRONG = [
    ("lat", "95", "out_of_range"),
    ("lat", "", "absent"),
    ("lon", "1e999", "out_of_range"),
    ("lon", "nan", "not_a_number"),
    ("lon", "１１０", "not_a_number"),
    ("timestamp", "", "absent"),
    ("timestamp", "yesterday", "not_a_time"),
    ("timestamp", "2026-03-02 08:00:00", "zone_absent"),
    ("timestamp", "99999999999999", "not_a_time"),
    ("speed", "fast", "not_a_number"),
    ("bearing", "400", "out_of_range"),
    ("batt", "180", "out_of_range"),
]


def test_what_cannot_be_used_is_refused_naming_field_and_reason(site: Site, token: str):
    for field, value, reason in WRONG:
        answer = site.app.test_client().get("/api/osmand", query_string={**said(token=token), field: value})
        assert (answer.status_code, answer.json["field"], answer.json["error"]) == (400, field, reason)
        assert field in answer.json["message"]
    assert rows(site) == []


def test_json_that_is_none_names_what_is_wrong(site: Site, token: str):
    phone = site.app.test_client()

    def post(body: object, kind: str = "application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body)
        said = {"Authorization": f"Bearer {token}"}
        answer = phone.post("/api/osmand", data=data, content_type=kind, headers=said)
        return answer.status_code, answer.json.get("field"), answer.json["error"]

    assert post(b"{") == (400, "body", "json")
    assert post(b"[" * 100_000) == (413, None, "request_entity_too_large")
    assert post(b"[" * 50_000) == (400, "body", "json")
    assert post(b'{"device_id": NaN}') == (400, "body", "json")
    assert post(b"\xff\xfe") == (400, "body", "json")
    assert post([]) == (422, "body", "not_an_object")
    assert post({"device_id": "wang-01"}) == (422, "location", "absent")
    assert post({"device_id": "\ud800", "location": {"coords": {}}}) == (422, "device_id", "not_text")
    coords = {"latitude": "x", "longitude": 1}
    body = {"device_id": "wang-01", "location": {"timestamp": SECONDS, "coords": coords}}
    assert post(body) == (400, "location.coords.latitude", "not_a_number")
    assert post(b"x", "text/plain")[0] == 415
    assert rows(site) == []


def test_no_one_else_can_say_where_a_truck_is(site: Site, token: str):
    phone = site.app.test_client()
    for more in ({}, {"token": "x"}, {"token": token, "id": "zhang-02"}, {"token": token, "id": "wang-0１"}):
        assert phone.get("/api/osmand", query_string=said(**more)).status_code == 401
    bad = phone.post("/api/v1/fixes", json={}, headers={"Authorization": f"Bearer {token}"})
    assert bad.status_code == 401, "a phone's token opens no platform's door"
    staff = site.signed_in("admin")
    assert staff.client.get("/api/osmand", query_string=said()).status_code == 401
    assert rows(site) == []


def test_who_guesses_tokens_waits_and_who_has_one_goes_on(site: Site, token: str):
    phone = site.app.test_client()
    last = [phone.get("/api/osmand", query_string=said(token="x")) for _ in range(62)][-1]
    assert (last.status_code, last.headers["Retry-After"]) == (429, "600")
    assert phone.get("/api/osmand", query_string=said(token=token)).status_code == 200


def test_a_telephone_that_floods_is_slowed_down(site: Site, token: str, monkeypatch):
    from web import api_osmand
    from web.limits import Tries

    monkeypatch.setattr(api_osmand, "_PACE", Tries("device", 3, 1))
    phone = site.app.test_client()
    codes = [phone.get("/api/osmand", query_string=said(token=token)).status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]


def test_nothing_is_answered_before_it_is_committed(site: Site, token: str):
    answers = []
    with transaction(site.engine) as session:
        session.execute(text("LOCK TABLE fix IN ACCESS EXCLUSIVE MODE"))
        asked = {"query_string": said(token=token)}
        phone = site.app.test_client()
        thread = threading.Thread(target=lambda: answers.append(phone.get("/api/osmand", **asked)))
        thread.start()
        thread.join(0.5)
        assert (thread.is_alive(), answers) == (True, [])
    thread.join(20)
    assert answers[0].status_code == 200


def test_without_a_database_the_telephone_is_told_to_send_again(tmp_path):
    away = Settings(database_url="postgresql://127.0.0.1:1/x", redis_url="redis://127.0.0.1:1", data=tmp_path)
    app = create_app(away)
    answer = app.test_client().get("/api/osmand", query_string=said(token="x"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert answer.json["error"] == "unavailable"
