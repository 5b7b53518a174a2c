"""What the machines' doors understand and answer, as OpenAPI 3.1, for whoever programs against them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from geo.datum import Datum
from parking.fixvalues import ALARMS, LARGEST_SPEED
from parking.services.reports import Result
from parking.speech import N_
from parking.trackfiles.rows import SPEED_UNITS
from parking.vocabulary import FixFault
from web.api_fixes import KEY_LENGTH, LARGEST, MOST, UNPACKED
from web.gates import public
from web.language import _

bp = Blueprint("api_document", __name__)
Part = dict[str, Any]


@bp.get("/api/openapi.json")
@public
def document() -> Response:
    """OpenAPI 3.1; complete in itself."""
    return jsonify(made())


def made() -> Part:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": _(N_("hazpark: positions from platforms and telephones")),
            "version": "1",
            "description": _(
                N_(
                    "A position is answered with 200 only once it is committed. "
                    "What is not answered so: send again."
                )
            ),
        },
        "servers": [{"url": "/"}],
        "paths": {"/api/v1/fixes": {"post": _batch()}, "/api/osmand": {"get": _query(), "post": _posted()}},
        "components": {"schemas": _schemas(), "securitySchemes": _security(), "responses": _responses()},
    }


def _batch() -> Part:
    said = N_("Store up to {most} positions, {packed} MiB ({plain} MiB unpacked) in one transaction.")
    return {
        "operationId": "storeFixes",
        "summary": _(said, most=f"{MOST:,}", packed=LARGEST // 2**20, plain=UNPACKED // 2**20),
        "security": [{"platform": []}],
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": _(
                    N_(
                        "The same key with the same body is answered the same; "
                        "with another body it is refused."
                    )
                ),
                "schema": {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH, "pattern": "^[ -~]+$"},
            },
            {
                "name": "Content-Encoding",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "enum": ["identity", "gzip"]},
            },
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _to("Batch")}},
        },
        "responses": {
            "200": {
                "description": _(N_("Committed; what became of each position.")),
                "headers": {
                    "Idempotency-Replayed": {"schema": {"type": "string", "enum": ["true", "false"]}},
                },
                "content": {"application/json": {"schema": _to("BatchAnswer")}},
            },
            **_errors("400", "401", "413", "415", "422", "429", "503"),
        },
    }


def _query() -> Part:
    return {
        "operationId": "reportByQuery",
        "summary": _(N_("One position in the OsmAnd protocol, as Traccar Client sends it.")),
        "security": [{"device": []}, {"deviceQuery": []}],
        "parameters": [
            {"name": name, "in": "query", "required": name in _REQUIRED, "schema": schema}
            for name, schema in _osmand().items()
        ],
        "responses": {"200": _one(), **_errors("400", "401", "422", "429", "503")},
    }


def _posted() -> Part:
    fields = {"type": "object", "properties": _osmand(), "required": list(_REQUIRED)}
    return {
        "operationId": "reportByPost",
        "summary": _(
            N_("The same as a form, or as the JSON of newer telephones (speed in metres a second).")
        ),
        "security": [{"device": []}, {"deviceQuery": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {"schema": fields},
                "application/json": {"schema": _to("DeviceReport")},
            },
        },
        "responses": {"200": _one(), **_errors("400", "401", "413", "415", "422", "429", "503")},
    }


_REQUIRED = ("id", "timestamp", "lat", "lon")


def _osmand() -> dict[str, Part]:
    return {
        "id": {"type": "string", "minLength": 3, "maxLength": 64},
        "timestamp": {
            "type": "string",
            "description": _(N_("Seconds or milliseconds since 1970, or ISO 8601 with a time zone.")),
        },
        "lat": _number(-90, 90),
        "lon": _number(-180, 180),
        "speed": {"type": "number", "description": _(N_("Knots, unless speed_unit says otherwise."))},
        "speed_unit": {"type": "string", "enum": list(SPEED_UNITS), "default": "knots"},
        "bearing": _number(-1, 360),
        "altitude": {"type": "number"},
        "accuracy": {"type": "number"},
        "hdop": {"type": "number"},
        "batt": _number(0, 100),
        "valid": {"type": "string"},
        "alarm": {"type": "string", "description": ", ".join(ALARMS)},
    }


def _one() -> Part:
    return {
        "description": _(N_("Committed.")),
        "content": {"application/json": {"schema": _to("ReportAnswer")}},
    }


def _schemas() -> dict[str, Part]:
    result = {"type": "string", "enum": [*map(str, Result)]}
    marks = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}
    count = {"type": "integer", "minimum": 0}
    return {
        "Batch": {
            "type": "object",
            "required": ["datum", "fixes"],
            "additionalProperties": False,
            "properties": {
                "datum": {"type": "string", "enum": list(map(str, Datum))},
                "fixes": {"type": "array", "maxItems": MOST, "items": _to("Fix")},
            },
        },
        "Fix": _fix(),
        "BatchAnswer": {
            "type": "object",
            "required": ["received", "stored", "repeated", "refused", "marks", "items"],
            "properties": {
                **dict.fromkeys(("received", "stored", "repeated", "refused"), count),
                "marks": marks,
                "items": {"type": "array", "items": _to("ItemAnswer")},
            },
        },
        "ItemAnswer": {
            "type": "object",
            "required": ["n", "result"],
            "properties": {
                "n": count,
                "result": {"type": "string", "enum": [*map(str, Result), "refused"]},
                "field": {"type": "string"},
                "reason": {"type": "string", "enum": list(map(str, FixFault))},
                "message": {"type": "string"},
            },
        },
        "DeviceReport": _device(),
        "ReportAnswer": {
            "type": "object",
            "required": ["result", "marks"],
            "properties": {"result": result, "marks": {"type": "array", "items": {"type": "string"}}},
        },
        "Error": {
            "type": "object",
            "required": ["error", "message"],
            "properties": {name: {"type": "string"} for name in ("error", "message", "field")},
        },
    }


def _fix() -> Part:
    scalar = {"type": ["string", "number", "boolean", "null"], "maxLength": 200}
    return {
        "type": "object",
        "required": ["plate", "time", "lon", "lat"],
        "additionalProperties": False,
        "properties": {
            "plate": {"type": "string", "minLength": 1, "maxLength": 20},
            "time": {
                "type": ["string", "number"],
                "description": _(N_("Seconds or milliseconds since 1970, or ISO 8601 with a time zone.")),
            },
            "lon": _number(-180, 180),
            "lat": _number(-90, 90),
            "speed_kmh": _number(0, LARGEST_SPEED, null=True),
            "heading": _number(0, 360, null=True),
            "altitude_m": _number(-1_000, 10_000, null=True),
            "located": {"type": ["boolean", "null"], "default": True},
            "alarms": {"type": "array", "items": {"type": "string", "enum": list(ALARMS)}},
            "backfill": {"type": ["boolean", "null"], "default": False},
            "extras": {
                "type": ["object", "null"],
                "maxProperties": 20,
                "propertyNames": {"maxLength": 40},
                "additionalProperties": scalar,
            },
        },
    }


def _device() -> Part:
    coords = {
        "type": "object",
        "required": ["latitude", "longitude"],
        "properties": {
            "latitude": _number(-90, 90),
            "longitude": _number(-180, 180),
            "speed": {"type": ["number", "null"]},
            "heading": {"type": ["number", "null"]},
            "altitude": {"type": ["number", "null"]},
            "accuracy": {"type": ["number", "null"]},
        },
    }
    location = {
        "type": "object",
        "required": ["timestamp", "coords"],
        "properties": {"timestamp": {"type": ["string", "number"]}, "coords": coords},
    }
    return {
        "type": "object",
        "required": ["device_id", "location"],
        "properties": {
            "device_id": {"type": "string", "minLength": 3, "maxLength": 64},
            "location": location,
        },
    }


def _security() -> dict[str, Part]:
    bearer = {"type": "http", "scheme": "bearer"}
    return {
        "platform": bearer,
        "device": bearer,
        "deviceQuery": {"type": "apiKey", "in": "query", "name": "token"},
    }


_ERRORS = {
    "400": N_("The request could not be read."),
    "401": N_("No valid token."),
    "413": N_("Too much was sent."),
    "415": N_("This kind of body or packing is not understood."),
    "422": N_("A field cannot be used, or the key was used for another body."),
    "429": N_("Too many requests; go slower."),
    "503": N_("Nothing was stored; send it again in a minute."),
}


def _responses() -> dict[str, Part]:
    content = {"application/json": {"schema": _to("Error")}}
    return {f"E{status}": {"description": _(said), "content": content} for status, said in _ERRORS.items()}


def _errors(*statuses: str) -> dict[str, Part]:
    return {status: {"$ref": f"#/components/responses/E{status}"} for status in statuses}


def _to(name: str) -> Part:
    return {"$ref": f"#/components/schemas/{name}"}


def _number(low: float, high: float, null: bool = False) -> Part:
    kind: Any = ["number", "null"] if null else "number"
    return {"type": kind, "minimum": low, "maximum": high}
