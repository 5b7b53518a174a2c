"""Carriers' platforms: a batch is stored whole or not at all, and answered the same when sent again."""

from __future__ import annotations

import gzip
import json
import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy import func, select

from geo.datum import Datum
from parking.db import transaction
from parking.models import FeedAnswer, FixRow
from parking.refused import Refused
from parking.services import batches, feeds
from tests.land import START
from tests.visitors import Site

PLATES = ["晋M00001", "晋M00002"]


@pytest.fixture
def token(site: Site) -> str:
    with transaction(site.engine) as session:
        return feeds.add_platform(session, "carrier", PLATES, START, "admin:li", "here")[1]


def item(n: int = 0, **more):
    at = (START + timedelta(seconds=n)).isoformat()
    return {"plate": PLATES[0], "time": at, "lon": 110.92, "lat": 35.68, **more}


def post(site: Site, token: str, body: object, key: str | None = "k1", **headers: str):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    said = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
    if key is not None:
        said["Idempotency-Key"] = key
    return site.app.test_client().post("/api/v1/fixes", data=data, headers=said)


def batch(*items: object, datum: object = "wgs84"):
    return {"datum": datum, "fixes": list(items)}


def count(site: Site) -> int:
    with transaction(site.engine) as session:
        return session.scalar(select(func.count()).select_from(FixRow))


def test_every_position_is_answered_for(site: Site, token: str):
    body = batch(
        item(0), item(0), item(1, plate="晋M99999"), item(2, lat=95), item(3, speed_kmh="20"), 7,
        item(4, colour="red"), item(5, plate="晋M 00002", alarms=["sos"]), item(6, alarms=["thirst"]),
    )  # fmt: skip
    answer = post(site, token, body)
    assert answer.status_code == 200
    said = answer.json
    assert {k: said[k] for k in ("received", "stored", "repeated", "refused")} == {
        "received": 9, "stored": 2, "repeated": 1, "refused": 6,
    }  # fmt: skip
    assert [(i["result"], i.get("field"), i.get("reason")) for i in said["items"]] == [
        ("stored", None, None),
        ("repeated", None, None),
        ("refused", "plate", "plate_out_of_scope"),
        ("refused", "lat", "out_of_range"),
        ("refused", "speed_kmh", "not_a_number"),
        ("refused", "fixes", "not_an_object"),
        ("refused", "colour", "not_known"),
        ("stored", None, None),
        ("refused", "alarms", "not_listed"),
    ]
    assert count(site) == 2


def test_the_same_key_gives_the_same_answer_and_another_body_is_refused(site: Site, token: str):
    first = post(site, token, batch(item()))
    again = post(site, token, batch(item()))
    assert (again.json, again.headers["Idempotency-Replayed"]) == (first.json, "true")
    other = post(site, token, batch(item(1)))
    assert (other.status_code, other.json["error"]) == (422, "key_reused")
    assert post(site, token, batch(item()), key="k2").json["repeated"] == 1
    assert count(site) == 1


def test_two_requests_with_one_key_at_once_are_stored_once(site: Site, token: str):
    ready, answers = threading.Barrier(4), []

    def send():
        ready.wait()
        answers.append(post(site, token, batch(*(item(n) for n in range(50)))))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [a.status_code for a in answers] == [200] * 4
    assert len({a.get_data() for a in answers}) == 1
    assert sorted(a.headers["Idempotency-Replayed"] for a in answers) == ["false", "true", "true", "true"]
    assert count(site) == 50


def test_a_datum_is_declared_and_converted_never_guessed(site: Site, token: str):
    bare = post(site, token, {"fixes": [item()]})
    assert (bare.status_code, bare.json["field"], bare.json["error"]) == (422, "datum", "datum_absent")
    assert post(site, token, batch(item(), datum="bd09")).json["error"] == "not_listed"
    assert post(site, token, batch(item(), datum="gcj02")).status_code == 200
    with transaction(site.engine) as session:
        row = session.scalars(select(FixRow)).one()
    assert row.extras["datum"] == "gcj02"
    assert 0.004 < 110.92 - row.lon < 0.007  # 519 m west at Jishan


def test_a_body_of_another_shape_is_refused_whole(site: Site, token: str):
    shapes = [
        ([], 422, "body"),
        ({"datum": "wgs84"}, 422, "fixes"),
        ({"datum": "wgs84", "fixes": {}}, 422, "fixes"),
        ({"datum": "wgs84", "fixes": [], "more": 1}, 422, "more"),
        ({"datum": ["wgs84"], "fixes": []}, 422, "datum"),
        (batch(*[0] * 10_001), 422, "fixes"),
        (b'{"datum": "wgs84", "fixes": [NaN]}', 400, "body"),
        (b"[" * 1_000_000, 400, "body"),
    ]
    for body, status, field in shapes:
        answer = post(site, token, body)
        assert (answer.status_code, answer.json["field"]) == (status, field)


