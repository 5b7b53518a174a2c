"""Every view × every role: who may enter is written down here a second time, and both must agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from parking.vocabulary import Role
from tests.visitors import Site, Visitor, close_site, open_site
from web import create_app, gates

GUARD, DISPATCHER, SUPERVISOR, ADMIN = Role.GUARD, Role.DISPATCHER, Role.SUPERVISOR, Role.ADMIN
ENTERPRISE = Role.ENTERPRISE
ANYONE = "anyone"
LINK = "whoever holds the booking's link"
KEY = "a program that holds a read-only key"
STAFF = frozenset(Role)
#: The only endpoints without a CSRF token: a machine brings a token of its own in every request, no cookie
#: counts there, so no page elsewhere can make a browser speak for anybody. No role opens them.
TOKEN = "whoever brings the token of a door"

WHO: dict[str, object] = {
    "static": ANYONE,
    "assets.vendor": ANYONE,
    "home.front": ANYONE,
    "auth.sign_in": ANYONE,
    "auth.sign_in_post": ANYONE,
    "auth.sign_out": STAFF,
    "auth.password": STAFF,
    "auth.password_post": STAFF,
    "driver.book": ANYONE,
    "driver.book_post": ANYONE,
    "driver.goods": ANYONE,
    "driver.mine": ANYONE,
    "driver.mine_post": ANYONE,
    "driver.booking": LINK,
    "driver.state": LINK,
    "driver.step": LINK,
    "dispatch.board": {DISPATCHER},
    "dispatch.parts": {DISPATCHER},
    "dispatch.assign": {DISPATCHER},
    "dispatch.permit": {DISPATCHER},
    "dispatch.step": {DISPATCHER},
    "dispatch.service": {DISPATCHER},
    "planning.page": {DISPATCHER},
    "planning.ask": {DISPATCHER},
    "planning.apply": {DISPATCHER},
    "enterprise.bookings": {ENTERPRISE},
    "enterprise.booking": {ENTERPRISE},
    "enterprise.step": {ENTERPRISE},
    "driver.edit": LINK,
    "driver.edit_post": LINK,
    "dispatch.index": {DISPATCHER, SUPERVISOR},
    "dispatch.booking_step": {DISPATCHER},
    "gate.restrain": {GUARD, DISPATCHER},
    "gate.lift": {GUARD, DISPATCHER},
    "gate.plate_post": {GUARD, DISPATCHER},
    "gate.cargo_post": {GUARD, DISPATCHER},
    "gate.walk_in": {GUARD, DISPATCHER},
    "gate.walk_in_post": {GUARD, DISPATCHER},
    "checklist.answer_page": {GUARD, DISPATCHER},
    "checklist.answer": {GUARD, DISPATCHER},
    "checklist.finish": {GUARD, DISPATCHER},
    "checklist.edit": {ADMIN, SUPERVISOR},
    "checklist.edit_post": {ADMIN},
    "overrides.listed": {DISPATCHER, SUPERVISOR},
    "overrides.ask": {DISPATCHER},
    "overrides.ask_check": {DISPATCHER},
    "overrides.answer": {SUPERVISOR},
    "overrides.use": {DISPATCHER},
    "warnings.listed": {GUARD, DISPATCHER, SUPERVISOR},
    "warnings.bar": {GUARD, DISPATCHER, SUPERVISOR},
    "warnings.enter": {DISPATCHER, SUPERVISOR},
    "warnings.lift": {DISPATCHER, SUPERVISOR},
    "bans.listed": {SUPERVISOR},
    "bans.add": {SUPERVISOR},
    "bans.decide": {SUPERVISOR},
    "bans.answer": {SUPERVISOR},
    "driver.appeal": LINK,
    "goods.listed": STAFF,
    "goods.one": STAFF,
    "queue.lines": {DISPATCHER},
    "queue.screen": {DISPATCHER, GUARD, SUPERVISOR},
    "queue.call": {DISPATCHER},
    "queue.first": {DISPATCHER},
    "queue.move": {DISPATCHER},
    "queue.leave": {DISPATCHER},
    "queue.join": {DISPATCHER},
    "supervisor.violations": {SUPERVISOR, DISPATCHER},
    "supervisor.violation_rows": {SUPERVISOR, DISPATCHER},
    "supervisor.violation": {SUPERVISOR, DISPATCHER},
    "supervisor.acknowledge": {SUPERVISOR},
    "supervisor.vehicles": {SUPERVISOR, DISPATCHER},
    "supervisor.vehicle_rows": {SUPERVISOR, DISPATCHER},
    "terminals.listed": {SUPERVISOR, DISPATCHER},
    "terminals.one": {SUPERVISOR, DISPATCHER},
    "terminals.command_rows": {SUPERVISOR, DISPATCHER},
    "terminals.tell": {SUPERVISOR, DISPATCHER},
    "terminals.withdraw": {SUPERVISOR, DISPATCHER},
    "terminals.order": {SUPERVISOR},
    "terminals.areas": {SUPERVISOR},
    "terminals.release": {SUPERVISOR},
    "terminals.answer": {SUPERVISOR},
    "terminals.close": {SUPERVISOR},
    "maps.park_map": {SUPERVISOR, DISPATCHER},
    "maps.tracks": {SUPERVISOR, DISPATCHER},
    "maps.api_track": {SUPERVISOR, DISPATCHER},
    "passed.page": {SUPERVISOR},
    "maps.api_vehicles": {SUPERVISOR, DISPATCHER},
    "inbox.inbox": {SUPERVISOR, DISPATCHER},
    "inbox.rows": {SUPERVISOR, DISPATCHER},
    "inbox.bar": {SUPERVISOR, DISPATCHER},
    "inbox.read": {SUPERVISOR, DISPATCHER},
    "gate.expected": {GUARD, DISPATCHER},
    "gate.lists": {GUARD, DISPATCHER},
    "gate.vehicle": {GUARD, DISPATCHER},
    "gate.step": {GUARD, DISPATCHER},
    "feeds.listed": {ADMIN, SUPERVISOR},
    "feeds.add_device": {ADMIN},
    "feeds.add_platform": {ADMIN},
    "feeds.new_token": {ADMIN},
    "feeds.revoke": {ADMIN},
    "imports.listed": {SUPERVISOR},
    "imports.send": {SUPERVISOR},
    "imports.one": {SUPERVISOR},
    "api_osmand.take": TOKEN,
    "api_fixes.post": TOKEN,
    "api_document.document": ANYONE,
    "admin.staff_list": {ADMIN},
    "admin.add": {ADMIN},
    "admin.reset_password": {ADMIN},
    "admin.set_active": {ADMIN},
    "admin.park": {ADMIN, SUPERVISOR},
    "admin.assumptions": {ADMIN, SUPERVISOR},
    "layers.hand_in": {ADMIN},
    "layers.hand_in_post": {ADMIN},
    "layers.drawing": {ADMIN, SUPERVISOR},
    "layers.file": {ADMIN, SUPERVISOR},
    "layers.take": {ADMIN},
    "layers.decline": {ADMIN},
    "layers.replay": {SUPERVISOR},
    "tokens.listed": {ADMIN, SUPERVISOR, DISPATCHER},
    "tokens.issue": {ADMIN, SUPERVISOR, DISPATCHER},
    "tokens.revoke": {ADMIN, SUPERVISOR, DISPATCHER},
    "export.layers": {ADMIN, SUPERVISOR},
    "export.violations": {SUPERVISOR, DISPATCHER},
    "ogc.landing": KEY,
    "ogc.conformance": KEY,
    "ogc.api": KEY,
    "ogc.collections": KEY,
    "ogc.collection": KEY,
    "ogc.items": KEY,
    "ogc.item": KEY,
    "health.alive": ANYONE,
    "health.health": ANYONE,
    "health.status": STAFF,
}
ACCOUNTS = {GUARD: "guard", DISPATCHER: "dispatcher", SUPERVISOR: "supervisor", ADMIN: "admin"}
CODE = "ABCD2345"


@pytest.fixture
def site(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Site]:
    made = open_site(database_url, redis_url, tmp_path)
    yield made
    close_site(made)


def _ways(app: Flask) -> Iterator[tuple[str, str, str]]:
    """(endpoint, method, address) of every way in."""
    example = {"code": CODE, "package": "htmx", "file": "htmx.min.js", "filename": "app.css"}
    with app.test_request_context():
        adapter = app.create_url_adapter(None) or app.url_map.bind("localhost")
        for rule in app.url_map.iter_rules():
            args = {name: example.get(name, 1) for name in rule.arguments}
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule.endpoint, method, adapter.build(rule.endpoint, args, method=method)


def _enters(who: Visitor, method: str, address: str) -> bool:
    """Whether the gate lets in. A post carries no token: whoever may enter is stopped behind the gate."""
    answer = who.client.open(address, method=method, headers=who.headers)
    if answer.status_code == 303:
        return not answer.location.startswith("/sign-in")
    if method != "GET":
        assert answer.status_code in (400, 401, 403), f"{method} {address}: {answer.status_code}"
    return answer.status_code not in (401, 403)


def _may(who: object, role: Role | None) -> bool:
    return who == ANYONE or (isinstance(who, (set, frozenset)) and role in who)


def test_every_view_opens_to_the_roles_written_down_and_to_nobody_else(site: Site):
    people: dict[Role | None, Visitor] = {role: site.signed_in(name) for role, name in ACCOUNTS.items()}
    people[None] = site.visitor()
    ways = list(_ways(site.app))
    assert {endpoint for endpoint, _, _ in ways} == set(WHO), "write down who may enter, in WHO"
    wrong = [
        (endpoint, method, str(role))
        for endpoint, method, address in ways
        if WHO[endpoint] != ANYONE or method == "GET"
        for role, who in people.items()
        if _enters(who, method, address) != _may(WHO[endpoint], role)
    ]
    assert not wrong


def test_no_post_is_taken_without_the_token_of_its_form(site: Site):
    anyone = site.visitor()
    for endpoint, method, address in _ways(site.app):
        if method != "GET":
            status = anyone.client.open(address, method=method).status_code
            assert status in (400, 401, 403), (endpoint, status)


def test_only_the_machines_doors_are_without_csrf_tokens(site: Site):
    exempt = site.app.extensions["csrf"]
    doors = {endpoint.split(".")[0] for endpoint, who in WHO.items() if who == TOKEN}
    assert {room.name for room in exempt._exempt_blueprints} == doors
    assert not exempt._exempt_views


def test_an_application_with_an_undeclared_view_refuses_to_start():
    app = Flask("undeclared")
    gates.public(app.view_functions["static"])
    app.add_url_rule("/secret", "secret", lambda: "secret")
    with pytest.raises(gates.UngatedView, match="secret"):
        gates.check(app)


def test_a_view_reached_in_spite_of_an_undeclared_gate_stays_shut(tmp_path: Path):
    from parking.settings import Settings

    app = create_app(Settings(data=tmp_path))
    app.add_url_rule("/late", "late", lambda: "late")  # added after the check at the start
    assert app.test_client().get("/late").status_code == 403


def test_a_gate_without_roles_is_a_mistake():
    with pytest.raises(ValueError, match="public"):
        gates.gate()
