"""The supervisor's pages: violations with what proves them, vehicles and how well they report."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Flask, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from parking import clock
from parking.queries import park as park_query
from parking.queries import terminals as terminal_query
from parking.queries import tracks as track_query
from parking.queries import violations as violation_query
from parking.queries.tracks import VehicleView
from parking.queries.violations import Filter, Page
from parking.refused import Reason, Refused
from parking.rules import plate as plates
from parking.services import violations as violation_service
from parking.speech import N_
from parking.vocabulary import Role, ViolationKind, ViolationState
from web import desk, maps
from web.forms import typed
from web.gates import gate
from web.language import _, lang
from web.people import current_person, source
from web.store import reading, transaction

bp = Blueprint("supervisor", __name__)
MENU = (
    ("supervisor.violations", N_("Violations")),
    ("supervisor.vehicles", N_("Vehicles")),
)
#: Who may look. Taking note of a violation is the supervisor's alone.
WATCHERS = (Role.SUPERVISOR, Role.DISPATCHER)
PER_PAGE = 50
ACTIONS = {
    "acknowledged": N_("acknowledged"),
    "corrected_by_late_fixes": N_("brought up to date by positions that came late"),
    "refuted": N_("refuted: all positions together do not show it"),
    "reinstated": N_("found again by positions that came late; it is open"),
}
#: How well a terminal reports is judged over this time.
SHARE_OF = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of violations with what was asked for."""

    page: Page
    asked: dict[str, str]
    number: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.page.total // PER_PAGE))

    def address(self, **changes: Any) -> str:
        wanted = {**self.asked, "page": self.number, **changes}
        kept = {k: v for k, v in wanted.items() if v and not (k == "page" and v == 1)}
        return url_for("supervisor.violations", **kept)


@bp.get("/violations")
@gate(*WATCHERS)
def violations() -> str:
    return render_template(
        "violations.html", listed=_listed(), kinds=list(ViolationKind), states=list(ViolationState)
    )


@bp.get("/violations/list")
@gate(*WATCHERS)
def violation_rows() -> str | tuple[str, int]:
    """The list alone (a fragment); 204 while it is what the browser already shows."""
    listed = _listed()
    if request.args.get("v") == version(listed):
        return "", 204
    return render_template("_violation_list.html", listed=listed)


@bp.get("/violations/<int:violation_id>")
@gate(*WATCHERS)
def violation(violation_id: int) -> str:
    return _page(violation_id)


@bp.post("/violations/<int:violation_id>/acknowledge")
@gate(Role.SUPERVISOR)
def acknowledge(violation_id: int) -> Response | tuple[str, int]:
    """Take note, with what was found and done."""
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    try:
        with transaction() as session:
            violation_service.acknowledge(
                session, violation_id, typed("remark", 2000), clock.now(), person.actor, source()
            )
    except Refused as refused:
        return _page(violation_id, refused.reasons), 422
    flash(_("The violation is acknowledged."), "good")
    return redirect(url_for("supervisor.violation", violation_id=violation_id), 303)


@bp.get("/vehicles")
@gate(*WATCHERS)
def vehicles() -> str:
    return render_template("vehicles.html", **_vehicles())


@bp.get("/vehicles/list")
@gate(*WATCHERS)
def vehicle_rows() -> str:
    """The list alone (a fragment)."""
    return render_template("_vehicle_list.html", **_vehicles())


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(violations_version=version, action=action, picker=maps.picker)


def action(word: str) -> str:
    """What the record says was done with a violation."""
    return _(ACTIONS[word]) if word in ACTIONS else word


def version(listed: Listed) -> str:
    return hashlib.sha256(f"{lang()} {listed!r}".encode()).hexdigest()[:16]


def _listed() -> Listed:
    asked = {key: request.args.get(key, "").replace("\x00", "")[:40].strip() for key in
             ("state", "kind", "plate", "since", "until")}  # fmt: skip
    number = min(max(request.args.get("page", 1, type=int) or 1, 1), 100_000)
    wanted = Filter(
        state=ViolationState(asked["state"]) if asked["state"] in list(ViolationState) else None,
        kind=ViolationKind(asked["kind"]) if asked["kind"] in list(ViolationKind) else None,
        plate=plates.normalise(asked["plate"]) if asked["plate"] else "",
        since=desk.begins(desk.day(asked["since"])),
        until=desk.ends(desk.day(asked["until"])),
    )
    with reading() as session:
        page = violation_query.page(session, wanted, (number - 1) * PER_PAGE, PER_PAGE)
        if not page.total and wanted.plate != asked["plate"]:  # a terminal may write its plate otherwise
            as_typed = replace(wanted, plate=asked["plate"])
            page = violation_query.page(session, as_typed, (number - 1) * PER_PAGE, PER_PAGE)
    return Listed(page, asked, number)


def _page(violation_id: int, reasons: Sequence[Reason] = ()) -> str:
    with reading() as session:
        found = violation_query.one(session, violation_id) or abort(404)
        history = violation_query.history(session, violation_id)
        park = park_query.current(session)
        line = desk.line_of(park, found)
        drawn, track = maps.violation_map(session, park, found, line)
        evidence = terminal_query.evidence_for(session, violation_id)
    return render_template(
        "violation.html",
        v=found,
        line=line,
        map=drawn,
        track=track,
        history=history,
        evidence=evidence,
        facts=list(desk.spoken(found)),
        certainty=desk.certainty(found),
        reasons=reasons,
        remark=typed("remark", 2000) if reasons else "",
        remark_max=violation_service.REMARK_MAX,
    )


def _vehicles() -> dict[str, Any]:
    now = clock.now()
    asked = request.args.get("plate", "").replace("\x00", "")[:20].strip()
    with reading() as session:
        found = track_query.vehicles(session)
        share = track_query.unbelieved_share(session, now - SHARE_OF)
    wanted = plates.normalise(asked) if asked else ""
    rows = [
        (v, _age(v, now), share.get(v.vehicle_id)) for v in found if wanted in v.plate or asked in v.plate
    ]
    return {"rows": rows[:500], "more": max(0, len(rows) - 500), "plate": asked, "now": now}


def _age(vehicle: VehicleView, now: datetime) -> timedelta | None:
    return max(timedelta(), now - vehicle.last_time) if vehicle.last_time else None
