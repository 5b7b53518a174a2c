"""A file of approved routes, one line per vehicle: CSV with WKT, or GeoJSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import LineString, shape

from geo.shapes import Feature, LayerKind
from parking.refused import Refused, no
from parking.vocabulary import FixFault

#: WKT lines are long; a field may have this many characters.
LONGEST_FIELD = 50_000_000


def read(path: Path) -> list[Feature]:
    """One approved route per vehicle id. Raises Refused."""
    try:
        pairs = list(_geojson(path) if path.suffix.lower() in (".json", ".geojson") else _wkt(path))
    except (OSError, ValueError, KeyError, csv.Error, shapely.errors.ShapelyError) as broken:
        raise Refused(no(FixFault.FILE_UNREADABLE, "file", reason=str(broken)[:200])) from broken
    made = [Feature(LayerKind.ROUTE, code, code, code, line) for code, line in pairs]
    if not made or not all(isinstance(f.geometry, LineString) for f in made):
        raise Refused(no(FixFault.LINES_ABSENT, "file"))
    return made


def _geojson(path: Path) -> Iterator[tuple[str, Any]]:
    for feature in json.loads(path.read_text(encoding="utf-8-sig"))["features"]:
        properties = feature.get("properties") or {}
        yield str(properties.get("id") or feature["id"]), shape(feature["geometry"])


def _wkt(path: Path) -> Iterator[tuple[str, Any]]:
    csv.field_size_limit(LONGEST_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.reader(file):
            line = next((c for c in row if c.strip().upper().startswith("LINESTRING")), None)
            if line:
                yield row[0], shapely.from_wkt(line)
