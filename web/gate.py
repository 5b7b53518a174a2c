"""The guard's pages: who is expected, who stands at the gate, who is inside; let in, refuse, let out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from parking import clock
from parking.queries import bookings as booking_query
from parking.queries.bookings import BookingView
from parking.refused import Reason, Refused, no
from parking.rules import plate as plates
from parking.services import visits
from parking.speech import N_
from parking.vocabulary import BookingState, Refusal, Role, VisitState, VisitStep
from web.driver_words import colour_name
from web.forms import typed
from web.gates import gate
from web.language import _, lang, name
from web.people import current_person, source
from web.store import reading, transaction

bp = Blueprint("gate", __name__)
MENU = (("gate.expected", N_("Gate")),)
_CREW = (Role.GUARD, Role.DISPATCHER)
#: Calling forward is the dispatcher's decision and has its own place on the board.
GATE_STEPS = tuple(step for step in VisitStep if step is not VisitStep.CALL)
_AHEAD = timedelta(hours=12)


@bp.get("/gate")
@gate(*_CREW)
def expected() -> str | Response:
    asked = request.args.get("q", "").replace("\x00", "")[:40].strip()
    found = _find(asked) if asked else None
    if found and len(found) == 1:
        return redirect(url_for("gate.vehicle", booking_id=found[0].id), 303)
    return render_template("gate.html", q=asked, found=found, **_lists())


@bp.get("/gate/lists")
@gate(*_CREW)
def lists() -> str | tuple[str, int]:
    """The three lists (a fragment); 204 while they are what the browser already shows."""
    shown = _lists()
    if request.args.get("v") == shown["version"]:
        return "", 204
    return render_template("_gate_lists.html", **shown)


@bp.get("/gate/<int:booking_id>")
@gate(*_CREW)
def vehicle(booking_id: int) -> str:
    return _page(booking_id)


@bp.post("/gate/<int:booking_id>/step")
@gate(*_CREW)
def step(booking_id: int) -> Response | tuple[str, int]:
    asked = typed("step", 40)
    if asked not in GATE_STEPS:
        abort(400)
    try:
        _take(booking_id, VisitStep(asked), typed("remark", 500))
    except Refused as refused:
        return _page(booking_id, refused.reasons), 422
    flash(_("Done: {step}", step=VisitStep(asked)), "good")
    return redirect(url_for("gate.vehicle", booking_id=booking_id), 303)


def _take(booking_id: int, asked: VisitStep, remark: str) -> None:
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    with transaction() as session:
        now = clock.now()
        view = booking_query.by_id(session, booking_id)
        if view is None:
            raise Refused(no(Refusal.BOOKING_UNKNOWN))
        if asked is VisitStep.CHECK_IN:
            visits.check_in(session, booking_id, now, person.actor, source())
        elif view.visit is None:
            raise Refused(no(Refusal.STEP_ILLEGAL, step=asked, state=view.state))
        else:
            visits.step(session, view.visit.id, asked, now, person.actor, source(), remark=remark or None)


def _find(asked: str) -> list[BookingView]:
    """By code or waybill as typed, by plate as the park writes plates."""
    bare = asked.replace(" ", "")
    with reading() as session:
        return booking_query.find(session, bare) or booking_query.find(session, plates.normalise(bare))


def _lists() -> dict[str, object]:
    now = clock.now()
    with reading() as session:
        coming = booking_query.expected(session, now, within=_AHEAD)
        here = booking_query.here(session)
    at_gate = [b for b in here if b.visit and b.visit.state is VisitState.ARRIVED]
    inside = [b for b in here if b.visit and b.visit.inside]
    version = hashlib.sha256(f"{lang()} {coming!r} {here!r}".encode()).hexdigest()[:16]
    return {"coming": coming, "at_gate": at_gate, "inside": inside, "version": version}


def _page(booking_id: int, reasons: Sequence[Reason] = ()) -> str:
    with reading() as session:
        view = booking_query.by_id(session, booking_id) or abort(404)
    return render_template(
        "gate_vehicle.html",
        b=view,
        steps=_steps(view),
        reasons=reasons,
        colour=colour_name(view.plate_colour),
    )


def _steps(view: BookingView) -> list[tuple[VisitStep, str]]:
    if view.visit is None:
        waiting = view.state in (BookingState.SUBMITTED, BookingState.APPROVED)
        return [(VisitStep.CHECK_IN, name(VisitStep.CHECK_IN))] if waiting else []
    return [(word, name(word)) for word in view.visit.steps if word in GATE_STEPS]
