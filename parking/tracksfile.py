"""Files of tracks and of routes, as they come from anywhere, into our values, row by row."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import LineString, shape

from geo.fix import Fix
from geo.shapes import Feature, LayerKind
from parking.speech import N_

COLUMNS = ("id", "t", "lon", "lat")
#: WKT lines are long; a field may have this many characters.
LONGEST_FIELD = 50_000_000
#: Years a time is taken from; arithmetic on others overflows, and no terminal was there.
YEARS = range(1970, 2200)
#: km/h; more is no speed of a vehicle but a broken column (JT/T 808 can say 6553.5).
LARGEST_SPEED = 6553.5


class Trouble(Exception):
    """Something in a file cannot be used; ``sentence`` with ``facts`` says what and where."""

    def __init__(self, sentence: str, **facts: Any) -> None:
        super().__init__(sentence.format_map(facts))
        self.sentence, self.facts = sentence, facts


def read_tracks(path: Path) -> tuple[dict[str, list[Fix]], list[Trouble]]:
    """Fixes by vehicle id, in file order, and the rows that cannot be used. Raises Trouble."""
    tracks: dict[str, list[Fix]] = {}
    troubles: list[Trouble] = []
    for number, row in _rows(path):
        try:
            tracks.setdefault(_text(row, "id", number), []).append(_fix(row, number))
        except Trouble as trouble:
            troubles.append(trouble)
    tracks = {k: v for k, v in tracks.items() if v}
    if not tracks:
        raise Trouble(N_("{file}: no usable row."), file=path.name)
    return tracks, troubles


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    csv.field_size_limit(LONGEST_FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
            reader = csv.DictReader(file)
            if missing := [c for c in COLUMNS if c not in (reader.fieldnames or ())]:
                raise Trouble(
                    N_("{file}: the header lacks {columns}."), file=path.name, columns=", ".join(missing)
                )
            yield from ((reader.line_num, row) for row in reader)
    except (OSError, csv.Error) as broken:
        raise Trouble(N_("{file}: cannot be read: {reason}"), file=path.name, reason=str(broken)) from broken


def _text(row: dict[str, str], name: str, number: int) -> str:
    if not (value := (row.get(name) or "").strip()):
        raise Trouble(N_("Line {line}: {field} is empty."), line=number, field=name)
    return value


def _fix(row: dict[str, str], number: int) -> Fix:
    speed = _number(row, "speed_kmh", number) if (row.get("speed_kmh") or "").strip() else None
    if speed is not None and not 0 <= speed <= LARGEST_SPEED:
        sentence = N_("Line {line}: {field} is out of range: {value}")
        raise Trouble(sentence, line=number, field="speed_kmh", value=row["speed_kmh"])
    return Fix(
        time=_time(_text(row, "t", number), number),
        lon=_degrees(row, "lon", number, 180.0),
        lat=_degrees(row, "lat", number, 90.0),
        speed_kmh=speed,
    )


def _time(text: str, number: int) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.year not in YEARS:
        raise Trouble(N_("Line {line}: t is no ISO 8601 time: {value}"), line=number, value=text)
    return moment


def _number(row: dict[str, str], name: str, number: int) -> float:
    try:
        value = float(_text(row, name, number))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Trouble(
            N_("Line {line}: {field} is no number: {value}"), line=number, field=name, value=row[name]
        )
    return value


def _degrees(row: dict[str, str], name: str, number: int, most: float) -> float:
    """A place no terminal can be at is no fix to be judged, and arithmetic on it overflows."""
    value = _number(row, name, number)
    if abs(value) > most:
        sentence = N_("Line {line}: {field} is not on this earth: {value}")
        raise Trouble(sentence, line=number, field=name, value=row[name].strip())
    return value


def read_routes(path: Path) -> list[Feature]:
    """One approved route per vehicle id. Raises Trouble."""
    try:
        pairs = list(_geojson(path) if path.suffix.lower() in (".json", ".geojson") else _wkt(path))
    except (OSError, ValueError, KeyError, csv.Error, shapely.errors.ShapelyError) as broken:
        raise Trouble(
            N_("{file}: cannot be read: {reason}"), file=path.name, reason=str(broken)[:200]
        ) from broken
    made = [Feature(LayerKind.ROUTE, code, code, code, line) for code, line in pairs]
    if not made or not all(isinstance(f.geometry, LineString) for f in made):
        raise Trouble(N_("{file}: expected one line per vehicle."), file=path.name)
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
