"""The event stream: who hears what, how soon, and what happens when something breaks."""

from __future__ import annotations

import contextlib
import http.client
import json
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from parking.db import transaction
from parking.queries import staff as staff_query
from parking.services import heartbeats, staff
from parking.settings import Settings
from parking.vocabulary import Role
from tests.streams import Listener, cookie_of, free_ports, served
from tests.visitors import Site, close_site, open_site
from web.live_hub import LAG_MAX, STREAM, Client, told
from workers.channels.live import LiveStream
from workers.processes import end
from workers.servers import Valkey, wait_until

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def site(servers, tmp_path_factory) -> Iterator[Site]:
    """One site for all these tests: a listener hears only what is told after it came."""
    web_port, live_port = free_ports()
    name, folder = servers.new_database(), tmp_path_factory.mktemp("site")
    made = open_site(servers.url_of(name), servers.redis_url, folder, web_port=web_port, live_port=live_port)
    yield made
    close_site(made)
    servers.drop(name)


def _settings(site: Site) -> Settings:
    return site.app.config["HAZPARK"]


@pytest.fixture(scope="module")
def stream(site: Site, tmp_path_factory) -> Iterator[int]:
    """The real process, by the supervisor's own command; yields its port."""
    with served(_settings(site), "live", tmp_path_factory.mktemp("log") / "live.log"):
        yield _settings(site).live_port


@pytest.fixture(scope="module")
def tell(servers):
    return LiveStream(servers.redis_url).tell


def test_a_violation_reaches_the_supervisor_within_a_second(site: Site, stream: int, tell):
    listener = Listener(stream, cookie_of(site, "supervisor")).open()
    begun = time.monotonic()
    tell([{"type": "violation", "violation_id": 7, "remark": "stays in the house"}])
    listener.wait(lambda: listener.events)
    assert time.monotonic() - begun < 1
    assert listener.events == [{"type": "violation", "violation_id": 7}]


def test_headers_keep_proxies_from_holding_the_stream_back(site: Site, stream: int):
    headers = Listener(stream, cookie_of(site, "guard")).open().headers
    assert headers["Content-Type"].startswith("text/event-stream")
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Cache-Control"] == "no-store"


def test_a_guard_hears_of_bays_but_of_no_violation_and_no_position(site: Site, stream: int, tell):
    guard = Listener(stream, cookie_of(site, "guard")).open()
    chief = Listener(stream, cookie_of(site, "supervisor")).open()
    admin = Listener(stream, cookie_of(site, "admin")).open()
    kinds = ["violation", "fix", "notice", "booking", "bay", "visit"]
    tell([{"type": kind, "vehicle_id": 1, "violation_id": 1} for kind in kinds])
    chief.wait(lambda: len(chief.events) == 6)
    guard.wait(lambda: len(guard.events) == 3)
    assert guard.types() == ["booking", "bay", "visit"]
    assert "violation_id" not in json.dumps(guard.events)
    assert admin.events == []


def test_strangers_and_people_switched_off_hear_nothing(site: Site, stream: int):
    assert Listener(stream).open().status == 401
    assert Listener(stream, "hazpark=forged.cookie.value").open().status == 401
    cookie = cookie_of(site, "dispatcher2")
    with transaction(site.engine) as session:
        one = next(p for p in staff_query.everyone(session) if p.username == "dispatcher2")
        staff.set_active(session, one.id, False, datetime.now(UTC), "admin:admin", "test")
    assert Listener(stream, cookie).open().status == 401


def test_only_pages_of_this_site_may_listen(site: Site, stream: int):
    cookie = cookie_of(site, "supervisor")
    own = f"http://127.0.0.1:{_settings(site).web_port}"
    allowed = Listener(stream, cookie, origin=own).open()
    assert allowed.headers["Access-Control-Allow-Origin"] == own
    assert allowed.headers["Access-Control-Allow-Credentials"] == "true"
    for foreign in ("https://evil.example", "http://127.0.0.1:1", "null", f"{own}.evil.example"):
        answer = Listener(stream, cookie, origin=foreign).open()
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_who_comes_back_hears_what_was_missed_once(site: Site, stream: int, tell):
    cookie = cookie_of(site, "supervisor")
    first = Listener(stream, cookie).open()
    tell([{"type": "violation", "violation_id": 1}])
    first.wait(lambda: first.events)
    first.close()
    tell([{"type": "violation", "violation_id": 2}, {"type": "violation", "violation_id": 3}])
    again = Listener(stream, cookie, last_id=first.ids[-1]).open()
    tell([{"type": "violation", "violation_id": 4}])
    again.wait(lambda: len(again.events) >= 3)
    time.sleep(0.3)
    assert [e["violation_id"] for e in again.events] == [2, 3, 4]


