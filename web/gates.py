"""Who may enter which page. Every view declares it; an application with an undeclared view refuses to start.

Roles are separate duties, not a ladder: an administrator manages accounts and looks at the park's
layers and settings, but neither dispatches vehicles nor judges violations (so that nobody both makes
the accounts and uses them). A person with two duties gets two accounts.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, redirect, request, url_for
from itsdangerous import Signer
from werkzeug.wrappers import Response as AnyResponse

from parking.vocabulary import Role
from web.people import current_person

View = TypeVar("View", bound=Callable[..., Any])


class Entry(StrEnum):
    PUBLIC = "public"  # anyone
    STAFF = "staff"  # the roles named
    BOOKING = "booking"  # whoever holds the signed link of this booking
    TOKEN = "token"  # noqa: S105 - no password: a machine with a token of its own; its view asks for it (web.api_common)
    KEY = "key"  # programs: whoever holds a read-only key of an account with one of the roles named


@dataclass(frozen=True, slots=True)
class Access:
    entry: Entry
    roles: frozenset[Role] = frozenset()


class UngatedView(RuntimeError):
    """A view that does not say who may enter."""


def gate(*roles: Role) -> Callable[[View], View]:
    """Only staff with one of these roles."""
    if not roles:
        raise ValueError("gate() needs at least one role; use @public for a page open to all")
    return _declare(Access(Entry.STAFF, frozenset(roles)))


def public(view: View) -> View:
    """Anyone, signed in or not."""
    return _declare(Access(Entry.PUBLIC))(view)


def booking_link(view: View) -> View:
    """The driver: whoever holds the signed link of the booking named by the view's ``code``."""
    return _declare(Access(Entry.BOOKING))(view)


def token_holder(view: View) -> View:
    """A machine: the view lets in whoever brings the token of a door (web.api_common), and nobody else."""
    return _declare(Access(Entry.TOKEN))(view)


def key_holder(*roles: Role) -> Callable[[View], View]:
    """A program with a read-only key (HTTP Basic, or ``?token=``) of an account with one of these roles."""
    return _declare(Access(Entry.KEY, frozenset(roles)))


def access_of(view: Callable[..., Any]) -> Access | None:
    found: Access | None = getattr(view, "hazpark_access", None)
    return found


def init_app(app: Flask) -> None:
    app.before_request(enforce)
    app.jinja_env.globals.update(may_enter=may_enter, booking_url=booking_url)


def check(app: Flask) -> None:
    """Raise UngatedView when a view declares nothing, or a booking view has no ``code``."""
    for endpoint, view in app.view_functions.items():
        if access_of(view) is None:
            raise UngatedView(f"{endpoint}: say who may enter with @gate(…), @public or @booking_link")
    for rule in app.url_map.iter_rules():
        access = access_of(app.view_functions[rule.endpoint])
        if access and access.entry is Entry.BOOKING and "code" not in rule.arguments:
            raise UngatedView(f"{rule.endpoint}: a booking's page needs <code> in its address")


def may_enter(endpoint: str) -> bool:
    """Whether the person of this request may open ``endpoint`` (for menus; the gate decides anyway)."""
    access = access_of(current_app.view_functions.get(endpoint, lambda: None))
    if access is None:
        return False
    person = current_person()
    return access.entry is Entry.PUBLIC or (person is not None and person.role in access.roles)


def signature(code: str) -> str:
    """What proves that we made the link of this booking."""
    secret = str(current_app.config["SECRET_KEY"])
    return Signer(secret, salt="hazpark.booking").get_signature(code).decode()


def booking_url(code: str, endpoint: str = "driver.booking", **more: Any) -> str:
    """The driver's signed link."""
    return url_for(endpoint, code=code, k=signature(code), **more)


def enforce() -> AnyResponse | None:
    """Let in or not; None lets in."""
    if request.endpoint is None:
        return None  # no such page: Flask answers 404 or 405
    access = access_of(current_app.view_functions[request.endpoint]) or abort(403)
    if access.entry in (Entry.PUBLIC, Entry.TOKEN):
        return None
    if access.entry is Entry.BOOKING:
        _check_link()
        return None
    if access.entry is Entry.KEY:
        from web import keys  # it needs the database and Valkey, which the gates of pages do not

        return keys.enforce(access.roles)
    person = current_person()
    if person is None:
        return _ask_to_sign_in()
    if person.role not in access.roles:
        abort(403)
    return None


def _check_link() -> None:
    given = request.form.get("k") if request.method == "POST" else request.args.get("k")
    code = str((request.view_args or {}).get("code", ""))
    if not hmac.compare_digest(signature(code).encode(), (given or "").encode()):
        abort(403)


def _ask_to_sign_in() -> AnyResponse:
    """Pages lead to the sign-in page; scripts, fragments and posts get a plain 401."""
    if request.headers.get("HX-Request"):
        here = urlsplit(request.headers.get("HX-Current-URL", "")).path
        return Response(status=401, headers={"HX-Redirect": url_for("auth.sign_in", next=here or None)})
    if request.method != "GET" or not request.accept_mimetypes.accept_html:
        abort(401)
    return redirect(url_for("auth.sign_in", next=request.full_path.rstrip("?")), 303)


def _declare(access: Access) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.hazpark_access = access  # type: ignore[attr-defined]
        return view

    return mark
