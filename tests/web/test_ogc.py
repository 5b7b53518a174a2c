"""OGC API – Features: what a GIS program may read with a key, and nothing without one."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from geo.layers import read_park
from parking.db import transaction
from parking.models import AccessToken, Staff, Vehicle, Violation
from parking.services import park, staff, tokens
from tests.visitors import Site, close_site, open_site, text
from web import keys

DEMO = Path(__file__).parents[2] / "fixtures" / "park"
HERE = "127.0.0.1"


@pytest.fixture(scope="module")
def drawn():
    return read_park(DEMO)[0]


@pytest.fixture(scope="module")
def house(servers, tmp_path_factory, drawn) -> Iterator[Site]:
    """One site for all stories of this file: they only read, and draw keys."""
    name = servers.new_database()
    made = open_site(servers.url_of(name), servers.redis_url, tmp_path_factory.mktemp("data"))
    now = datetime.now(UTC)
    with transaction(made.engine) as session:
        park.load(session, drawn, [], now, "test")
        vehicle = Vehicle(plate="晋M12345", plate_colour=2, first_seen_at=now)
        session.add(vehicle)
        session.flush()
        for n in range(7):
            begun = datetime(2026, 3, 1 + n, 1, tzinfo=UTC)
            session.add(
                Violation(
                    vehicle_id=vehicle.id,
                    kind="speeding",
                    subject="park",
                    started_at=begun,
                    ended_at=begun + timedelta(minutes=5),
                    lon=None if n == 6 else 110.90 + n / 100,
                    lat=35.68,
                    certainty="certain",
                    facts={},
                    late=False,
                    state="open",
                    seen_at=now,
                )
            )
    yield made
    close_site(made)
    servers.drop(name)


@pytest.fixture
def site(house: Site, redis_url: str) -> Site:
    """The site with nobody's tries remembered."""
    house.app.extensions["hazpark.tries"].clear()
    return house


def key_of(site: Site, username: str) -> str:
    with transaction(site.engine) as session:
        owner = session.scalars(select(Staff.id).where(Staff.username == username)).one()
        for old in session.scalars(select(AccessToken)):
            old.revoked_at = old.revoked_at or datetime.now(UTC)
        return tokens.issue(session, owner, "QGIS", timedelta(days=10), datetime.now(UTC), "test", HERE)


def ask(site: Site, path: str, key: str, status: int = 200):
    basic = base64.b64encode(f"qgis:{key}".encode()).decode()
    answer = site.app.test_client().get(path, headers={"Authorization": f"Basic {basic}"})
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def links(answer, rel):
    return [link["href"] for link in answer["links"] if link["rel"] == rel]