def test_hostile_values_are_refused_and_what_is_kept_is_plain(site: Site, token: str):
    odd = [
        item(0, extras={"a": "x\u0000y", "b": 1.5, "c": None}),
        item(1, extras={"a": {"b": 1}}),
        item(2, extras={"a": 1e999}),
        item(3, extras={str(n): n for n in range(21)}),
        item(4, extras={"\ud800": 1}),
        item(5, plate="\ud800"),
        item(6, time=10**400),
        item(7, time=True),
        item(8, lon=-(10**400)),
        item(9, located="yes"),
        item(10, altitude_m=1e9),
        item(11, plate="${x}`"),
    ]
    raw = json.dumps(batch(*odd)).replace("Infinity", "1e999").encode()
    answer = post(site, token, raw)
    assert [i["result"] for i in answer.json["items"]] == ["stored"] + ["refused"] * 11
    with transaction(site.engine) as session:
        assert session.scalars(select(FixRow)).one().extras["said"] == {"a": "xy", "b": 1.5, "c": None}


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_good = {"plate": PLATES[0], "time": "2026-03-02T00:00:00Z", "lon": 110.9, "lat": 35.6}


@given(st.dictionaries(st.sampled_from(batches.FIELDS), _json).map(lambda odd: {**_good, **odd}) | _json)
def test_whatever_an_item_is_it_becomes_a_fix_or_a_reason(item):
    try:
        one = batches.report(item, {PLATES[0]: 1}, Datum.WGS84)
    except Refused as refused:
        assert refused.reasons[0].field is not None  # also of a name that is empty
    else:
        assert abs(one.fix.lon) <= 180 and abs(one.fix.lat) <= 90
        json.dumps(one.extras, allow_nan=False)


def test_keys_packings_and_sizes_are_checked(site: Site, token: str):
    good = json.dumps(batch(item())).encode()
    assert [post(site, token, good, key=k).status_code for k in (None, "", "k" * 201, "é")] == [400] * 4
    assert post(site, token, good, **{"Content-Type": "text/plain"}).status_code == 415
    assert post(site, token, good, **{"Content-Encoding": "br"}).status_code == 415
    packed = {"Content-Encoding": "gzip"}
    assert post(site, token, gzip.compress(good), **packed).status_code == 200
    assert post(site, token, good, **packed).json["error"] == "gzip"
    assert post(site, token, gzip.compress(good)[:-4], **packed).json["error"] == "gzip"
    bomb = gzip.compress(b" " * (200 << 20), 9)
    assert (len(bomb) < 1 << 20, post(site, token, bomb, **packed).status_code) == (True, 413)
    assert post(site, token, b" " * (5 << 20)).status_code == 413
    assert post(site, "wrong", good).status_code == 401


def test_ten_thousand_positions_are_one_transaction(site: Site, token: str):
    items = [item(n % 5_000, plate=PLATES[n // 5_000], speed_kmh=0) for n in range(10_000)]
    packed = gzip.compress(json.dumps(batch(*items)).encode())
    answer = post(site, token, packed, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json["stored"]) == (200, 10_000)
    assert count(site) == 10_000
    with transaction(site.engine) as session:
        assert len(session.scalars(select(FeedAnswer)).one().answer["items"]) == 10_000


def test_the_document_is_valid_and_the_answers_are_what_it_says(site: Site, token: str):
    for language in ("zh", "en"):
        asked = {"Accept-Language": language}
        document = site.app.test_client().get("/api/openapi.json", headers=asked).json
        assert document["openapi"].startswith("3.1")
        OpenAPIV31SpecValidator(document).validate()
        assert [v for v in _strings(document) if "://" in v] == [], "complete in itself"
    answers = [
        (post(site, token, batch(item(), item(1, lat=95))), "BatchAnswer"),
        (post(site, token, batch()), "Error"),
        (post(site, "wrong", batch()), "Error"),
    ]
    for answer, name in answers:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        Draft202012Validator(schema).validate(answer.json)
    asked = {"$ref": "#/components/schemas/Batch", "components": document["components"]}
    Draft202012Validator(asked).validate(batch(item(extras={"a": 1}, alarms=["sos"])))


def _strings(part):
    if isinstance(part, dict):
        for value in part.values():
            yield from _strings(value)
    elif isinstance(part, list):
        for value in part:
            yield from _strings(value)
    elif isinstance(part, str):
        yield part
