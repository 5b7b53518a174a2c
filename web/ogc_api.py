"""The OpenAPI 3.0 description of the OGC API: as much as a program needs to read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_JSON = {"application/json": {"schema": {"type": "object"}}}
_GEOJSON = {"application/geo+json": {"schema": {"type": "object"}}}


def describe(title: str, address: str, collections: Sequence[str], most: int, usual: int) -> dict[str, Any]:
    """``address``: of the landing page, without a slash at its end; ``most`` and ``usual``: of ``limit``."""
    paths = {
        "/": _get("landing", "The landing page", _JSON),
        "/conformance": _get("conformance", "What the service conforms to", _JSON),
        "/collections": _get("collections", "Layers and violations", _JSON),
    }
    for name in collections:
        paths[f"/collections/{name}"] = _get(f"describe_{name}", "The collection", _JSON)
        paths[f"/collections/{name}/items"] = _get(
            f"items_{name}", "Its items", _GEOJSON, _filters(most, usual)
        )
        one = [{"name": "item", "in": "path", "required": True, "schema": {"type": "integer"}}]
        paths[f"/collections/{name}/items/{{item}}"] = _get(f"item_{name}", "One item", _GEOJSON, one)
    return {
        "openapi": "3.0.3",
        "info": {"title": title, "version": "1.0.0"},
        "servers": [{"url": address}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "token": {"type": "apiKey", "in": "query", "name": "token"},
            }
        },
        "security": [{"basic": []}, {"token": []}],
    }


def _get(name: str, about: str, content: Any, parameters: Sequence[Any] = ()) -> dict[str, Any]:
    answers = {
        "200": {"description": about, "content": content},
        "400": {"description": "A parameter is wrong"},
    }
    return {
        "get": {"operationId": name, "summary": about, "parameters": list(parameters), "responses": answers}
    }


def _filters(most: int, usual: int) -> list[dict[str, Any]]:
    limit = {"type": "integer", "minimum": 1, "maximum": most, "default": usual}
    corners = {
        "type": "array",
        "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
        "items": {"type": "number"},
    }
    return [
        {"name": "bbox", "in": "query", "style": "form", "explode": False, "schema": corners},
        {"name": "datetime", "in": "query", "schema": {"type": "string"}},
        {"name": "limit", "in": "query", "schema": limit},
        {"name": "offset", "in": "query", "schema": {"type": "integer", "minimum": 0}},
    ]
