"""The plan of a day: ask for it, see it get better, take it over."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from parking import clock
from parking.models import PlanRun
from parking.queries import lot as lot_query
from parking.queries import planning as plan_query
from parking.refused import Reason, Refused
from parking.services import planning
from parking.speech import N_
from parking.vocabulary import Advice, PlanState, Role
from web.forms import posted_row, typed
from web.gates import gate
from web.language import lang
from web.people import actor, source
from web.store import reading, transaction

bp = Blueprint("planning", __name__)
MENU = (("planning.page", N_("Plan of the day")),)
_BEING_MADE = (PlanState.RUNNING, PlanState.IMPROVING)


@bp.get("/plan")
@gate(Role.DISPATCHER)
def page() -> str | Response:
    """The newest plan of a day; as a fragment (204 while nothing changed) when the page asks for it again."""
    shown = _shown(_day(request.args.get("day", "")))
    if "v" not in request.args:
        return render_template("plan.html", **shown)
    if request.args["v"] == shown["version"]:
        return make_response("", 204)
    return make_response(render_template("_plan.html", **shown))


@bp.post("/plan/ask")
@gate(Role.DISPATCHER)
def ask() -> AnyResponse:
    """Ask for a plan; a worker makes it while the page looks on."""
    day = _day(typed("day", 10))
    with transaction() as session:
        planning.ask(session, lot_query.current(session), day, clock.now(), actor(), source())
    return redirect(url_for("planning.page", day=day.isoformat()), 303)


@bp.post("/plan/apply")
@gate(Role.DISPATCHER)
def apply() -> AnyResponse:
    """Take a plan over: every assignment is checked again, what changed meanwhile is said."""
    day, number = _day(typed("day", 10)), posted_row("run")
    try:
        with transaction() as session:
            taken = planning.take_over(session, number, clock.now(), actor(), source())
    except Refused as refused:
        return make_response(render_template("plan.html", **_shown(day, refused.reasons)), 422)
    return make_response(render_template("plan.html", **_shown(day, taken=taken)))


def _shown(
    day: date, reasons: tuple[Reason, ...] = (), taken: planning.Taken | None = None
) -> dict[str, Any]:
    with reading() as session:
        run = plan_query.latest(session, lot_query.current(session), day)
        if run is not None:
            session.expunge(run)
        plates = plan_query.plates(session, [b for b, _ in taken.refused] if taken else [])
    today = _today()
    return {
        "day": day,
        "days": ((today, N_("Today")), (today + timedelta(days=1), N_("Tomorrow"))),
        "run": run,
        "making": run is not None and run.state in _BEING_MADE,
        "ready": run is not None and run.state in (PlanState.PROVEN, PlanState.BUDGET),
        "state": PlanState(run.state) if run else None,
        "quality": planning.quality(run.result, lang()) if run and "placed" in run.result else "",
        "placed": [_row(r) for r in run.result.get("placed", ())] if run else [],
        "unplaced": [_row(r) | {"why": planning.why_not(r, lang())} for r in run.result.get("unplaced", ())]
        if run
        else [],
        "reasons": reasons,
        "taken": taken,
        "plates": plates,
        "version": _version(run),
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    said = [(Advice(r["word"]), r["facts"]) for r in row.get("reasons", ())]
    times = {key: datetime.fromisoformat(row[key]) for key in ("from", "to")}
    return row | {"said": said, "begins": times["from"], "ends": times["to"]}


def _version(run: PlanRun | None) -> str:
    return f"{run.id}-{run.state}-{run.improved_at}-{lang()}" if run else "none"


def _today() -> date:
    with reading() as session:
        zone = lot_query.rules_of(session, lot_query.current(session)).zone
    return clock.now().astimezone(zone).date()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text) if text else _today()
    except ValueError:
        abort(400)
