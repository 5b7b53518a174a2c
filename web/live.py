"""The event stream: tells signed-in browsers, at once, what to look at again.

An application of its own, served by gunicorn's gevent worker so that a thousand open streams cost
greenlets, not threads. One reader per process follows the stream in Valkey and hands each entry, cut to
what the role may know, to the queue of every client. A client too slow to take its queue is cut off and
comes back by itself with Last-Event-ID.

What is told here is a hint: pages read the truth from the database again. So that silence is never
mistaken for calm, every client hears a beat every 15 s, saying whether Valkey answers and whether
messages are carried in time; a browser that hears nothing shows "offline".

Nothing here imports gevent: the worker patches threads, queues and sockets before this module is loaded.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, current_app, request, session
from sqlalchemy.exc import SQLAlchemyError

from parking import clock, db
from parking.queries import health as health_query
from parking.queries import staff as staff_query
from parking.queries.staff import StaffView
from parking.settings import Settings
from web.live_hub import BEAT_S, Client, Hub
from web.security import configure_cookies

#: How often an open stream asks the database whether its person is still the one who signed in, seconds.
CHECK_S = 180.0
#: A stream ends after this long; the browser opens a new one and its cookie is read again, seconds.
LONGEST_S = 3600.0
#: How long a browser waits before it comes back, milliseconds.
RETRY_MS = 3000
#: Streams of one process, and of one person (a person has a few windows, not hundreds).
CLIENTS_MAX = 900
OF_ONE_PERSON = 200
#: A blocked send gives up after this long, seconds.
SEND_S = 30.0
#: Said to a person who is no longer welcome; the browser then asks its page, which leads to the sign-in.
BYE = "event: bye\ndata: {}\n\n"
#: How long the answer about late messages is kept, seconds.
CARRIED_S = 10.0

log = structlog.get_logger()


def create_app(settings: Settings | None = None) -> Flask:
    """The application of the event stream; ``gunicorn -k gevent web.live:create_app()``."""
    settings = settings or Settings.from_env()
    app = Flask(__name__, static_folder=None)
    app.config["HAZPARK"] = settings
    configure_cookies(app, settings)
    engine = db.make_engine(settings.database_url or "postgresql://")
    app.extensions["hazpark.engine"] = engine
    app.extensions["hazpark.hub"] = Hub(settings.redis_url, lambda: _carried(app))
    app.add_url_rule("/live", "live", live, methods=["GET"])
    app.add_url_rule("/health", "health", health, methods=["GET"])
    app.add_url_rule("/alive", "alive", lambda: {"alive": True}, methods=["GET"])
    return app


def live() -> Response | tuple[str, int]:
    """The stream of one browser (EventSource)."""
    origin = request.headers.get("Origin")
    if origin is not None and not allowed_origin(origin):
        return "origin not allowed", 403
    person, problem = _person(session.get("staff_id"))
    if person is None:
        return _cross(Response(problem, 503 if problem else 401, mimetype="text/plain"), origin)
    hub: Hub = current_app.extensions["hazpark.hub"]
    if hub.full(person.id, CLIENTS_MAX, OF_ONE_PERSON):
        return _cross(Response("too many streams", 503, {"Retry-After": "10"}), origin)
    _limit_send(request.environ.get("gunicorn.socket"))
    client = Client(person.id, person.role, person.version, request.environ.get("gunicorn.socket"))
    stream = _stream(current_app._get_current_object(), hub, client, request.headers.get("Last-Event-ID"))  # type: ignore[attr-defined]
    return _cross(Response(stream, mimetype="text/event-stream"), origin)


def health() -> tuple[dict[str, object], int]:
    """For machines: 200 while Valkey answers, the database does and letters are carried in time."""
    hub: Hub = current_app.extensions["hazpark.hub"]
    hub.start()
    carried = _carried(current_app._get_current_object())  # type: ignore[attr-defined]
    well = hub.connected and carried is True
    body: dict[str, object] = {
        "well": well,
        "valkey": hub.connected,
        "database": carried is not None,
        "carried": carried,
        "clients": hub.count(),
        "dropped": hub.dropped,
    }
    return body, 200 if well else 503


def allowed_origin(origin: str) -> bool:
    """Only the pages' own address: the public one, else this host at the port of the pages."""
    settings: Settings = current_app.config["HAZPARK"]
    if settings.public_url:
        return origin == _origin_of(settings.public_url)
    try:
        own, theirs = urlsplit(f"//{request.host}"), urlsplit(origin)
        port = theirs.port or {"http": 80, "https": 443}.get(theirs.scheme)
        return theirs.hostname == own.hostname and port in (settings.web_port, own.port)
    except ValueError:
        return False


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _cross(response: Response, origin: str | None) -> Response:
    headers = response.headers
    headers["Cache-Control"] = "no-store"
    headers["X-Accel-Buffering"] = "no"
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Vary"] = "Origin, Cookie"
    if origin:
        headers["Access-Control-Allow-Origin"] = origin
        headers["Access-Control-Allow-Credentials"] = "true"
    return response


