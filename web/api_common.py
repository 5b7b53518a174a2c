"""What the machines' doors share: tokens, limits, bodies, and answers as JSON that name field and reason.

These endpoints take no cookie and so need no CSRF token: a token in the request is what lets in.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

import redis
import structlog
from flask import Blueprint, Flask, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, UnsupportedMediaType

from parking import speech
from parking.models import Feed
from parking.queries import feeds as feed_query
from parking.queries.park import NoPark
from parking.refused import Reason, Refused
from parking.services.tracking import Position
from parking.speech import N_
from parking.vocabulary import FeedKind
from web.language import _, lang, say
from web.limits import Tries, server
from web.live_hub import STREAM
from web.people import source
from web.store import reading, settings

#: Wrong tokens from one address before it has to wait (assumption).
_FAILED = Tries("door", 60, 10)
_KEEP = 10_000
log = structlog.get_logger()


class Answer(Exception):
    """Ends a request with an error: status, a word, the sentence, and the field where there is one."""

    def __init__(
        self, status: int, error: str, message: str, field: str | None = None, **headers: str
    ) -> None:
        super().__init__(message)
        self.status, self.error, self.message, self.field = status, error, message, field
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def room(name: str) -> Blueprint:
    """A room for machines: every fault is answered as JSON."""
    bp = Blueprint(name, f"web.{name}")
    bp.register_error_handler(Answer, _answer)
    bp.register_error_handler(Refused, lambda refused: _answer(of(refused)))
    bp.register_error_handler(HTTPException, _http)
    bp.register_error_handler(OperationalError, _away)
    bp.register_error_handler(NoPark, _away)
    bp.register_error_handler(SQLAlchemyError, _failed)
    return bp


def without_csrf(app: Flask, bp: Blueprint) -> None:
    """For views that take no cookie: the token in the request is what lets in."""
    app.extensions["csrf"].exempt(bp)


def of(refused: Refused, status: int = 422) -> Answer:
    """A refusal as an answer; of several reasons the first."""
    reason = refused.reasons[0]
    return Answer(status, str(reason.word), say(reason.word, reason.facts), reason.field)


def sentence(word: Any, facts: Mapping[str, Any]) -> str:
    return speech.say(word, facts, lang())


def feed_of(kind: FeedKind, token: str | None) -> Feed:
    """The feed this token opens. Raises Answer (401, or 429 after too many wrong ones)."""
    if token:
        with reading() as session:
            feed = feed_query.by_token(session, token, kind)
            if feed is not None:
                session.expunge(feed)
                return feed
    try:
        _FAILED.check(source())
    except Refused as refused:
        raise Answer(429, "too_many_tries", say(*_worded(refused)), Retry_After="600") from refused
    _FAILED.count(source())
    said = N_("No valid token. It belongs into the header Authorization: Bearer … .")
    raise Answer(401, "token", _(said), "token", WWW_Authenticate="Bearer")


def bearer() -> str | None:
    """The token of the Authorization header."""
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def paced(tries: Tries, feed: Feed) -> None:
    """Count this request of the feed. Raises Answer (429) when there are too many."""
    try:
        tries.check(str(feed.id))
    except Refused as refused:
        raise Answer(
            429, "too_many_requests", _(N_("Too many requests; go slower.")), Retry_After="30"
        ) from refused
    tries.count(str(feed.id))


def body(largest: int, unpacked: int) -> bytes:
    """What was posted, at most ``largest`` bytes, unpacked where gzip was declared, at most ``unpacked``."""
    request.max_content_length = largest
    data = request.get_data(cache=False)
    packing = request.headers.get("Content-Encoding", "identity").strip().lower()
    if packing == "identity":
        return data
    if packing != "gzip":
        raise UnsupportedMediaType
    made = zlib.decompressobj(wbits=31)
    try:
        plain = made.decompress(data, unpacked + 1)
    except zlib.error as broken:
        raise Answer(400, "gzip", _(N_("The body is no gzip.")), "body") from broken
    if len(plain) > unpacked or made.unconsumed_tail:
        raise RequestEntityTooLarge
    if not made.eof or made.unused_data:
        raise Answer(400, "gzip", _(N_("The body is no gzip.")), "body")
    return plain


def parsed(data: bytes) -> Any:
    """JSON as RFC 8259 has it: UTF-8, no NaN. Raises Answer (400) saying where it breaks."""
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as broken:
        said = _(N_("The body is no JSON: {reason}"), reason=str(broken)[:120])
        raise Answer(400, "json", said, "body") from broken


def tell(moved: tuple[Position, ...]) -> None:
    """Let the boards know, after the commit. A doorbell: when Valkey is away they are late, no more."""
    if not moved:
        return
    try:
        with server(settings().redis_url).pipeline(transaction=False) as pipe:
            for one in moved:
                data = json.dumps(_news(one), ensure_ascii=False, separators=(",", ":"))
                pipe.xadd(STREAM, {"data": data}, maxlen=_KEEP, approximate=True)
            pipe.execute()
    except (redis.RedisError, ValueError) as away:
        log.warning("live_stream_away", error=str(away))


def _news(one: Position) -> dict[str, Any]:
    fix = one.fix
    return {
        "type": "fix", "vehicle_id": one.vehicle_id, "plate": one.plate, "lon": fix.lon, "lat": fix.lat,
        "speed_kmh": fix.speed_kmh, "heading": fix.heading, "time": fix.time.isoformat(),
    }  # fmt: skip


def _no_number(said: str) -> Any:
    raise ValueError(said)


def _worded(refused: Refused) -> tuple[Any, Mapping[str, Any]]:
    reason: Reason = refused.reasons[0]
    return reason.word, reason.facts


def _answer(answer: Answer) -> ResponseReturnValue:
    said: dict[str, Any] = {"error": answer.error, "message": answer.message}
    if answer.field:
        said["field"] = answer.field
    return jsonify(said), answer.status, answer.headers


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    texts = {
        413: N_("Too much was sent."),
        415: N_("This kind of body or packing is not understood."),
        400: N_("The request could not be read."),
    }
    said = _(texts.get(status, error.name))
    return _answer(Answer(status, error.name.lower().replace(" ", "_"), said))


def _away(error: Exception) -> ResponseReturnValue:
    log.error("door_without_database", path=request.path, error=str(error)[:200])
    said = _(N_("Nothing was stored; send it again in a minute."))
    return _answer(Answer(503, "unavailable", said, Retry_After="30"))


def _failed(error: Exception) -> ResponseReturnValue:
    log.error("door_failed", path=request.path, exc_info=error)
    return _answer(Answer(500, "failed", _(N_("Nothing was stored; something went wrong here."))))
