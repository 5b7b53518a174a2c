"""The guard's pages: who is expected, who stands at the gate, who is inside; let in, refuse, let out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from parking import clock
from parking.queries import bookings as booking_query
from parking.queries import park as park_query
from parking.queries import restraints as restraint_query
from parking.queries.bookings import BookingView
from parking.refused import Reason, Refused, no
from parking.rules import plate as plates
from parking.services import arrivals, bookings, cargo, plate_mends, restraints, visits
from parking.speech import N_
from parking.vocabulary import (
    AT_GATE,
    LIVE_BOOKING,
    BookingState,
    LoadState,
    Refusal,
    Role,
    VisitState,
    VisitStep,
)
from web.booking_form import fresh_fields, render_form
from web.driver_words import COLOURS_OFFERED, colour_name
from web.forms import booking_fields, booking_form, cargo_lines, posted_row, typed, whole
from web.gates import gate
from web.language import _, lang, name
from web.people import current_person, source
from web.permits import named
from web.store import reading, transaction

bp = Blueprint("gate", __name__)
MENU = (("gate.expected", N_("Gate")),)
_CREW = (Role.GUARD, Role.DISPATCHER)
#: Calling forward is the dispatcher's decision and has its own place on the board.
GATE_STEPS = tuple(
    step
    for step in VisitStep
    if step
    not in (
        VisitStep.CALL, VisitStep.MISS_CALL, VisitStep.OPEN_WINDOW, VisitStep.GO_MISSING,
        VisitStep.CLOSE, VisitStep.CLOSE_INFERRED, VisitStep.INSPECT,
    )
)  # fmt: skip
#: Steps for trouble: apart from the ordinary ones, with a word of explanation.
TROUBLE = (VisitStep.REFUSE, VisitStep.ISOLATE, VisitStep.CANCEL_STAY, VisitStep.EVACUATE)
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


@bp.post("/gate/<int:booking_id>/restrain")
@gate(*_CREW)
def restrain(booking_id: int) -> Response | tuple[str, int]:
    """Keep a vehicle where it is until somebody lifts it."""

    def act(session: Session, visit_id: int, actor: str) -> None:
        restraints.restrain(session, visit_id, typed("reason", 500), "staff", clock.now(), actor, source())

    return _do(booking_id, act)


@bp.post("/gate/<int:booking_id>/lift")
@gate(*_CREW)
def lift(booking_id: int) -> Response | tuple[str, int]:
    """Let a restrained vehicle go again."""

    def act(session: Session, visit_id: int, actor: str) -> None:
        restraint, why = posted_row("restraint"), typed("why", 500)
        if restraint not in {r.id for r in restraint_query.standing(session, visit_id)}:
            raise Refused(no(Refusal.NOT_RESTRAINED))
        restraints.lift(session, restraint, why, clock.now(), actor, source())

    return _do(booking_id, act)


@bp.post("/gate/<int:booking_id>/cargo")
@gate(*_CREW)
def cargo_post(booking_id: int) -> Response | tuple[str, int]:
    """Put right what the vehicle carries: at the gate, after the dock, or after washing."""

    def act(session: Session, visit_id: int, actor: str) -> None:
        view = booking_query.by_visit(session, visit_id)
        which, carries, now = _cargo_page(view) if view else "", typed("load_state", 20), clock.now()
        if which == "washed":
            cargo.washed(session, visit_id, typed("certificate", 80), now, actor, source())
            return
        if carries not in list(LoadState):
            raise Refused(no(Refusal.CARGO_UNDECLARED, "load_state"))
        lines, state = cargo_lines(), LoadState(carries)
        if which == "declare":
            bill = typed("waybill_out", 40)
            cargo.declare(session, visit_id, state, lines, bill, now, actor, source())
        else:
            cargo.correct(session, visit_id, state, lines, now, actor, source())

    return _do(booking_id, act)


@bp.post("/gate/<int:booking_id>/plate")
@gate(*_CREW)
def plate_post(booking_id: int) -> Response | tuple[str, int]:
    """The plate that was seen, instead of the booked one."""
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    seen, why = typed("plate", 40), typed("plate_remark", 500)
    colour = whole(typed("plate_colour", 2))
    try:
        with transaction() as session:
            plate_mends.mend(session, booking_id, seen, colour, why, clock.now(), person.actor, source())
    except Refused as refused:
        return _page(booking_id, refused.reasons), 422
    return redirect(url_for("gate.vehicle", booking_id=booking_id), 303)


@bp.get("/gate/walk-in")
@gate(*_CREW)
def walk_in() -> str:
    """A booking for a vehicle that stands at the gate without one."""
    return render_form("walk_in.html", fresh_fields())


@bp.post("/gate/walk-in")
@gate(*_CREW)
def walk_in_post() -> Response | tuple[str, int]:
    """The same two approvals as any booking; it only begins here."""
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    fields = booking_fields()
    form = replace(booking_form(fields, lang()), walk_in=True)
    try:
        with transaction() as session:
            made = bookings.request(session, form, clock.now(), person.actor, source()).id
    except Refused as refused:
        return render_form("walk_in.html", fields, refused.reasons), 422
    return redirect(url_for("gate.vehicle", booking_id=made), 303)


def _do(booking_id: int, act: Callable[[Session, int, str], None]) -> Response | tuple[str, int]:
    """Do something to a booking's visit; refusals are shown on its page."""
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    try:
        with transaction() as session:
            view = booking_query.by_id(session, booking_id)
            if view is None or view.visit is None:
                raise Refused(no(Refusal.VISIT_UNKNOWN))
            act(session, view.visit.id, person.actor)
    except Refused as refused:
        return _page(booking_id, refused.reasons), 422
    return redirect(url_for("gate.vehicle", booking_id=booking_id), 303)