def test_the_way_from_the_landing_page_to_an_item(site: Site):
    key = key_of(site, "supervisor")
    landing = ask(site, "/ogc/", key)
    assert {link["rel"] for link in landing["links"]} >= {"self", "service-desc", "conformance", "data"}
    conforms = ask(site, links(landing, "conformance")[0], key)["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in conforms
    listed = ask(site, links(landing, "data")[0], key)["collections"]
    assert {c["id"] for c in listed} == {
        *("boundary", "control_line", "zone", "gate", "bay", "route", "dock", "camera", "violations")
    }
    line = next(c for c in listed if c["id"] == "control_line")
    assert line["extent"]["spatial"]["bbox"] and line["crs"] == [
        "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
    ]
    page = ask(site, links(line, "items")[0], key)
    assert page["type"] == "FeatureCollection" and page["numberMatched"] == page["numberReturned"] == 1
    (feature,) = page["features"]
    one = ask(site, f"/ogc/collections/control_line/items/{feature['id']}", key)
    assert (
        one["properties"]["document"] == feature["properties"]["document"]
        and one["geometry"] == feature["geometry"]
    )
    paths = ask(site, links(landing, "service-desc")[0], key)["paths"]
    assert "/collections/violations/items" in paths


def test_pages_follow_each_other_and_hold_everything_once(site: Site):
    key = key_of(site, "supervisor")
    address, seen, pages = "/ogc/collections/bay/items?limit=25", [], 0
    while address:
        page = ask(site, address, key)
        seen += [f["id"] for f in page["features"]]
        address, pages = next(iter(links(page, "next")), None), pages + 1
        assert len(page["features"]) <= 25
    assert len(seen) == len(set(seen)) == page["numberMatched"] and pages > 2


def test_a_box_and_a_time_choose(site: Site):
    key = key_of(site, "supervisor")
    everything = ask(site, "/ogc/collections/violations/items", key)
    assert everything["numberMatched"] == 7 and everything["features"][-1]["geometry"] is None
    assert everything["features"][0]["properties"]["started_at"] == "2026-03-01T01:00:00Z"
    boxed = ask(site, "/ogc/collections/violations/items?bbox=110.895,35,110.925,36", key)
    assert boxed["numberMatched"] == 3
    for span, count in (
        ("2026-03-02T01:02:00Z", 1),
        ("2026-03-02", 1),
        ("2026-03-02/2026-03-04", 3),
        ("../2026-03-02T00:00:00Z", 1),
        ("2026-03-06T00:00:00Z/..", 2),
    ):
        assert (
            ask(site, f"/ogc/collections/violations/items?datetime={span}", key)["numberMatched"] == count
        ), span
    lines = "/ogc/collections/boundary/items?datetime="
    assert ask(site, f"{lines}2016-01-01T00:00:00Z", key)["numberMatched"] == 1
    assert ask(site, f"{lines}2010-01-01T00:00:00Z", key)["numberMatched"] == 0
    assert ask(site, "/ogc/collections/boundary/items?bbox=0,0,1,1", key)["numberMatched"] == 0


@pytest.mark.parametrize(
    "query",
    ["bbox=1,2,3", "bbox=a,b,c,d", "bbox=1,5,3,4", "bbox=nan,1,2,3", "datetime=yesterday", "datetime=../..",
     "datetime=2026-03-05/2026-03-01", "limit=0", "limit=-1", "limit=x", "offset=-1", "colour=red", "f=gml"],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_and_named(site: Site, query):
    answer = ask(site, f"/ogc/collections/bay/items?{query}", key_of(site, "supervisor"), 400)
    assert query.partition("=")[0] in answer["description"]


def test_what_is_not_there_is_not_found(site: Site):
    key = key_of(site, "supervisor")
    for path in ("moat", "moat/items", "bay/items/99999", "violations/items/99999"):
        ask(site, f"/ogc/collections/{path}", key, 404)


def test_an_administrator_reads_layers_but_no_violations(site: Site):
    key = key_of(site, "admin")
    names = {c["id"] for c in ask(site, "/ogc/collections", key)["collections"]}
    assert "bay" in names and "violations" not in names
    ask(site, "/ogc/collections/violations/items", key, 404)


def test_without_a_key_or_with_a_dead_one_nothing_opens(site: Site):
    client, key = site.app.test_client(), key_of(site, "dispatcher2")
    bare = client.get("/ogc/")
    assert bare.status_code == 401 and bare.headers["WWW-Authenticate"].startswith("Basic")
    assert client.get(f"/ogc/?token={key}x").status_code == 401
    assert (
        site.signed_in("supervisor").get("/ogc/").status_code == 401
    )  # a browser's cookie opens no door here
    page = client.get(f"/ogc/collections/bay/items?limit=1&token={key}").get_json()
    assert client.get(links(page, "next")[0]).status_code == 200
    with transaction(site.engine) as session:
        kept = session.scalars(select(AccessToken).order_by(AccessToken.id.desc())).first()
        assert key not in kept.sha256 and kept.used_at is not None
        staff.set_password(session, kept.staff_id, None, datetime.now(UTC), "admin:x", HERE)
    assert client.get(f"/ogc/?token={key}").status_code == 401


def test_guessing_and_flooding_are_stopped(site: Site, monkeypatch):
    client, key = site.app.test_client(), key_of(site, "supervisor")
    monkeypatch.setattr(keys, "REQUESTS", keys.Tries("key-requests", allowed=3, minutes=1))
    assert [client.get(f"/ogc/?token={key}").status_code for _ in range(4)] == [200, 200, 200, 429]
    for _ in range(30):
        client.get("/ogc/?token=hzp_wrong")
    assert client.get("/ogc/?token=hzp_wrong").status_code == 429


def test_a_key_is_drawn_shown_once_and_revoked_on_the_page(site: Site):
    who = site.signed_in("dispatcher", "en")
    shown = who.send("/keys", name="QGIS", days="30")
    key = next(word for word in text(shown).split() if word.startswith(tokens.PREFIX))
    assert ask(site, "/ogc/", key) and key not in text(who.get("/keys"))
    with transaction(site.engine) as session:
        number = session.scalars(select(AccessToken.id).order_by(AccessToken.id.desc())).first()
    other = site.signed_in("supervisor", "en")
    assert other.send(f"/keys/{number}/revoke", page="/keys").status_code == 422
    assert who.send(f"/keys/{number}/revoke", page="/keys").status_code == 303
    ask(site, "/ogc/", key, 401)


def test_no_answer_names_another_address(site: Site):
    key = key_of(site, "supervisor")
    for path in ("/ogc/", "/ogc/collections", "/ogc/api", "/ogc/collections/route/items"):
        said = json.dumps(ask(site, path, key))
        bare = said.replace("http://www.opengis.net/", "").replace("http://localhost/", "")
        assert "http://" not in bare and "https://" not in bare, path


READER = """
import json, sys
import geopandas, pyogrio
address, layer = sys.argv[1:]
names = sorted(str(name) for name, _ in pyogrio.list_layers(address))
frame = geopandas.read_file(address, layer=layer, engine="pyogrio", PAGE_SIZE="20")
print(json.dumps([names, len(frame), str(frame.crs), sorted(frame.columns), list(frame.total_bounds)]))
"""


@pytest.mark.parametrize("layer, count", [("bay", None), ("violations", 7)])
def test_gdal_as_qgis_has_it_opens_the_service(site: Site, drawn, layer, count):
    """GDAL's own OAPIF driver in a process of its own, several pages of bays."""
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"OAPIF:http://127.0.0.1:{server.port}/ogc/?token={key_of(site, 'supervisor')}"
        said = subprocess.run(
            [sys.executable, "-c", READER, address, layer], capture_output=True, text=True, timeout=60
        )
    finally:
        server.shutdown()
        server.server_close()
    assert said.returncode == 0, said.stderr[-2000:]
    names, rows, crs, columns, bounds = json.loads(said.stdout)
    assert layer in names and "control_line" in names
    assert rows == (count or len([f for f in drawn.features if f.kind == layer]))
    assert "CRS84" in crs or "4326" in crs
    assert 110 < bounds[0] < 112 and 35 < bounds[1] < 36  # longitude first
    assert "kind" in columns
