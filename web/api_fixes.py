"""The door of carriers' platforms: a batch of positions as JSON, under a token of the carrier's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from parking import clock
from parking import fixvalues as values
from parking.services import batches
from parking.speech import N_
from parking.vocabulary import FeedKind, FixFault
from web import api_common as api
from web.api_common import Answer
from web.gates import token_holder
from web.language import _
from web.limits import Tries
from web.store import transaction

bp = api.room("api_fixes")
#: Positions and bytes of a request, as sent and unpacked (assumptions).
MOST, LARGEST, UNPACKED = 10_000, 4 * 1024 * 1024, 8 * 1024 * 1024
KEY_LENGTH = 200
_PACE = Tries("platform", 120, 1)


@bp.post("/api/v1/fixes")
@token_holder
def post() -> ResponseReturnValue:
    """Store a batch. The same Idempotency-Key with the same body is answered the same and changes nothing."""
    feed = api.feed_of(FeedKind.PLATFORM, api.bearer())
    api.paced(_PACE, feed)
    key = _key()
    if request.mimetype != "application/json":
        raise Answer(415, "content_type", _(N_("Send application/json.")), "Content-Type")
    data = api.body(LARGEST, UNPACKED)
    asked = _asked(api.parsed(data))
    datum = values.datum("datum", asked.get("datum"))
    with transaction() as session:
        answer, received = batches.take(
            session, feed, key, hashlib.sha256(data).hexdigest(), datum, asked["fixes"], clock.now()
        )
    if received is not None:
        api.tell(received.moved)
    spoken = {**answer, "items": [_item(item) for item in answer["items"]]}
    return jsonify(spoken), 200, {"Idempotency-Replayed": "false" if received is not None else "true"}


def _key() -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not 0 < len(key) <= KEY_LENGTH or not key.isascii() or not key.isprintable():
        said = N_("The header Idempotency-Key must hold 1 to {limit} printable ASCII characters.")
        raise Answer(400, "idempotency_key", _(said, limit=KEY_LENGTH), "Idempotency-Key")
    return key


def _asked(raw: Any) -> Mapping[str, Any]:
    """The body's outer shape. Raises Refused naming the field."""
    if not isinstance(raw, dict):
        raise values.wrong(FixFault.NOT_AN_OBJECT, "body")
    for name in raw:
        if name not in ("datum", "fixes"):
            raise values.wrong(FixFault.NOT_KNOWN, values.shown(name))
    fixes = values.needed("fixes", raw.get("fixes"))
    if not isinstance(fixes, list):
        raise values.wrong(FixFault.NOT_A_LIST, "fixes")
    if len(fixes) > MOST:
        raise values.wrong(FixFault.TOO_MANY, "fixes", limit=MOST, count=len(fixes))
    return raw


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    if item["result"] != "refused":
        return dict(item)
    spoken = {name: item[name] for name in ("n", "result", "field", "reason")}
    return {**spoken, "message": api.sentence(FixFault(item["reason"]), item["facts"])}
