"""The park as a terminal can hold it: areas as polygons, approved routes as turning points, the loss stated.

Simplified outward: an area held contains the original, holes filled. A route's strip lies inside our
corridor: its half width is ours less what the simplified line deviates, so whoever the terminal finds on the
route is on it by our measure too. Positions are WGS-84 in whole millionths of a degree, as terminals have
them. JT/T 808 messages 0x8604 and 0x8606.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString
from shapely.geometry.base import BaseGeometry

from geo.datum import LocalFrame
from geo.outward import Grid, TooManyTurns, outward, parts, thin
from geo.shapes import LayerKind
from parking.rules.policy import Policy

#: Ids in the terminal are the layer version's id times this, plus the number of the part.
PARTS = 8

#: Widest strip of a route, metres (one byte).
WIDEST_M = 255

#: Longest name sent, characters.
LONGEST_NAME = 20

#: Segments are numbered within their route.
_SEGMENTS = 256

POLYGON, ROUTE = "polygon", "route"


@dataclass(frozen=True, slots=True)
class Source:
    """One layer version in force: ``shape`` in WGS-84 degrees."""

    version_id: int
    kind: LayerKind
    code: str
    name: str
    shape: BaseGeometry
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Loss:
    """What the terminal's picture lacks. Areas: ``added_m2`` outside the original, ``farthest_m`` between the
    outlines. Routes: ``farthest_m`` between the lines, ``narrower_m`` lost of the half width on each side."""

    points: int
    of_points: int
    farthest_m: float
    added_m2: float = 0.0
    holes: int = 0
    narrower_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Fence:
    """An area or route to hold: ``payload`` is what the gateway encodes, ``number`` its id there."""

    kind: str
    number: int
    version_id: int
    layer: LayerKind
    code: str
    payload: Mapping[str, Any]
    loss: Loss

    @property
    def digest(self) -> str:
        said = json.dumps(self.payload, ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Plan:
    """All a terminal should hold, and the codes of what no terminal can."""

    fences: tuple[Fence, ...]
    not_held: tuple[str, ...]

    @property
    def digest(self) -> str:
        return hashlib.sha256("".join(f"{f.number}{f.digest}" for f in self.fences).encode()).hexdigest()


def plan(sources: Sequence[Source], frame: LocalFrame, policy: Policy) -> Plan:
    """Boundaries, control lines, zones with a speed limit and routes, each as the terminal can hold it."""
    made: list[Fence] = []
    missing: list[str] = []
    for source in sources:
        if source.kind is LayerKind.ROUTE:
            route = _route(source, frame, policy)
            made += [route] if route else []
            missing += [] if route else [source.code]
        else:
            made += _areas(source, frame, policy)
    return Plan(tuple(made), tuple(missing))


def loss_facts(loss: Loss) -> dict[str, Any]:
    """The loss as plain JSON, rounded to what it is good for."""
    return {k: round(v, 1) if isinstance(v, float) else v for k, v in asdict(loss).items()}


def version_of(kind: str, number: int) -> int:
    """The layer version an id in the terminal stands for. ``kind``: polygon, route or segment."""
    return number // PARTS if kind != "segment" else number // _SEGMENTS // PARTS


def _areas(source: Source, frame: LocalFrame, policy: Policy) -> Iterator[Fence]:
    limit, tell = _meaning(source, policy)
    if not tell and limit is None:
        return
    shape = frame.to_metres(source.shape)
    for part, polygon in enumerate(parts(shape, PARTS)):
        held = outward(polygon, int(policy.fence_vertices), grid(frame))
        spots = _degrees(held.shape.exterior.coords[:-1], frame)
        payload = {
            "number": source.version_id * PARTS + part, "name": _name(source), "tell": tell,
            "max_kmh": limit, "seconds": int(policy.speeding_s) if limit is not None else 0,
            "vertices": spots,
        }  # fmt: skip
        drawn = sum(len(r.coords) - 1 for r in (polygon.exterior, *polygon.interiors))
        loss = Loss(len(spots), drawn, held.farthest_m, held.added_m2, held.holes)
        yield Fence(POLYGON, source.version_id * PARTS + part, source.version_id, source.kind, source.code,
                    payload, loss)  # fmt: skip


def _meaning(source: Source, policy: Policy) -> tuple[int | None, list[str]]:
    """(speed limit km/h, whom to tell of what) of an area."""
    if source.kind is LayerKind.BOUNDARY:
        return int(policy.park_limit_kmh), ["platform_in", "platform_out", "driver_in", "driver_out"]
    if source.kind is LayerKind.CONTROL_LINE:
        return None, ["platform_in", "platform_out", "driver_in"]
    if source.kind is not LayerKind.ZONE:
        return None, []
    stated = source.attributes.get("speed_limit_kmh")
    if not stated and source.attributes.get("zone_kind") == "lot":
        stated = policy.lot_limit_kmh
    return (int(float(stated)), []) if stated else (None, [])


def _route(source: Source, frame: LocalFrame, policy: Policy) -> Fence | None:
    """None where so few points cannot follow the road closely enough."""
    half = float(source.attributes.get("half_width_m") or policy.corridor_m)
    line = LineString(frame.to_metres(source.shape).coords)
    try:
        thinned = thin(line, int(policy.fence_turns), half * policy.fence_share, grid(frame))
    except TooManyTurns:
        return None
    width = min(WIDEST_M, int(2 * (half - thinned.deviation_m)))
    number = source.version_id * PARTS
    spots = _degrees(thinned.line.coords, frame)
    payload = {
        "number": number, "name": _name(source), "tell": ["platform_out", "driver_out", "platform_in"],
        "turns": [[lat, lon, width] for lat, lon in spots], "first_segment": number * _SEGMENTS % 2**32,
    }  # fmt: skip
    loss = Loss(len(spots), len(line.coords), thinned.deviation_m, narrower_m=half - width / 2)
    return Fence(ROUTE, number, source.version_id, source.kind, source.code, payload, loss)


def grid(frame: LocalFrame) -> Grid:
    """Metres → metres of the nearest whole millionths of a degree."""

    def on_grid(spots: NDArray[np.float64]) -> NDArray[np.float64]:
        lon, lat = frame.degrees(spots[:, 0], spots[:, 1])
        return np.column_stack(frame.metres(np.round(lon, 6), np.round(lat, 6)))

    return on_grid


def _degrees(spots: Any, frame: LocalFrame) -> list[list[float]]:
    """[latitude, longitude] of each vertex, whole millionths."""
    xy = np.asarray(shapely.get_coordinates(LineString(spots)))
    lon, lat = frame.degrees(xy[:, 0], xy[:, 1])
    return [[round(float(a), 6), round(float(o), 6)] for a, o in zip(lat, lon, strict=True)]


def _name(source: Source) -> str:
    return f"{source.code} {source.name}"[:LONGEST_NAME]