def _person(staff_id: object) -> tuple[StaffView | None, str]:
    """The person of the cookie, checked against the database; or None and what is wrong with us."""
    if not isinstance(staff_id, int):
        return None, ""
    found = _ask(current_app._get_current_object(), staff_id)  # type: ignore[attr-defined]
    if isinstance(found, SQLAlchemyError):
        return None, "the database does not answer"
    carried = (session.get("version"), session.get("role"))
    same = found is not None and found.active and (found.version, found.role) == carried
    return (found if same else None), ""


def _ask(app: Flask, staff_id: int) -> StaffView | SQLAlchemyError | None:
    try:
        with db.reading(app.extensions["hazpark.engine"]) as opened:
            return staff_query.person(opened, staff_id)
    except SQLAlchemyError as error:
        return error


def _still(app: Flask, client: Client) -> bool:
    """Whether the person may go on listening. While the database is away nobody new is let in or out."""
    found = _ask(app, client.staff_id)
    if isinstance(found, SQLAlchemyError):
        return True
    return found is not None and found.active and (found.version, found.role) == (client.version, client.role)


def _limit_send(sock: socket.socket | None) -> None:
    """A browser that takes nothing must not hold its greenlet for ever."""
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.settimeout(SEND_S)


def _stream(app: Flask, hub: Hub, client: Client, last_id: str | None) -> Iterator[str]:
    begun = checked = time.monotonic()
    missed = hub.join(client, last_id)
    try:
        yield f"retry: {RETRY_MS}\n\n"
        yield hub.beat()
        yield from missed
        for text in _told(hub, client):
            yield text
            now = time.monotonic()
            if now - checked > CHECK_S:
                checked = now
                if not _still(app, client):
                    yield BYE
                    return
            if client.dropped or now - begun > LONGEST_S:
                return
    finally:
        hub.leave(client)


def _told(hub: Hub, client: Client) -> Iterator[str]:
    """What the client is told, and a beat at least every 15 s however much that is."""
    due = time.monotonic() + BEAT_S
    while True:
        with contextlib.suppress(queue.Empty):
            yield client.queue.get(timeout=max(0.0, due - time.monotonic()))
        if time.monotonic() >= due:
            due = time.monotonic() + BEAT_S
            yield hub.beat()


def _carried(app: Flask) -> bool | None:
    """Whether letters are carried in time; None while the database does not answer. Kept some seconds."""
    until, known = app.extensions.get("hazpark.carried", (0.0, None))
    if time.monotonic() < until:
        kept: bool | None = known
        return kept
    app.extensions["hazpark.carried"] = (time.monotonic() + CARRIED_S, known)  # one asks, the others wait not
    try:
        with db.reading(app.extensions["hazpark.engine"]) as opened:
            seen = health_query.read(opened, clock.now(), datetime.now(UTC))
            fresh: bool | None = seen.well and "worker" in seen.heartbeats_s
    except SQLAlchemyError:
        fresh = None
    app.extensions["hazpark.carried"] = (time.monotonic() + CARRIED_S, fresh)
    return fresh
