"""Terminals as managed things: the registry, what is asked of one, who is let in, who disagrees."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, Flask, abort, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from parking import clock
from parking.queries import fences as fence_query
from parking.queries import terminals as terminal_query
from parking.refused import Reason, Refused
from parking.rules import orders
from parking.rules.orders import Order
from parking.services import commands, conflicts, enrolment, fences
from parking.speech import N_
from parking.vocabulary import CommandKind, OrderField, Role
from web import terminal_words
from web.forms import typed, whole
from web.gates import gate
from web.language import _
from web.people import current_person, source
from web.store import reading, transaction

bp = Blueprint("terminals", __name__)
MENU = (("terminals.listed", N_("Terminals")),)
WATCHERS = (Role.SUPERVISOR, Role.DISPATCHER)
PER_PAGE = 50
Act = Callable[[Session, str], object]

#: Commands without values; only the first is open to dispatchers too.
_PLAIN = {
    "locate": CommandKind.LOCATE_NOW,
    "attributes": CommandKind.ASK_ATTRIBUTES,
    "ask_parameters": CommandKind.ASK_PARAMETERS,
    "restart": CommandKind.RESTART_TERMINAL,
}


@bp.get("/terminals")
@gate(*WATCHERS)
def listed() -> str:
    return _registry()


@bp.get("/terminals/<int:terminal_id>")
@gate(*WATCHERS)
def one(terminal_id: int) -> str:
    return _page(terminal_id)


@bp.get("/terminals/<int:terminal_id>/commands")
@gate(*WATCHERS)
def command_rows(terminal_id: int) -> str:
    """The commands alone (a fragment)."""
    with reading() as session:
        rows = terminal_query.commands(session, terminal_id)
    return render_template("_terminal_commands.html", commands=rows, terminal_id=terminal_id)


@bp.post("/terminals/<int:terminal_id>/tell")
@gate(*WATCHERS)
def tell(terminal_id: int) -> Response:
    """Send a text to the driver, or ask where the vehicle is (field ``act``: text, locate)."""
    if request.form.get("act") == "locate":
        return _order(terminal_id, lambda: orders.plain(CommandKind.LOCATE_NOW))
    flags = {"urgent": request.form.get("urgent") == "1", "speak": request.form.get("speak") == "1"}
    return _order(terminal_id, lambda: orders.text(typed(OrderField.TEXT, 2000), **flags))


@bp.post("/terminals/<int:terminal_id>/order")
@gate(Role.SUPERVISOR)
def order(terminal_id: int) -> Response:
    """Everything else (field ``act``)."""
    act = typed("act", 20)
    if act in _PLAIN:
        return _order(terminal_id, lambda: orders.plain(_PLAIN[act]))
    if act == "track":
        return _order(
            terminal_id, lambda: orders.track(_number(OrderField.INTERVAL_S), _number(OrderField.VALID_S))
        )
    if act == "confirm":
        return _order(terminal_id, lambda: orders.confirm([whole(b) for b in request.form.getlist("bit")]))
    if act == "parameters":
        return _order(terminal_id, _parameters)
    return abort(400)


@bp.post("/terminals/<int:terminal_id>/areas")
@gate(Role.SUPERVISOR)
def areas(terminal_id: int) -> Response:
    """Push the park into the terminal, or have it forget (field ``act``: push, forget)."""
    act, now = request.form.get("act"), clock.now()
    if act == "push":
        return _do(terminal_id, lambda s, who: fences.push(s, terminal_id, now, who, source()), "#areas")
    if act == "forget":
        return _do(terminal_id, lambda s, who: fences.withdraw(s, terminal_id, now, who, source()), "#areas")
    return abort(400)


@bp.post("/terminals/<int:terminal_id>/release")
@gate(Role.SUPERVISOR)
def release(terminal_id: int) -> Response:
    """Free the vehicle for another terminal."""
    why, bar = typed(OrderField.REASON, 500), request.form.get("bar") == "1"
    return _do(
        terminal_id,
        lambda s, who: enrolment.release(s, terminal_id, why, clock.now(), who, source(), bar),
        "#release",
        _("The terminal is released. Another one may register for the vehicle now."),
    )


@bp.post("/terminals/<int:terminal_id>/commands/<int:command_id>/withdraw")
@gate(*WATCHERS)
def withdraw(terminal_id: int, command_id: int) -> Response:
    return _do(terminal_id, lambda s, who: commands.withdraw(s, command_id, clock.now(), who, source()))


@bp.post("/terminals/requests/<int:request_id>")
@gate(Role.SUPERVISOR)
def answer(request_id: int) -> Response:
    """Let a terminal in, keep it out, or let it ask again (field ``act``: grant, deny, readmit)."""
    act, now, why = request.form.get("act"), clock.now(), typed(OrderField.REASON, 500)
    if act == "grant":
        return _do(None, lambda s, who: enrolment.grant(s, request_id, now, who, source()))
    if act == "deny":
        return _do(None, lambda s, who: enrolment.deny(s, request_id, why, now, who, source()))
    if act == "readmit":
        return _do(None, lambda s, who: enrolment.readmit(s, request_id, now, who, source()))
    return abort(400)


@bp.post("/terminals/conflicts/<int:conflict_id>")
@gate(Role.SUPERVISOR)
def close(conflict_id: int) -> Response:
    """A person looked at a conflict."""
    remark = typed("remark", 500)
    return _do(None, lambda s, who: conflicts.close(s, conflict_id, remark, clock.now(), who, source()))


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(
        asked_for=terminal_words.asked_for,
        replied=terminal_words.replied,
        loss=terminal_words.loss,
        clock_offset=terminal_words.clock_offset,
        conflict_facts=terminal_words.conflict_facts,
    )


def _order(terminal_id: int, make: Callable[[], Order]) -> Response:
    def act(session: Session, who: str) -> object:
        minutes = typed(OrderField.EXPIRES_MIN, 6)
        patience = timedelta(minutes=whole(minutes)) if minutes else commands.PATIENCE
        key = typed("key", 64) or None
        return commands.ask(
            session, terminal_id, make(), clock.now(), who, source(), patience=patience, key=key
        )

    return _do(terminal_id, act, "#commands")


def _parameters() -> Order:
    return orders.parameters({f: whole(typed(f, 10)) for f in orders.PARAMETERS if typed(f, 10)})


def _number(field: OrderField) -> int:
    return whole(typed(field, 10) or "0")


def _do(terminal_id: int | None, act: Act, place: str = "", said: str = "") -> Response:
    """Act and come back, or say why not."""
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    try:
        with transaction() as session:
            act(session, person.actor)
    except Refused as refused:
        body = _registry(refused.reasons) if terminal_id is None else _page(terminal_id, refused.reasons)
        return make_response(body, 422)
    if said:
        flash(said, "good")
    if terminal_id is None:
        return redirect(url_for("terminals.listed"), 303)
    return redirect(url_for("terminals.one", terminal_id=terminal_id) + place, 303)


def _registry(reasons: Sequence[Reason] = ()) -> str:
    text = request.args.get("q", "").replace("\x00", "")[:20].strip()
    number = min(max(request.args.get("page", 1, type=int) or 1, 1), 100_000)
    with reading() as session:
        rows, total = terminal_query.page(session, text, (number - 1) * PER_PAGE, PER_PAGE, clock.now())
        requests, disputes = terminal_query.requests(session), terminal_query.conflicts(session)
    return render_template(
        "terminals.html", rows=rows, total=total, pages=max(1, -(-total // PER_PAGE)), number=number, q=text,
        requests=requests, conflicts=disputes, reasons=reasons, now=clock.now(),
    )  # fmt: skip


def _page(terminal_id: int, reasons: Sequence[Reason] = ()) -> str:
    with reading() as session:
        found = terminal_query.one(session, terminal_id, clock.now()) or abort(404)
        shown: dict[str, Any] = {
            "commands": terminal_query.commands(session, terminal_id),
            "evidence": terminal_query.evidence(session, terminal_id),
            "conflicts": terminal_query.conflicts(session, 10, terminal_id),
            "fences": fence_query.held(session, terminal_id),
        }
    typed_again = {str(f): typed(f, 2000) for f in (*OrderField, "act")} if reasons else {}
    return render_template(
        "terminal.html", t=found, terminal_id=terminal_id, reasons=reasons, typed=typed_again,
        parameters=orders.PARAMETERS, alarms=terminal_words.ALARMS, now=clock.now(),
        key=secrets.token_hex(8), **shown,
    )  # fmt: skip
