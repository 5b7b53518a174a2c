"""Two-person override: the dispatcher asks, a supervisor answers, the dispatcher uses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from parking import clock
from parking.queries import overrides as override_query
from parking.refused import Reason, Refused
from parking.services import overrides
from parking.speech import N_
from parking.vocabulary import Role
from web.forms import posted_row, typed
from web.gates import gate
from web.people import current_person, source
from web.store import reading, transaction

bp = Blueprint("overrides", __name__)
MENU = (("overrides.listed", N_("Overrides")),)


@bp.get("/overrides")
@gate(Role.DISPATCHER, Role.SUPERVISOR)
def listed() -> str:
    return _page()


@bp.post("/overrides")
@gate(Role.DISPATCHER)
def ask() -> Response:
    """Ask for a bay that is refused: booking, bay, reason."""
    booking, bay, reason = posted_row("booking_id"), typed("bay", 64), typed("reason", 1000)
    return _do(lambda s, who: overrides.ask(s, booking, bay, reason, clock.now(), who, source()))


@bp.post("/overrides/check")
@gate(Role.DISPATCHER)
def ask_check() -> Response:
    """Ask to set aside what the system found for a row of the checklist: visit, code, reason."""
    visit, code, reason = posted_row("visit_id"), typed("code", 8), typed("reason", 1000)
    return _do(lambda s, who: overrides.ask_check(s, visit, code, reason, clock.now(), who, source()))


@bp.post("/overrides/<int:override_id>/answer")
@gate(Role.SUPERVISOR)
def answer(override_id: int) -> Response:
    grant, text = request.form.get("grant") == "1", typed("answer", 1000)
    return _do(lambda s, who: overrides.answer(s, override_id, grant, text, clock.now(), who, source()))


@bp.post("/overrides/<int:override_id>/use")
@gate(Role.DISPATCHER)
def use(override_id: int) -> Response:
    return _do(lambda s, who: overrides.use(s, override_id, clock.now(), who, source()))


def _do(act: Callable[[Session, str], object]) -> Response:
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    try:
        with transaction() as session:
            act(session, person.actor)
    except Refused as refused:
        return make_response(_page(refused.reasons), 422)
    return redirect(url_for("overrides.listed"), 303)


def _page(reasons: Sequence[Reason] = ()) -> str:
    with reading() as session:
        rows = override_query.live(session, clock.now())
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    return render_template(
        "overrides.html",
        rows=rows,
        reasons=reasons,
        me=person,
        booking=request.args.get("booking", "")[:18],
        bay=request.args.get("bay", "")[:64],
    )
