"""One's own keys for GIS programs: drawn and shown once, listed, revoked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from parking.queries import tokens as token_query
from parking.queries.staff import StaffView
from parking.refused import Reason, Refused
from parking.services import tokens
from parking.vocabulary import Role
from web.forms import typed, whole
from web.gates import gate
from web.people import current_person, source
from web.store import reading, transaction

bp = Blueprint("tokens", __name__)
HOLDERS = (Role.ADMIN, Role.SUPERVISOR, Role.DISPATCHER)
USUAL_DAYS = 180


@bp.get("/keys")
@gate(*HOLDERS)
def listed() -> str:
    return _page()


@bp.post("/keys")
@gate(*HOLDERS)
def issue() -> str | tuple[str, int]:
    """Draw a key and show it once, in this answer only."""
    person = _person()
    days = timedelta(days=max(1, min(whole(typed("days", 5) or "0"), tokens.LONGEST.days)))
    try:
        with transaction() as session:
            token = tokens.issue(session, person.id, typed("name", 120), days, _now(), person.actor, source())
    except Refused as refused:
        return _page(refused.reasons), 422
    return _page(issued=token)


@bp.post("/keys/<int:token_id>/revoke")
@gate(*HOLDERS)
def revoke(token_id: int) -> Response | tuple[str, int]:
    person = _person()
    try:
        with transaction() as session:
            tokens.revoke(session, person.id, token_id, _now(), person.actor, source())
    except Refused as refused:
        return _page(refused.reasons), 422
    return redirect(url_for("tokens.listed"), 303)


def _page(reasons: Sequence[Reason] = (), issued: str = "") -> str:
    with reading() as session:
        rows = token_query.of(session, _person().id, _now())
    return render_template("tokens.html", rows=rows, reasons=reasons, issued=issued, days=USUAL_DAYS)


def _person() -> StaffView:
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    return person


def _now() -> datetime:
    """Keys live in real time, also while a demo day plays."""
    return datetime.now(UTC)
