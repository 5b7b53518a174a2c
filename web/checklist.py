"""The guard answers the entry checklist, one row after the other; the park edits its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from parking import clock
from parking.queries import bookings as booking_query
from parking.queries import checklist as checklist_query
from parking.queries.bookings import BookingView
from parking.refused import Reason, Refused
from parking.rules.checklist import SELF_CHECKS, Answer, Outcome
from parking.services import checklist
from parking.speech import N_
from parking.vocabulary import CheckResult, OnFail, Role, VisitState
from web.forms import date_of, typed, whole
from web.gates import gate
from web.language import _, lang
from web.people import current_person, source
from web.store import reading, transaction

bp = Blueprint("checklist", __name__)
MENU = (("checklist.edit", N_("Checklist")),)
_CREW = (Role.GUARD, Role.DISPATCHER)
OUTCOMES = {
    Outcome.PASSED: N_("Everything is in order: the vehicle is inspected."),
    Outcome.HOLD: N_("The vehicle is restrained until it is mended."),
    Outcome.REFUSE: N_("The vehicle may not enter."),
    Outcome.ISOLATE: N_("The vehicle goes to the isolation bay."),
}


@bp.get("/gate/<int:booking_id>/checklist")
@gate(*_CREW)
def answer_page(booking_id: int) -> str:
    return _page(booking_id)


@bp.post("/gate/<int:booking_id>/checklist")
@gate(*_CREW)
def answer(booking_id: int) -> Response | tuple[str, int]:
    """One row's answer, saved at once."""
    code, result = typed("code", 8), typed("result", 20)
    if result not in list(CheckResult):
        abort(400)
    until: date | None = date_of(typed("valid_until", 10))
    found = Answer(CheckResult(result), until, typed("remark", 500))

    def act(session: Session, visit_id: int, actor: str) -> None:
        checklist.answer(session, visit_id, code, found, clock.now(), actor, source())

    refused = _do(booking_id, act)
    if refused is not None:
        return refused
    return redirect(url_for("checklist.answer_page", booking_id=booking_id) + f"#row-{code}", 303)


@bp.post("/gate/<int:booking_id>/checklist/finish")
@gate(*_CREW)
def finish(booking_id: int) -> Response | tuple[str, int]:
    """Do what the answers come to."""

    def act(session: Session, visit_id: int, actor: str) -> None:
        verdict = checklist.conclude(session, visit_id, clock.now(), actor, source())
        flash(_(OUTCOMES[verdict.outcome]), "good" if verdict.outcome is Outcome.PASSED else "stop")

    return _do(booking_id, act) or redirect(url_for("gate.vehicle", booking_id=booking_id), 303)


@bp.get("/admin/checklist")
@gate(Role.ADMIN, Role.SUPERVISOR)
def edit() -> str:
    return _edit_page()


@bp.post("/admin/checklist")
@gate(Role.ADMIN)
def edit_post() -> Response | tuple[str, int]:
    """Change one row of the park's list."""
    on_fail = typed("on_fail", 20)
    if on_fail not in list(OnFail):
        abort(400)
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    try:
        with transaction() as session:
            checklist.edit(
                session, typed("code", 8), typed("text_zh", 300), typed("text_en", 300), OnFail(on_fail),
                typed("active", 1) == "1", whole(typed("position", 4)), clock.now(), person.actor, source(),
                typed("by_itself", 1) == "1",
            )  # fmt: skip
    except Refused as refused:
        return _edit_page(refused.reasons), 422
    return redirect(url_for("checklist.edit") + f"#row-{typed('code', 8)}", 303)


def _edit_page(reasons: Sequence[Reason] = ()) -> str:
    with reading() as session:
        rows = checklist_query.edited(session)
    return render_template(
        "checklist_edit.html", rows=rows, reasons=reasons, on_fail=list(OnFail), self_checks=SELF_CHECKS
    )


def _do(booking_id: int, act: Callable[[Session, int, str], None]) -> tuple[str, int] | None:
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    view = _view(booking_id)
    if view.visit is None:
        abort(404)
    try:
        with transaction() as session:
            act(session, view.visit.id, person.actor)
    except Refused as refused:
        return _page(booking_id, refused.reasons), 422
    return None


def _page(booking_id: int, reasons: Sequence[Reason] = ()) -> str:
    view = _view(booking_id)
    if view.visit is None:
        abort(404)
    with reading() as session:
        listed = checklist_query.of_visit(session, view.visit.id, clock.now())
    texts = {
        line.row.code: (line.row.text_en if lang() == "en" else line.row.text_zh) for line in listed.lines
    }
    return render_template(
        "checklist.html",
        b=view,
        listed=listed,
        texts=texts,
        reasons=reasons,
        may_answer=view.visit.state is VisitState.ARRIVED,
        typed_code=typed("code", 8) if reasons else "",
    )


def _view(booking_id: int) -> BookingView:
    with reading() as session:
        return booking_query.by_id(session, booking_id) or abort(404)
