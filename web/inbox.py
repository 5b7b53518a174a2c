"""The in-app inbox of a role: what happened, read or not; and the bar that shows an unread alarm."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Flask, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from parking import clock
from parking.queries import notices as notice_query
from parking.queries.notices import NoticeView
from parking.services import notices
from parking.speech import N_
from parking.vocabulary import Role, Severity, ViolationKind
from web.gates import gate
from web.language import _, clock_time, name, say
from web.people import current_person
from web.store import reading, transaction

bp = Blueprint("inbox", __name__)
MENU = (("inbox.inbox", N_("Inbox")),)
#: Who is told anything (parking.services.notices.AUDIENCE).
READERS = (Role.DISPATCHER, Role.SUPERVISOR)

_SAID: Mapping[str, str] = {
    "booking_submitted": N_("{plate} asks for a bay (booking {code})."),
    "override_asked": N_("An override is asked for {plate} (booking {code}): answer it."),
    "bay_possible": N_("A bay is possible now for {plate} on the waiting list (booking {code})."),
    "visit_alarm": N_("{plate}: {state}. Look after it now (booking {code})."),
    "terminals_disagree": N_("{conflict}: terminal {phone}, vehicle {plate}. Look at it now."),
    "bay_lost": N_("{plate} lost its bay and needs another one (booking {code})."),
}


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(unread_notices=unread_notices, newest_alarm=newest_alarm, told=told)


@bp.get("/inbox")
@gate(*READERS)
def inbox() -> str:
    return render_template("inbox.html", rows=_rows())


@bp.get("/inbox/list")
@gate(*READERS)
def rows() -> str:
    """The list alone (a fragment)."""
    return render_template("_inbox_list.html", rows=_rows())


@bp.get("/inbox/bar")
@gate(*READERS)
def bar() -> str:
    """The newest unread alarm and the number of unread notices (a fragment)."""
    return render_template("_alarm_bar.html", with_count=True)


@bp.post("/inbox/read")
@gate(*READERS)
def read() -> Response:
    """Mark notices as read: those named ``id``, or all of them up to the newest one shown."""
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    chosen = [int(i) for i in request.form.getlist("id") if i.isascii() and i.isdigit() and len(i) < 18]
    with transaction() as session:
        notices.mark_read(session, person.role, chosen, clock.now(), person.actor)
    return redirect(url_for("inbox.inbox"), 303)


def unread_notices() -> int:
    """How many notices of this person's role nobody has read. Asked once a request."""
    if "unread" not in g:
        person = None if g.get("bare") else current_person()
        if person is None or person.role not in READERS:
            return 0
        with reading() as session:
            g.unread = notice_query.unread(session, person.role)
    number: int = g.unread
    return number


def newest_alarm() -> NoticeView | None:
    """The newest unread alarm of this person's role."""
    if not unread_notices():
        return None
    return next((n for n in _rows() if n.severity is Severity.ALARM and n.read_at is None), None)


def told(notice: NoticeView) -> str:
    """What a notice says."""
    facts = {k: _meant(k, v) for k, v in notice.facts.items()}
    kind = notice.facts.get("kind")
    if kind in list(ViolationKind):
        said = say(ViolationKind(str(kind)), facts)
        if notice.event == "violation_refuted":
            return _("Refuted by positions that came late: {what}", what=said)
        rung = notice.event == "violation_escalated"
        return _("Escalated, still going on: {what}", what=said) if rung else said
    if notice.event in _SAID:
        return _(_SAID[notice.event], **facts)
    return notice.event


def _rows() -> tuple[NoticeView, ...]:
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    with reading() as session:
        return notice_query.inbox(session, person.role)


def _meant(key: str, value: Any) -> Any:
    """Times and words travel as text in facts."""
    if key in ("conflict", "state"):
        return name(value)
    if key.endswith("_at"):
        try:
            return clock_time(datetime.fromisoformat(value))
        except (TypeError, ValueError):
            return value
    return value
