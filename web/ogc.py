"""OGC API – Features, Part 1 core (OGC 17-069r4), GeoJSON, read only: layers and violations for QGIS.

Programs show a read-only key (see ``web.keys``). Every address in an answer is this server's own; the
conformance and CRS identifiers are names, nobody fetches them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, abort, g, jsonify, request, url_for
from shapely.geometry import mapping

from geo.shapes import LayerKind
from parking.queries import features
from parking.queries import park as park_query
from parking.queries.features import LayerItem, ViolationItem
from parking.vocabulary import Role
from web import keys
from web.feature_words import layer_properties, violation_properties
from web.gates import key_holder
from web.language import _
from web.ogc_api import describe
from web.ogc_asked import MOST, PARAMETERS, PLAIN, USUAL, Asked, Odd, asked, known
from web.pages import layer_name
from web.store import reading

bp = Blueprint("ogc", __name__, url_prefix="/ogc")
READERS = (Role.ADMIN, Role.SUPERVISOR, Role.DISPATCHER)
#: Who may read violations: those who see them on the pages.
_WATCHERS = frozenset({Role.SUPERVISOR, Role.DISPATCHER})
VIOLATIONS = "violations"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_CONFORMS = [
    f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{part}" for part in ("core", "geojson", "oas30")
]


@bp.get("/")
@key_holder(*READERS)
def landing() -> Response:
    known(PLAIN)
    return _json(
        {
            "title": _title(),
            "description": _("Layers and violations of the park, read only."),
            "links": [
                _link("self", "ogc.landing", _("This page")),
                _link("service-desc", "ogc.api", _("The description of the service"), _OPENAPI),
                _link("conformance", "ogc.conformance", _("What it conforms to")),
                _link("data", "ogc.collections", _("Layers and violations")),
            ],
        }
    )


@bp.get("/conformance")
@key_holder(*READERS)
def conformance() -> Response:
    known(PLAIN)
    return _json({"conformsTo": _CONFORMS})


@bp.get("/api")
@key_holder(*READERS)
def api() -> Response:
    """The OpenAPI 3.0 description."""
    known(PLAIN)
    made = describe(_title(), url_for("ogc.landing", _external=True).rstrip("/"), _names(), MOST, USUAL)
    return _json(made, _OPENAPI)


@bp.get("/collections")
@key_holder(*READERS)
def collections() -> Response:
    known(PLAIN)
    with reading() as session:
        made = [_collection(session, name) for name in _names()]
    return _json({"links": [_link("self", "ogc.collections", _("This page"))], "collections": made})


@bp.get("/collections/<collection_id>")
@key_holder(*READERS)
def collection(collection_id: str) -> Response:
    known(PLAIN)
    _readable(collection_id)
    with reading() as session:
        return _json(_collection(session, collection_id))


@bp.get("/collections/<collection_id>/items")
@key_holder(*READERS)
def items(collection_id: str) -> Response:
    """A page of items: ``bbox``, ``datetime``, ``limit``; ``next`` leads on."""
    known(PARAMETERS)
    _readable(collection_id)
    wanted = asked()
    with reading() as session:
        total, found = _found(session, collection_id, wanted)
    links = [
        _link(
            "self",
            "ogc.items",
            _("This page"),
            _GEOJSON,
            collection_id=collection_id,
            **_again(wanted.offset),
        )
    ]
    links.append(_link("collection", "ogc.collection", _("The collection"), collection_id=collection_id))
    if wanted.offset + len(found) < total:
        further = _again(wanted.offset + wanted.limit, wanted.limit)
        links.append(
            _link("next", "ogc.items", _("The next items"), _GEOJSON, collection_id=collection_id, **further)
        )
    return _json(
        {
            "type": "FeatureCollection",
            "features": found,
            "links": links,
            "numberMatched": total,
            "numberReturned": len(found),
            "timeStamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        _GEOJSON,
    )


@bp.get("/collections/<collection_id>/items/<int:item_id>")
@key_holder(*READERS)
def item(collection_id: str, item_id: int) -> Response:
    known(PLAIN)
    _readable(collection_id)
    with reading() as session:
        made = _one(session, collection_id, item_id)
    if made is None:
        return _refuse(404, _("There is no such item."))
    own = {"collection_id": collection_id, "item_id": item_id}
    links = [
        _link("self", "ogc.item", _("This item"), _GEOJSON, **own),
        _link("collection", "ogc.collection", _("The collection"), collection_id=collection_id),
    ]
    return _json({**made, "links": links}, _GEOJSON)


_OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
_GEOJSON = "application/geo+json"


@bp.errorhandler(Odd)
def _odd(odd: Odd) -> Response:
    return _refuse(400, _("The parameter {name} cannot be read.", name=str(odd)[:60]))


@bp.errorhandler(404)
def _unknown(_error: object) -> Response:
    return _refuse(404, _("There is no such collection."))


def _names() -> list[str]:
    """The collections this key may read."""
    own = [VIOLATIONS] if keys.holder().role in _WATCHERS else []
    return [*(str(kind) for kind in LayerKind), *own]


def _readable(collection_id: str) -> None:
    if collection_id not in _names():
        abort(404)


def _found(session: Any, collection_id: str, wanted: Asked) -> tuple[int, list[dict[str, Any]]]:
    if collection_id == VIOLATIONS:
        total, seen = features.violation_items(session, wanted.box, wanted.span, wanted.limit, wanted.offset)
        return total, [_violation(one) for one in seen]
    every: Sequence[LayerItem] = features.layer_items(
        session, LayerKind(collection_id), wanted.box, wanted.span
    )
    page = every[wanted.offset : wanted.offset + wanted.limit]
    return len(every), [_layer(one) for one in page]


def _one(session: Any, collection_id: str, item_id: int) -> dict[str, Any] | None:
    if collection_id == VIOLATIONS:
        seen = features.violation_item(session, item_id)
        return _violation(seen) if seen else None
    found = features.layer_item(session, LayerKind(collection_id), item_id)
    return _layer(found) if found else None


def _layer(item: LayerItem) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": item.id,
        "geometry": mapping(item.feature.geometry),
        "properties": layer_properties(item),
    }


def _violation(one: ViolationItem) -> dict[str, Any]:
    place = None if one.lon is None else {"type": "Point", "coordinates": [one.lon, one.lat]}
    return {"type": "Feature", "id": one.id, "geometry": place, "properties": violation_properties(one)}


def _collection(session: Any, name: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": name,
        "title": _("Violations") if name == VIOLATIONS else layer_name(LayerKind(name)),
        "itemType": "feature",
        "crs": [CRS84],
        "extent": _extent(session, name),
        "links": [
            _link("self", "ogc.collection", _("The collection"), collection_id=name),
            _link("items", "ogc.items", _("Its items"), _GEOJSON, collection_id=name),
        ],
    }
    return made


def _extent(session: Any, name: str) -> dict[str, Any]:
    """Where positions are believed, and when; None is open or unknown."""
    park = park_query.current(session)
    extent: dict[str, Any] = {"spatial": {"bbox": [list(park.watch_area)], "crs": CRS84}}
    if name == VIOLATIONS:
        span = features.violation_span(session)
        ends = [m and m.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for m in (span.since, span.until)]
        extent["temporal"] = {"interval": [ends]}
    return extent


def _title() -> str:
    return _("hazpark: layers and violations")


def _again(offset: int, limit: int | None = None) -> dict[str, str]:
    """The parameters of this request, for a link to it or on from it."""
    same = {
        key: value for key, value in request.args.items() if key in ("bbox", "datetime", "limit", "f", "lang")
    }
    if limit is not None:
        same["limit"] = str(limit)
    return same | ({"offset": str(offset)} if offset else {})


def _link(
    rel: str, endpoint: str, title: str, kind: str = "application/json", **values: Any
) -> dict[str, str]:
    address = url_for(endpoint, _external=True, **values, **keys.in_address())
    return {"rel": rel, "href": address, "type": kind, "title": title}


def _json(content: dict[str, Any], kind: str = "application/json") -> Response:
    g.bare = True
    answer = jsonify(content)
    answer.headers["Content-Type"] = kind
    return answer


def _refuse(status: int, why: str) -> Response:
    answer = _json({"code": str(status), "description": why})
    answer.status_code = status
    return answer
