"""The enterprise's pages: who wants to come to us, and whether we expect them."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from parking import clock
from parking.queries import bookings as booking_query
from parking.queries.bookings import BookingView
from parking.refused import Reason, Refused
from parking.rules import booking as life
from parking.services import bookings
from parking.speech import N_
from parking.vocabulary import BookingStep, Role
from web.forms import typed
from web.gates import gate
from web.language import _
from web.people import actor, current_person, source
from web.store import reading, transaction

bp = Blueprint("enterprise", __name__)
MENU = (("enterprise.bookings", N_("Bookings to us")),)
_STEPS = (BookingStep.ENTERPRISE_APPROVE, BookingStep.RETURN, BookingStep.REJECT)


@bp.get("/enterprise", endpoint="bookings")
@gate(Role.ENTERPRISE)
def listed() -> str:
    """Bookings to this enterprise and to no other; what waits for its word first."""
    with reading() as session:
        rows = booking_query.of_enterprise(session, _mine())
    waiting = [b for b in rows if life.steps(b.state, actor())]
    return render_template("enterprise.html", waiting=waiting, rows=rows, enterprise=_mine())


@bp.get("/enterprise/<int:booking_id>")
@gate(Role.ENTERPRISE)
def booking(booking_id: int) -> str:
    return _page(booking_id)


@bp.post("/enterprise/<int:booking_id>/step")
@gate(Role.ENTERPRISE)
def step(booking_id: int) -> Response | tuple[str, int]:
    """Agree, send back to be mended, or refuse."""
    asked = typed("step", 40)
    if asked not in _STEPS:
        abort(400)
    _own(booking_id)
    try:
        with transaction() as session:
            bookings.take(
                session, booking_id, BookingStep(asked), clock.now(), actor(), source(), typed("remark", 500)
            )
    except Refused as refused:
        return _page(booking_id, refused.reasons), 422
    flash(_("Done: {step}", step=BookingStep(asked)), "good")
    return redirect(url_for("enterprise.bookings"), 303)


def _page(booking_id: int, reasons: Sequence[Reason] = ()) -> str:
    view = _own(booking_id)
    with reading() as session:
        cargoes = booking_query.cargoes(session, booking_id)
    steps = life.steps(view.state, actor())
    return render_template("enterprise_booking.html", b=view, cargoes=cargoes, steps=steps, reasons=reasons)


def _own(booking_id: int) -> BookingView:
    """A booking to this enterprise; another's does not exist for it."""
    with reading() as session:
        view = booking_query.by_id(session, booking_id)
    if view is None or view.enterprise != _mine():
        abort(404)
    return view


def _mine() -> str:
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    return person.enterprise or ""
