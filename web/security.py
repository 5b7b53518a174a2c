"""Cookies, the secret they are signed with, and the headers every answer carries."""

from __future__ import annotations

import gzip
import os
import re
import secrets
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, request

from parking.settings import Settings
from web.store import is_own_file, settings

#: Compressed in the application: parks seldom run a proxy that would do it. HTML is left as it is,
#: because a page mixes the CSRF token with what a visitor typed (the BREACH attack measures that).
_COMPRESSED = {"application/json", "application/geo+json", "text/css", "text/javascript"}
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")
_SIGNED_IN_FOR = timedelta(hours=12)


def secret_key(settings: Settings) -> str:
    """The key that signs cookies and links: from the settings, else drawn once and kept in the data folder.

    The pages and the event stream call this with the same settings and so read the same cookie. The
    file is readable by its owner only; whoever makes it first wins, the other one reads it.
    """
    if settings.secret_key:
        return settings.secret_key
    path = settings.data / "secret_key"
    path.parent.mkdir(parents=True, exist_ok=True)
    return _kept(path) or _drawn(path)


def _kept(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""


def _drawn(path: Path) -> str:
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
    try:
        os.link(fresh, path)  # complete or not at all, and never over another's
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return _kept(path)


def configure_cookies(app: Flask, settings: Settings) -> None:
    """The session cookie, the same for the pages and the event stream."""
    app.config.update(
        SECRET_KEY=secret_key(settings),
        SESSION_COOKIE_NAME="hazpark",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.cookies_secure,
        PERMANENT_SESSION_LIFETIME=_SIGNED_IN_FOR,
        SESSION_REFRESH_EACH_REQUEST=False,  # a board that polls must not stay signed in for ever
    )


def init_app(app: Flask) -> None:
    app.before_request(_refuse_odd_host)
    app.after_request(_harden)
    app.after_request(_compress)
    app.jinja_env.globals.update(nonce=nonce, live_url=live_url)


def nonce() -> str:
    """This answer's nonce for the few inline scripts and styles (folium's)."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(18)
    made: str = g.nonce
    return made


def live_url() -> str:
    """Where browsers reach the event stream: the setting, else this host at the live port."""
    known = settings()
    if known.live_url:
        return known.live_url.rstrip("/")
    host = (_HOST.fullmatch(request.host) or abort(400)).group(1)
    return f"{request.scheme}://{host}:{known.live_port}"


def _refuse_odd_host() -> None:
    """The host goes into addresses and a header, so it may be a host and nothing else."""
    if not _HOST.fullmatch(request.host):
        abort(400)


def content_security_policy() -> str:
    """No inline code without this answer's nonce, nothing from elsewhere, no ``unsafe-*``."""
    own = f"'self' 'nonce-{nonce()}'"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {own}",
            f"style-src {own}",
            "img-src 'self' data:",
            f"connect-src 'self'{_live_origin()}",
            "font-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'self'",
            "object-src 'none'",
        )
    )


def _live_origin() -> str:
    if not _HOST.fullmatch(request.host):
        return ""
    parts = urlsplit(live_url())
    return f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _harden(response: Response) -> Response:
    headers = response.headers
    headers["Content-Security-Policy"] = content_security_policy()
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "SAMEORIGIN"
    headers["Referrer-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
    headers["X-Robots-Tag"] = "noindex, nofollow"
    if settings().cookies_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"  # browsers complain of it on plain http
    if not is_own_file(request.path):
        headers.setdefault("Cache-Control", "no-store")
    return response


def _compress(response: Response) -> Response:
    if (
        response.is_streamed
        or response.direct_passthrough
        or response.status_code != 200
        or "Content-Encoding" in response.headers
        or response.mimetype not in _COMPRESSED
        or request.accept_encodings["gzip"] <= 0
    ):
        return response
    body = response.get_data()
    if len(body) < 1024:
        return response
    response.set_data(gzip.compress(body, 5))
    response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    if response.headers.get("ETag"):
        response.set_etag(response.get_etag()[0] or "", weak=True)
    return response
