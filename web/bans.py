"""The blacklist: who, why, until when; appeals answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, abort, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from parking import clock
from parking.queries import ban_proposals
from parking.queries import bans as ban_query
from parking.queries import lot as lot_query
from parking.refused import Reason, Refused
from parking.services import bans
from parking.speech import N_
from parking.vocabulary import BanSubject, Role
from web.forms import posted_row, typed, whole
from web.gates import gate
from web.people import current_person, source
from web.store import reading, transaction

bp = Blueprint("bans", __name__)
MENU = (("bans.listed", N_("Blacklist")),)
#: Term proposed, days: a year, as one park's notice has it for repeated offences; editable each time.
TERM_DAYS = 365


@bp.get("/blacklist")
@gate(Role.SUPERVISOR)
def listed() -> str:
    return _page()


@bp.post("/blacklist")
@gate(Role.SUPERVISOR)
def add() -> Response:
    """A new entry: subject, name, reason, days."""
    subject = typed("subject", 20)
    if subject not in list(BanSubject):
        abort(400)
    name, reason, days = typed("name", 120), typed("reason", 1000), whole(typed("days", 5) or "0")
    return _do(
        lambda s, who: bans.ban(s, BanSubject(subject), name, reason, days, clock.now(), who, source())
    )


@bp.post("/blacklist/proposal")
@gate(Role.SUPERVISOR)
def decide() -> Response:
    """Answer a proposal (field ``act``): ban for a term, or spare; both with a reason."""
    plate, last, why = typed("plate", 120), posted_row("violation"), typed("remark", 1000)
    act, days, now = typed("act", 10), whole(typed("days", 5) or "0"), clock.now()
    if act == "ban":
        return _do(lambda s, who: bans.ban(s, BanSubject.PLATE, plate, why, days, now, who, source(), last))
    if act == "spare":
        return _do(lambda s, who: bans.spare(s, plate, last, why, now, who, source()))
    return abort(400)


@bp.post("/blacklist/<int:ban_id>")
@gate(Role.SUPERVISOR)
def answer(ban_id: int) -> Response:
    """Lift an entry, or answer its appeal (field ``act``: lift, grant, uphold)."""
    act, why, now = typed("act", 10), typed("remark", 1000), clock.now()
    if act == "lift":
        return _do(lambda s, who: bans.lift(s, ban_id, why, now, who, source()))
    if act in ("grant", "uphold"):
        return _do(lambda s, who: bans.decide(s, ban_id, act == "grant", why, now, who, source()))
    return abort(400)


def _do(act: Callable[[Session, str], object]) -> Response:
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    try:
        with transaction() as session:
            act(session, person.actor)
    except Refused as refused:
        return make_response(_page(refused.reasons), 422)
    return redirect(url_for("bans.listed"), 303)


def _page(reasons: Sequence[Reason] = ()) -> str:
    with reading() as session:
        rows, now = ban_query.listed(session, clock.now()), clock.now()
        proposed = ban_proposals.listed(session, lot_query.current_policy(session), now)
    subjects = list(BanSubject)
    return render_template(
        "bans.html", rows=rows, proposed=proposed, reasons=reasons, subjects=subjects, term=TERM_DAYS
    )