def _cargo_page(view: BookingView) -> str:
    """Which form about the cargo makes sense now: correct, declare, washed, or none."""
    state = view.visit.state if view.visit else None
    if state is VisitState.WASHING:
        return "washed"
    if state in (VisitState.WORK_DONE, VisitState.EN_ROUTE_OUT):
        return "declare"
    return "correct" if state in AT_GATE else ""


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
    at_gate = [b for b in here if b.visit and b.visit.state in (*AT_GATE, VisitState.EVACUATED)]
    inside = [b for b in here if b.visit and b.visit.inside]
    version = hashlib.sha256(f"{lang()} {coming!r} {here!r}".encode()).hexdigest()[:16]
    return {"coming": coming, "at_gate": at_gate, "inside": inside, "version": version}


def _page(booking_id: int, reasons: Sequence[Reason] = ()) -> str:
    with reading() as session:
        view = booking_query.by_id(session, booking_id) or abort(404)
        cargoes = booking_query.cargoes(session, booking_id)
        held = restraint_query.standing(session, view.visit.id) if view.visit else []
        waits = arrivals.of_booking(session, booking_id, clock.now())
        may = named(park_query.current(session), view, clock.now(), lang())
    return render_template(
        "gate_vehicle.html",
        b=view,
        may=may,
        cargoes=cargoes,
        restraints=held,
        waits=waits,
        trouble=TROUBLE,
        cargo_page=_cargo_page(view),
        load_states=[(word.value, name(word)) for word in LoadState],
        steps=_steps(view),
        reasons=reasons,
        colour=colour_name(view.plate_colour),
        mendable=view.visit.state in AT_GATE if view.visit else view.state in LIVE_BOOKING,
        colours=[(number, _(label)) for number, label in COLOURS_OFFERED],
    )


def _steps(view: BookingView) -> list[tuple[VisitStep, str]]:
    if view.visit is None:
        waiting = view.state in (BookingState.ENTERPRISE_APPROVED, BookingState.APPROVED)
        return [(VisitStep.CHECK_IN, name(VisitStep.CHECK_IN))] if waiting else []
    return [(word, name(word)) for word in view.visit.steps if word in GATE_STEPS]
