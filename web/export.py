"""Layers and violations as files: GeoJSON and GeoPackage, violations also as CSV and XLSX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, abort, request
from shapely import Point

from geo import exports
from geo.exports import Row
from geo.shapes import LayerKind
from parking import clock, sheets
from parking.queries import features
from parking.queries import park as park_query
from parking.queries.features import LayerItem, Span, ViolationItem
from parking.services import audit
from parking.vocabulary import Role
from web import desk
from web.feature_words import layer_properties, violation_properties
from web.gates import gate
from web.language import _, clock_time, name
from web.people import current_person, source
from web.store import transaction

bp = Blueprint("export", __name__)
_TYPES = {
    "geojson": "application/geo+json",
    "gpkg": "application/geopackage+sqlite3",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
#: Longest period and most violations of one file.
LONGEST, MOST = timedelta(days=366), 100_000


@bp.get("/admin/layers/export/<form>")
@gate(Role.ADMIN, Role.SUPERVISOR)
def layers(form: str) -> Response:
    """Every version believed in, or of one layer (``kind``), with its act and where it came from."""
    asked = request.args.get("kind", "")
    if form not in ("geojson", "gpkg") or (asked and asked not in list(LayerKind)):
        abort(404)
    kinds = [LayerKind(asked)] if asked else list(LayerKind)
    with transaction() as session:
        park = park_query.current(session)
        found = {kind: features.layer_items(session, kind) for kind in kinds}
        _note(session, "layers_exported", form)
    if not any(found.values()):
        abort(404)
    notice = {"official": park.official, "notice_zh": park.notice_zh, "notice_en": park.notice_en}
    rows = {str(kind): [_layer(item) for item in items] for kind, items in found.items()}
    content = (
        exports.geopackage(rows)
        if form == "gpkg"
        else exports.geojson((row for listed in rows.values() for row in listed), notice)
    )
    return _file(content, form, f"layers-{park.code}")


@bp.get("/violations/export/<form>")
@gate(Role.SUPERVISOR, Role.DISPATCHER)
def violations(form: str) -> Response:
    """The violations that touch a period (``since``, ``until``: park days, both included)."""
    if form not in _TYPES:
        abort(404)
    span = _period()
    with transaction() as session:
        _total, found = features.violation_items(session, None, span, MOST, 0)
        _note(
            session,
            "violations_exported",
            form,
            since=str(span.since),
            until=str(span.until),
            count=len(found),
        )
    if form in ("csv", "xlsx"):
        content = _sheet(form, found)
    elif form == "geojson":
        content = exports.geojson(_places(found))
    else:
        content = exports.geopackage({"violations": _places(found)}) if found else abort(404)
    return _file(content, form, "violations")


def _period() -> Span:
    until = desk.ends(desk.day(request.args.get("until"))) or clock.now()
    since = desk.begins(desk.day(request.args.get("since"))) or until - timedelta(days=31)
    if not timedelta() < until - since <= LONGEST:
        abort(400)
    return Span(since, until - timedelta(microseconds=1))


def _layer(item: LayerItem) -> Row:
    return layer_properties(item), item.feature.geometry


def _places(found: Iterable[ViolationItem]) -> Iterator[Row]:
    for one in found:
        shape = None if one.lon is None or one.lat is None else Point(one.lon, one.lat)
        yield violation_properties(one), shape


def _sheet(form: str, found: Iterable[ViolationItem]) -> bytes:
    header = [
        _("Number"), name("plate"), _("Violation"), _("Where"), _("Began"), _("Ended"), _("Certainty"),
        _("State"), _("Longitude"), _("Latitude"),
    ]  # fmt: skip
    rows = (
        [
            v.id, v.plate, name(v.kind), v.subject, clock_time(v.started_at), clock_time(v.ended_at),
            name(v.certainty), name(v.state), v.lon, v.lat,
        ]
        for v in found
    )  # fmt: skip
    return sheets.as_csv(header, rows) if form == "csv" else sheets.as_xlsx(header, rows, _("Violations"))


def _note(session: Any, action: str, form: str, **facts: Any) -> None:
    """Who took which data away."""
    person = current_person()
    assert person  # noqa: S101 - the gate let a person in
    audit.record(
        session, person.actor, action, "export", None, datetime.now(UTC), source(), form=form, **facts
    )


def _file(content: bytes, form: str, stem: str) -> Response:
    answer = Response(content, mimetype=None, content_type=_TYPES[form])
    day = clock_time(clock.now())[:10]
    answer.headers.set("Content-Disposition", "attachment", filename=f"{stem}-{day}.{form}")
    return answer
