"""Read-only keys at the door: HTTP Basic or ``?token=``, tries counted, requests rationed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, g, jsonify, request

from parking.queries import tokens as token_query
from parking.queries.tokens import Holder
from parking.refused import Refused
from parking.services import tokens
from parking.vocabulary import Role
from web.language import _
from web.limits import Tries
from web.people import source
from web.store import reading, transaction

#: Wrong keys from one address, and requests with one key. A panned map asks some dozen times a minute.
GUESSES = Tries("key", allowed=30, minutes=10)
REQUESTS = Tries("key-requests", allowed=600, minutes=1)


def enforce(roles: frozenset[Role]) -> Response | None:
    """Let the holder of a key in, or say why not: 401 asks for the key, 403 is the role, 429 too much."""
    try:
        GUESSES.check(source())
        found = _holder()
        if found is None:
            if _given():
                GUESSES.count(source())
            return _no(
                401,
                _("A valid read-only key is needed: as HTTP Basic password, or as token= in the address."),
            )
        REQUESTS.check(str(found.token_id))
    except Refused:
        return _no(429, _("Too many requests; wait a little."))
    REQUESTS.count(str(found.token_id))
    if found.role not in roles:
        return _no(403, _("The role of this key's account does not read this."))
    g.key_holder = found
    return None


def holder() -> Holder:
    """Whose key opened this request."""
    found: Holder = g.key_holder
    return found


def in_address() -> dict[str, str]:
    """The key as an argument of links, where the program gave it in the address."""
    return {"token": request.args["token"]} if "token" in request.args else {}


def _given() -> str:
    basic = request.authorization
    if basic is not None and basic.type == "basic" and basic.password:
        return basic.password[:200]
    return request.args.get("token", "")[:200]


def _holder() -> Holder | None:
    token, now = _given(), datetime.now(UTC)
    if not token.startswith(tokens.PREFIX):
        return None
    with reading() as session:
        found = token_query.holder(session, tokens.hashed(token), now)
    if found and (found.noted_at is None or found.noted_at < now - tokens.NOTED_EVERY):
        with transaction() as session:
            tokens.used(session, found.token_id, now)
    return found


def _no(status: int, why: str) -> Response:
    answer: Any = jsonify({"code": str(status), "description": why})
    answer.status_code = status
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="hazpark", charset="UTF-8"'
    if status == 429:
        answer.headers["Retry-After"] = "60"
    made: Response = answer
    return made
