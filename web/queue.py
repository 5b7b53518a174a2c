"""The dispatcher's queues: who is called to which dock next and why, and the screen in the waiting hall."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from parking import clock
from parking.queries import bookings as booking_query
from parking.queries import lot as lot_query
from parking.queries import queue as queue_query
from parking.refused import Reason, Refused
from parking.rules.queue import Place
from parking.services import queue
from parking.speech import N_
from parking.vocabulary import Role, VisitState
from web.forms import posted_row, typed
from web.gates import gate
from web.language import lang
from web.people import current_person, source
from web.queue_words import estimate
from web.store import reading, transaction

bp = Blueprint("queue", __name__)
MENU = (("queue.lines", N_("Call queue")), ("queue.screen", N_("Call screen")))
#: Everyone who may open the screen of the waiting hall.
_HALL = (Role.DISPATCHER, Role.GUARD, Role.SUPERVISOR)


@bp.get("/queue")
@gate(Role.DISPATCHER)
def lines() -> str | Response:
    """Every dock's line; as a fragment (204 while nothing changed) when the page asks for it again."""
    shown = _lines()
    if "v" not in request.args:
        return render_template("queue.html", **shown)
    if request.args["v"] == shown["version"]:
        return make_response("", 204)
    return make_response(render_template("_queue_lines.html", **shown))


@bp.get("/queue/screen")
@gate(*_HALL)
def screen() -> str | Response:
    """What the drivers in the waiting hall see: who is called where, who is next. Plates only."""
    with reading() as session:
        docks = queue_query.board(session, clock.now(), lot_query.current_policy(session))
    called = [(t, d) for d in docks for t in d.busy if t.called_at]
    called.sort(key=lambda pair: str(pair[0].called_at), reverse=True)
    coming = [(d, d.next) for d in docks if d.next]
    seen = [(t.plate, t.state, t.missed, d.code) for t, d in called], [(d.code, t.plate) for d, t in coming]
    version = _version(seen)
    if request.args.get("v") == version:
        return make_response("", 204)
    page = "_queue_screen.html" if "v" in request.args else "queue_screen.html"
    return render_template(page, called=called, coming=coming, version=version)


@bp.post("/queue/call")
@gate(Role.DISPATCHER)
def call() -> AnyResponse:
    """Call the next vehicle of a dock."""
    dock = typed("dock", 40)
    return _do(lambda s, who: queue.call_next(s, dock, clock.now(), who, source()))


@bp.post("/queue/first")
@gate(Role.DISPATCHER)
def first() -> AnyResponse:
    """Let a vehicle go first, with a reason; an empty reason takes it back."""
    ticket, reason = posted_row("ticket"), typed("reason", 300)
    return _do(lambda s, who: queue.put_first(s, ticket, reason, clock.now(), who, source()))


@bp.post("/queue/move")
@gate(Role.DISPATCHER)
def move() -> AnyResponse:
    """Let a vehicle wait for another dock."""
    ticket, dock = posted_row("ticket"), typed("dock", 40)
    return _do(lambda s, who: queue.move(s, ticket, dock, clock.now(), who, source()))


@bp.post("/queue/leave")
@gate(Role.DISPATCHER)
def leave() -> AnyResponse:
    """Take a vehicle out of the line."""
    ticket = posted_row("ticket")
    return _do(lambda s, who: queue.leave(s, ticket, clock.now(), who, source()))


@bp.post("/queue/join")
@gate(Role.DISPATCHER)
def join() -> AnyResponse:
    """Give a parked vehicle a place in a line."""
    visit, dock = posted_row("visit"), typed("dock", 40)
    return _do(lambda s, who: queue.join(s, visit, dock, clock.now(), who, source()))


def _do(act: Callable[..., object]) -> AnyResponse:
    """Do it, then show the lines; a refusal is shown above them with every reason."""
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    try:
        with transaction() as session:
            act(session, person.actor)
    except Refused as refused:
        page = render_template("queue.html", **_lines(refused.reasons))
        return make_response(page, 422)
    return redirect(url_for("queue.lines"), 303)


def _lines(reasons: Sequence[Reason] = ()) -> dict[str, object]:
    now = clock.now()
    with reading() as session:
        docks = queue_query.board(session, now, lot_query.current_policy(session))
        here = booking_query.here(session)
    queued = {t.visit_id for d in docks for t in d.trucks.values()}
    parked = [b for b in here if b.visit and b.visit.state is VisitState.PARKED and b.visit.id not in queued]
    return {
        "docks": sorted(docks, key=lambda d: (not d.trucks, d.enterprise, d.code)),
        "parked": parked,
        "reasons": reasons,
        "version": _version([(d.code, d.trucks, [_seen(p) for p in d.places]) for d in docks], parked),
        "estimate": estimate,
        "choices": [(d.code, f"{d.code} {_dock_name(d)}") for d in docks],
    }


def _seen(place: Place) -> object:
    """What of a place is news: a half-typed reason must not vanish because a minute has passed."""
    window = estimate(place)
    return place.ticket, place.number, window and [round(t.timestamp() / 600) for t in window]


def _version(*seen: object) -> str:
    return hashlib.sha256(f"{lang()} {seen!r}".encode()).hexdigest()[:16]


def _dock_name(dock: queue_query.DockQueue) -> str:
    return dock.name(lang())
