"""Files for browsers: our own, and a short list from installed packages, each pinned by its hash.

Nothing else of those packages is reachable, and an application whose packages hold other bytes than
the reviewed ones refuses to start. Licences: THIRD_PARTY.md.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, current_app, request, url_for

from web.gates import public

bp = Blueprint("assets", __name__)

_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_AN_HOUR = "public, max-age=3600"


class WrongBytes(RuntimeError):
    """An installed package holds another file than the one that was reviewed."""


@dataclass(frozen=True, slots=True)
class Pin:
    """Where a vendor file lies and what it must be."""

    module: str
    path: str
    sha256: str
    mimetype: str


PINS: Mapping[tuple[str, str], Pin] = {
    ("leaflet", "leaflet.js"): Pin(
        "xstatic.pkg.leaflet",
        "data/leaflet.js",
        "5819285cec137b229c94e1ee5ad73e8b6b84345a4367d60f75fe477fe0fb7b03",
        "text/javascript",
    ),
    ("leaflet", "leaflet.css"): Pin(
        "xstatic.pkg.leaflet",
        "data/leaflet.css",
        "90b693d86392a4779c861b28cf307e7e59c3fb35328c4d8b95f58f814d38c722",
        "text/css",
    ),
    ("leaflet", "images/layers.png"): Pin(
        "xstatic.pkg.leaflet",
        "data/images/layers.png",
        "1dbbe9d028e292f36fcba8f8b3a28d5e8932754fc2215b9ac69e4cdecf5107c6",
        "image/png",
    ),
    ("leaflet", "images/layers-2x.png"): Pin(
        "xstatic.pkg.leaflet",
        "data/images/layers-2x.png",
        "066daca850d8ffbef007af00b06eac0015728dee279c51f3cb6c716df7c42edf",
        "image/png",
    ),
    ("leaflet", "images/marker-icon.png"): Pin(
        "xstatic.pkg.leaflet",
        "data/images/marker-icon.png",
        "574c3a5cca85f4114085b6841596d62f00d7c892c7b03f28cbfa301deb1dc437",
        "image/png",
    ),
    ("leaflet", "images/marker-icon-2x.png"): Pin(
        "xstatic.pkg.leaflet",
        "data/images/marker-icon-2x.png",
        "00179c4c1ee830d3a108412ae0d294f55776cfeb085c60129a39aa6fc4ae2528",
        "image/png",
    ),
    ("leaflet", "images/marker-shadow.png"): Pin(
        "xstatic.pkg.leaflet",
        "data/images/marker-shadow.png",
        "264f5c640339f042dd729062cfc04c17f8ea0f29882b538e3848ed8f10edb4da",
        "image/png",
    ),
    ("htmx", "htmx.min.js"): Pin(
        "js_lib_htmx",
        "static/htmx/htmx.min.js",
        "491955cd1810747d7d7b9ccb936400afb760e06d25d53e4572b64b6563b2784e",
        "text/javascript",
    ),
}


def init_app(app: Flask) -> None:
    """Check every pinned file and serve them; raises WrongBytes."""
    for pin in PINS.values():
        contents(pin)
    app.register_blueprint(bp)
    public(app.view_functions["static"])
    app.after_request(_keep_static)
    app.jinja_env.globals.update(asset=asset, static_url=static_url)


@lru_cache
def contents(pin: Pin) -> bytes:
    """The bytes of a vendor file. Raises WrongBytes when they are not the pinned ones."""
    found = files(pin.module).joinpath(pin.path).read_bytes()
    if hashlib.sha256(found).hexdigest() != pin.sha256:
        where = f"{pin.module}/{pin.path}"
        raise WrongBytes(f"{where} is not the file that was reviewed; reinstall the locked packages")
    return found


def asset(package: str, file: str) -> str:
    """Address of a vendor file; the hash in it lets browsers keep it for ever."""
    return url_for("assets.vendor", package=package, file=file, v=PINS[package, file].sha256[:12])


def static_url(file: str) -> str:
    """Address of one of our own files, with its hash."""
    folder = Path(current_app.static_folder or "")
    return url_for("static", filename=file, v=_digest(folder / file, (folder / file).stat().st_mtime_ns))


@bp.get("/assets/<package>/<path:file>")
@public
def vendor(package: str, file: str) -> Response:
    pin = PINS.get((package, file)) or abort(404)
    response = Response(contents(pin), mimetype=pin.mimetype)
    if pin.mimetype != "image/png" and request.accept_encodings["gzip"] > 0:
        response = Response(_squeezed(pin), mimetype=pin.mimetype, headers={"Content-Encoding": "gzip"})
    response.vary.add("Accept-Encoding")
    response.set_etag(pin.sha256, weak=True)
    right = request.args.get("v") == pin.sha256[:12]
    response.headers["Cache-Control"] = _FOR_EVER if right else _FOR_AN_HOUR
    response.make_conditional(request)
    return response


@lru_cache
def _squeezed(pin: Pin) -> bytes:
    return gzip.compress(contents(pin), 9)


@lru_cache(maxsize=256)
def _digest(path: Path, stamp: int) -> str:
    """Hash of one of our files; ``stamp`` makes an edited file a new one."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _keep_static(response: Response) -> Response:
    if request.endpoint == "static" and response.status_code in (200, 304):
        response.headers["Cache-Control"] = _FOR_EVER if "v" in request.args else "no-cache"
    return response
