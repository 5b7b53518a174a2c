"""Error pages: what happened and what to do, in the reader's language, without the database."""

from __future__ import annotations

import secrets
from http import HTTPStatus

import structlog
from flask import Flask, g, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import NoResultFound, OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed

from parking.queries.park import NoPark
from parking.speech import N_
from web.language import _

log = structlog.get_logger()

#: Title and advice of each error we speak about.
_UNREADABLE = (N_("The request could not be read"), N_("Please go back, reload the page and try again."))
TEXTS = {
    400: _UNREADABLE,
    401: (N_("Please sign in"), N_("Your session has ended or you have not signed in yet.")),
    403: (N_("You may not enter here"), N_("Your role, or this link, does not open this page.")),
    404: (N_("There is no such page"), N_("The address may be mistyped, or what it showed is gone.")),
    405: _UNREADABLE,
    413: (N_("Too much was sent"), N_("Please send less text, or a smaller file.")),
    422: (N_("This could not be accepted"), N_("Please go back and correct what you entered.")),
    429: (N_("Too many attempts"), N_("Please wait some minutes and try again.")),
    500: (
        N_("Something went wrong here"),
        N_("Nothing was changed. Please try again; if it stays, tell the operator this number: {number}"),
    ),
    503: (
        N_("The database does not answer"),
        N_("Nothing was changed. Please try again in a minute. Urgent matters: call the control room."),
    ),
}
_NO_PARK = (N_("No park has been loaded"), N_("The operator loads one with: python -m parking seed"))
_STALE = N_(
    "The form was open too long or the browser keeps no cookies. Go back, reload the page and send it again."
)


def init_app(app: Flask) -> None:
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(OperationalError, _no_database)
    app.register_error_handler(NoResultFound, lambda error: page(404))
    app.register_error_handler(NoPark, lambda error: page(503, title=_NO_PARK[0], advice=_NO_PARK[1]))
    app.register_error_handler(HTTPException, _http)


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:
        return error.get_response()  # a redirect carries its own answer
    number = _log_fault(error) if isinstance(error, InternalServerError) else ""
    headers = {"Allow": ", ".join(error.valid_methods or ())} if isinstance(error, MethodNotAllowed) else {}
    body, code = page(status, number=number)
    return body, code, headers


def _stale_form(error: CSRFError) -> ResponseReturnValue:
    log.info("csrf_refused", path=request.path, why=error.description)
    return page(400, advice=_STALE)


def _no_database(error: OperationalError) -> ResponseReturnValue:
    log.error("database_away", path=request.path, error=str(error.orig))
    return page(503)


def _log_fault(error: InternalServerError) -> str:
    """A number to tell on the phone, and to find in the log."""
    number = secrets.token_hex(4)
    log.error("page_failed", number=number, path=request.path, exc_info=error.original_exception or error)
    return number


def page(
    status: int, title: str = "", advice: str = "", **facts: object
) -> tuple[str | dict[str, object], int]:
    """The error page (or, for scripts, its text as JSON)."""
    usual, standard = TEXTS.get(status, (HTTPStatus(status).phrase, ""))
    texts = {"title": _(title or usual), "advice": _(advice or standard, **facts)}
    g.bare = True  # no query while drawing: the database may be what is broken
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        return {"error": status, **texts}, status
    return render_template("error.html", status=status, **texts), status
