"""Features as GeoJSON and GeoPackage files: properties and shapes, WGS-84 longitude, latitude."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

#: A row of an export: properties and a shape (None: no place is known).
Row = tuple[Mapping[str, Any], BaseGeometry | None]


def geojson(rows: Iterable[Row], about: Mapping[str, Any] | None = None) -> bytes:
    """A FeatureCollection (RFC 7946); ``about`` becomes members beside it, e.g. a notice."""
    features = [
        {"type": "Feature", "properties": dict(properties), "geometry": shape and mapping(shape)}
        for properties, shape in rows
    ]
    made = {"type": "FeatureCollection", **(about or {}), "features": features}
    return json.dumps(made, ensure_ascii=False, default=str).encode()


def geopackage(layers: Mapping[str, Iterable[Row]]) -> bytes:
    """A GeoPackage with one table per layer that has rows. Raises ValueError when none has."""
    with TemporaryDirectory(prefix="hazpark-") as folder:
        path = Path(folder) / "export.gpkg"
        for name, rows in layers.items():
            pairs = list(rows)
            if pairs:
                _table(pairs).to_file(path, layer=name, driver="GPKG", engine="pyogrio")
        if not path.exists():
            raise ValueError("nothing to export")
        return path.read_bytes()


def _table(rows: list[Row]) -> Any:
    columns = list(dict.fromkeys(name for properties, _ in rows for name in properties))
    names = dict(zip(columns, _column_names(columns), strict=True))
    data = {names[name]: [_cell(properties.get(name)) for properties, _ in rows] for name in columns}
    return geopandas.GeoDataFrame(data, geometry=[shape for _, shape in rows], crs="EPSG:4326")


def _column_names(properties: Iterable[str]) -> list[str]:
    """Names SQLite takes: its own columns are not taken twice, and large and small letters are the same."""
    taken = {"fid", "geom", "geometry"}
    names: list[str] = []
    for name in properties:
        chosen, number = name, 2
        while chosen.lower() in taken:
            chosen, number = f"{name}_{number}", number + 1
        taken.add(chosen.lower())
        names.append(chosen)
    return names


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value