@pytest.mark.parametrize("forgotten", ["1-0", "9999999999999-0", "nonsense"])
def test_who_was_away_too_long_is_told_to_read_everything_again(
    site: Site, stream: int, tell, forgotten: str
):
    tell([{"type": "bay", "bay_id": 1}])
    listener = Listener(stream, cookie_of(site, "dispatcher"), last_id=forgotten).open()
    listener.wait(lambda: listener.events)
    assert listener.types()[0] == "refresh"


def test_entries_nobody_understands_stop_nothing(site: Site, stream: int, tell, servers):
    listener = Listener(stream, cookie_of(site, "supervisor")).open()
    with redis.Redis.from_url(servers.redis_url) as server:
        for rubbish in ("", "[1]", "{", '"x"', '{"type":["a"]}', '{"type":"fix","vehicle_id":[1]}'):
            server.xadd(STREAM, {"data": rubbish})
        server.xadd(STREAM, {"other": "field"})
    tell([{"type": "violation", "violation_id": 9}])
    listener.wait(lambda: "violation" in listener.types())
    assert set(listener.types()) <= {"bay", "violation"}  # a bay may still come from the story before


def test_a_hundred_listeners_all_hear_while_pages_answer(site: Site, stream: int, tell, tmp_path: Path):
    cookies = [cookie_of(site, name) for name in ("supervisor", "dispatcher")]
    with served(_settings(site), "web", tmp_path / "web.log"):
        listeners = [Listener(stream, cookies[i % 2]).open() for i in range(100)]
        begun = time.monotonic()
        tell([{"type": "violation", "violation_id": 5}])
        for listener in listeners:
            listener.wait(lambda one=listener: one.events)
        heard = time.monotonic() - begun
        slowest = max(_page(_settings(site).web_port, cookies[0]) for _ in range(20))
        assert json.loads(_read(stream, "/health"))["clients"] >= 100
    for listener in listeners:
        listener.close()
    assert heard < 3, f"the last of 100 heard after {heard:.1f} s"
    assert slowest < 2, f"a page took {slowest:.1f} s beside 100 streams"


def _page(port: int, cookie: str) -> float:
    begun = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/violations", headers={"Cookie": cookie, "Accept": "text/html"})
    assert connection.getresponse().status == 200
    return time.monotonic() - begun


def _read(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def test_a_stream_whose_valkey_died_says_so_and_recovers(database_url: str, tmp_path: Path):
    folder = Path(tempfile.mkdtemp(prefix="hz-"))
    valkey = Valkey(folder, folder, durable=False)
    valkey.prepare()
    web_port, live_port = free_ports()
    site = open_site(database_url, valkey.url, tmp_path, web_port=web_port, live_port=live_port)
    with transaction(site.engine) as session:
        heartbeats.beat(session, "worker", datetime.now(UTC))
    with contextlib.ExitStack() as stack:
        stack.callback(close_site, site)
        process = valkey.start()
        assert wait_until(valkey.ready, process)
        stack.enter_context(served(_settings(site), "live", tmp_path / "live.log"))
        listener = Listener(live_port, cookie_of(site, "supervisor")).open()
        listener.wait(lambda: {"valkey": True, "carried": True} in listener.beats)
        end(process)
        listener.wait(lambda: listener.beats[-1]["valkey"] is False)
        process = valkey.start()
        stack.callback(end, process)
        assert wait_until(valkey.ready, process)
        listener.wait(lambda: "refresh" in listener.types(), 20)
        LiveStream(valkey.url).tell([{"type": "violation", "violation_id": 3}])
        listener.wait(lambda: "violation" in listener.types())
        assert listener.beats[-1]["valkey"] is True


def test_a_stream_says_when_letters_are_not_carried(site: Site, stream: int):
    """No worker was ever heard of: the page must not look live."""
    listener = Listener(stream, cookie_of(site, "supervisor")).open()
    assert listener.beats[0]["carried"] is False
    assert json.loads(_read(stream, "/health"))["well"] is False


def test_a_client_too_slow_is_cut_off_and_never_waited_for():
    client = Client(1, Role.SUPERVISOR, 1)
    assert all(client.give("x") for _ in range(LAG_MAX))
    assert not client.give("x")
    assert client.dropped


def test_of_many_fixes_of_a_vehicle_the_last_is_told():
    entries = [(f"{n}-0", {"type": "fix", "vehicle_id": n % 2, "lon": n, "secret": n}) for n in range(10)]
    said = told(Role.DISPATCHER, entries)
    assert said.count("data:") == 2
    assert '"lon":8' in said and '"lon":9' in said and "secret" not in said
    assert told(Role.GUARD, entries) == ""
