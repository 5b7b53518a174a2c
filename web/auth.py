"""Sign in, sign out, one's own password."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from parking.queries.staff import StaffView, view
from parking.refused import Reason, Refused, no
from parking.services import staff
from parking.vocabulary import Refusal, Role
from web.gates import gate, public
from web.language import _
from web.limits import Tries
from web.people import current_person, forget, remember, source
from web.store import transaction

bp = Blueprint("auth", __name__)
#: Beside the lock of each account: one address may not try many accounts.
TRIES = Tries("sign-in", allowed=30, minutes=10)


@bp.get("/sign-in")
@public
def sign_in() -> str:
    return render_template("sign_in.html", next=_local(request.args.get("next")), username="", reasons=())


@bp.post("/sign-in")
@public
def sign_in_post() -> Response | tuple[str, int]:
    username = request.form.get("username", "").strip()
    try:
        TRIES.check(source())
        person = _checked(username, request.form.get("password", ""))
    except Refused as refused:
        return _again(username, refused.reasons)
    if person is None:
        TRIES.count(source())
        return _again(username, (no(Refusal.SIGN_IN_FAILED),))
    remember(person)
    return redirect(_local(request.form.get("next")) or url_for("home.front"), 303)


@bp.post("/sign-out")
@gate(*Role)
def sign_out() -> Response:
    forget()
    return redirect(url_for("home.front"), 303)


@bp.get("/password")
@gate(*Role)
def password() -> str:
    return render_template("password.html", reasons=())


@bp.post("/password")
@gate(*Role)
def password_post() -> Response | tuple[str, int]:
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    try:
        changed = _changed(person, request.form.get("current", ""), request.form.get("password", ""))
    except Refused as refused:
        return render_template("password.html", reasons=refused.reasons), 422
    if changed is None:
        return render_template("password.html", reasons=(no(Refusal.SIGN_IN_FAILED, "current"),)), 422
    remember(changed)  # every other session of this person has ended
    flash(_("Your password is changed; other sessions of yours have ended."), "good")
    return redirect(url_for("home.front"), 303)


def _checked(username: str, word: str) -> StaffView | None:
    """Real time, not park time: a lock must not end early because a demo runs fast."""
    with transaction() as session:
        found = staff.sign_in(session, username[:40], word[:200], datetime.now(UTC), source())
        return view(found) if found else None


def _changed(person: StaffView, old: str, new: str) -> StaffView | None:
    now = datetime.now(UTC)
    with transaction() as session:
        row = staff.sign_in(session, person.username, old[:200], now, source())
        if row is None:
            return None
        staff.set_password(session, row.id, new, now, person.actor, source())
        return view(row)


def _again(username: str, reasons: tuple[Reason, ...]) -> tuple[str, int]:
    page = render_template(
        "sign_in.html", next=_local(request.form.get("next")), username=username[:40], reasons=reasons
    )
    return page, 422


def _local(address: str | None) -> str:
    """An address of ours, or nothing: sign-in must not be a springboard to elsewhere."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")) or "\\" in address:
        return ""
    return "" if any(c < " " for c in address) else address
