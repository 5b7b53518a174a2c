"""Old tracks from a file: sent in, taken in by a worker while the page looks on, reported row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from geo.datum import Datum
from parking import clock
from parking.queries import feeds as feed_query
from parking.queries.feeds import ImportView
from parking.refused import Reason, Refused, no
from parking.rules import plate as plates
from parking.services import imports
from parking.speech import N_
from parking.trackfiles.rows import SPEED_UNITS
from parking.trackfiles.vehicle import Options, zone_of
from parking.vocabulary import FixFault, ImportState, Mark, Refusal, Role
from web.forms import typed
from web.gates import gate
from web.language import _, lang, name, say
from web.people import actor, source
from web.store import reading, transaction

bp = Blueprint("imports", __name__)
#: Bytes of a file sent through the page (assumption); larger ones: python -m parking tracks import.
LARGEST = 8 * 1024 * 1024
ZONES = ("Asia/Shanghai", "UTC", "Asia/Urumqi")
_UNITS = {"kmh": N_("km/h"), "knots": N_("knots"), "mps": N_("m/s")}
_DATUMS = {"wgs84": "WGS-84", "cgcs2000": "CGCS2000", "gcj02": "GCJ-02"}


@bp.url_value_preprocessor
def _room_for_a_file(endpoint: str | None, values: Mapping[str, Any] | None) -> None:
    """Before the form is read for its token; who may not enter is told so before that."""
    if endpoint == "imports.send":
        request.max_content_length = LARGEST + 64 * 1024


@bp.get("/tracks/import")
@gate(Role.SUPERVISOR)
def listed() -> str:
    return _page()


@bp.post("/tracks/import")
@gate(Role.SUPERVISOR)
def send() -> AnyResponse:
    """Check the whole file now; a worker takes it in."""
    asked = {key: typed(key, 60) for key in ("plate", "datum", "zone", "speed_unit")}
    try:
        data, options = _file(), _options(asked)
        with transaction() as session:
            made = imports.begin(session, _file_name(), data, options, clock.now(), actor(), source())
            if made.state == ImportState.READING:
                imports.hand_over(session, made.id)
    except Refused as refused:
        return make_response(_page(refused.reasons, asked), 422)
    return redirect(url_for("imports.one", import_id=made.id), 303)


@bp.get("/tracks/import/<int:import_id>")
@gate(Role.SUPERVISOR)
def one(import_id: int) -> str | Response:
    """One import; as a fragment (204 while nothing changed) when the page asks for it again."""
    with reading() as session:
        found = feed_query.import_one(session, import_id)
    if found is None:
        abort(404)
    shown = {"it": found, "faults": _faults(found), "marks": _marks(found), "version": _version(found)}
    if "v" not in request.args:
        return render_template("import.html", **shown)
    if request.args["v"] == shown["version"]:
        return make_response("", 204)
    return make_response(render_template("_import.html", **shown))


def _file() -> bytes:
    sent = request.files.get("file")
    data = sent.read() if sent else b""
    if not data:
        raise Refused(Reason(Refusal.FIELD_MISSING, {"field": _("File")}, "file"))
    if len(data) > LARGEST:
        raise Refused(no(FixFault.FILE_TOO_LARGE, "file", limit=f"{LARGEST // 2**20} MiB"))
    return data


def _file_name() -> str:
    sent = request.files.get("file")
    said = (sent.filename if sent else None) or "?"
    return "".join(c for c in said if c.isprintable())[:200]


def _options(asked: Mapping[str, str]) -> Options:
    reasons = [
        Reason(Refusal.CHOICE_UNKNOWN, {"field": _(label)}, key)
        for key, label, choices in (
            ("datum", N_("Datum"), ("", *Datum)),
            ("zone", N_("Time zone"), ("", *ZONES)),
            ("speed_unit", N_("Unit of speed"), tuple(SPEED_UNITS)),
        )
        if asked[key] not in choices
    ]
    if reasons:
        raise Refused(*reasons)
    datum = Datum(asked["datum"]) if asked["datum"] else None
    zone = zone_of(asked["zone"])
    return Options(plates.normalise(asked["plate"]), datum, zone, asked["speed_unit"])


def _page(reasons: Iterable[Reason] = (), asked: Mapping[str, str] | None = None) -> str:
    with reading() as session:
        found = feed_query.imports(session)
    return render_template(
        "imports.html",
        found=found,
        reasons=tuple(reasons),
        typed=asked or {},
        datums=_DATUMS,
        zones=[(z, z) for z in ZONES],
        units=[(key, _(label)) for key, label in _UNITS.items()],
        largest=LARGEST // 2**20,
    )


def _faults(found: ImportView) -> list[tuple[int, str]]:
    faults: Any = found.report["faults"]
    return [(f["line"], say(FixFault(f["word"]), f["facts"])) for f in faults]


def _marks(found: ImportView) -> list[tuple[str, int]]:
    marks: Any = found.report["marks"]
    return [(name(Mark(mark)), count) for mark, count in sorted(marks.items())]


def _version(found: ImportView) -> str:
    return f"{found.done}-{found.state}-{lang()}"
