"""Warnings of the weather service: what is held now, since when, by whom; written down and lifted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from flask import Blueprint, Flask, g, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from parking import clock
from parking.queries import lot as lot_query
from parking.queries import warnings as warning_query
from parking.refused import Reason, Refused
from parking.rules import weather
from parking.rules.weather import Warned
from parking.services import warnings
from parking.services.warnings import Bulletin
from parking.speech import N_
from parking.vocabulary import Role, WarningLevel
from web.forms import park_time, typed
from web.gates import gate
from web.language import _, lang
from web.people import current_person, source
from web.store import reading, transaction

bp = Blueprint("warnings", __name__)
MENU = (("warnings.listed", N_("Warnings")),)
_SEE = (Role.GUARD, Role.DISPATCHER, Role.SUPERVISOR)
_ENTER = (Role.DISPATCHER, Role.SUPERVISOR)
_FIELDS = {"kind": 40, "level": 20, "issuer": 120, "original": 2000, "since": 20, "until": 20}


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(held_words=held_words, warnings_now=warnings_now)


@bp.get("/warnings")
@gate(*_SEE)
def listed() -> str:
    return _page()


@bp.get("/warnings/bar")
@gate(*_SEE)
def bar() -> str | tuple[str, int]:
    """What stands above every page (a fragment); 204 while it is what the browser already shows."""
    if request.args.get("v") == warnings_now()[1]:
        return "", 204
    return render_template("_warning_bar.html")


@bp.post("/warnings")
@gate(*_ENTER)
def enter() -> Response:
    """Write down a warning: kind, level, issuer, original text, begin and end (both may be empty)."""
    fields = {name: typed(name, limit) for name, limit in _FIELDS.items()}
    level = fields["level"]
    told = Bulletin(
        kind=fields["kind"],
        level=WarningLevel(level) if level in list(WarningLevel) else level,  # type: ignore[arg-type] # refused
        issuer=fields["issuer"],
        original=fields["original"],
        since=_time(fields["since"]),
        until=_time(fields["until"]),
    )
    return _do(lambda s, who: warnings.enter(s, told, clock.now(), who, source()), fields)


@bp.post("/warnings/<int:warning_id>/lift")
@gate(*_ENTER)
def lift(warning_id: int) -> Response:
    """End a warning now (field ``remark``: why)."""
    why = typed("remark", 500)
    return _do(lambda s, who: warnings.lift(s, warning_id, why, clock.now(), who, source()))


def held_words(classes: Sequence[str]) -> str:
    """The held classes as people say them."""
    if weather.ANY in classes:
        return _("all classes")
    if not classes:
        return _("only cargo nobody knows")
    return _("class {hazard_class}", hazard_class=tuple(classes))


def warnings_now() -> tuple[list[Warned], str]:
    """The warnings that count now and their version. Asked once a request."""
    if "warnings" not in g:
        with reading() as session:
            standing = warning_query.holding(session, clock.now())
        g.warnings = standing, hashlib.sha256(f"{lang()} {standing!r}".encode()).hexdigest()[:16]
    found: tuple[list[Warned], str] = g.warnings
    return found


def _time(text: str) -> datetime | None:
    return park_time(text) if text else None


def _do(act: Callable[[Session, str], object], fields: Mapping[str, str] | None = None) -> Response:
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    try:
        with transaction() as session:
            act(session, person.actor)
    except Refused as refused:
        return make_response(_page(refused.reasons, fields), 422)
    return redirect(url_for("warnings.listed"), 303)


def _page(reasons: Sequence[Reason] = (), fields: Mapping[str, str] | None = None) -> str:
    now = clock.now()
    with reading() as session:
        rows = warning_query.listed(session, now)
        set_by = lot_query.rules_of(session, lot_query.current(session))
    kinds = warnings.kinds(set_by)
    table = [
        (kind, [weather.held_classes(kind, level, set_by.rules.weather) for level in WarningLevel])
        for kind in kinds
    ]
    return render_template(
        "warnings.html", rows=rows, reasons=reasons, fields=fields or {}, now=now, kinds=kinds, table=table,
        levels=list(WarningLevel), closed=set_by.rules.forbidden_hours, any=weather.ANY,
    )  # fmt: skip
