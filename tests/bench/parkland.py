"""A large park and its traffic for measuring, made from a seed: metres around (0, 0), put near Jishan.

1 boundary (200 vertices), 6 control lines (400 each; one around the park, five around other areas of the
same authority, which no approved route enters), 12 zones, 40 routes, 250 bays and 300 strips (docks
and gate queues): 609 areas when the routes are taken as corridors.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Polygon
from shapely.affinity import rotate, translate
from shapely.geometry.base import BaseGeometry

from geo.datum import LocalFrame
from geo.fix import FixColumns
from geo.shapes import Approval, Feature, LayerKind, Park

CRS = "EPSG:4546"
FRAME = LocalFrame(CRS)
ORIGIN = tuple(float(v[0]) for v in FRAME.metres([110.92], [35.68]))
START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = datetime(2026, 3, 4, tzinfo=UTC)
#: Middle and radius of the areas with a control line, metres.
AREAS = (
    (0, 0, 2200),
    (4200, 0, 900),
    (-4200, 600, 800),
    (3000, 3400, 900),
    (-3000, 3300, 700),
    (3300, -3600, 800),
)
APPROVAL = Approval("bench", "bench", date(2023, 1, 1), date(2023, 1, 1))


def ring(luck: np.random.Generator, x: float, y: float, radius: float, vertices: int) -> Polygon:
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    reach = radius * (1 + 0.06 * np.sin(5 * angle) + 0.01 * luck.standard_normal(vertices))
    return Polygon(np.column_stack([x + reach * np.cos(angle), y + reach * np.sin(angle)]))


def road(luck: np.random.Generator) -> LineString:
    """From outside all lines through the south gate to somewhere in the park, 30 to 60 vertices."""
    inside = np.cumsum(luck.normal(0, 60, (luck.integers(24, 50), 2)), axis=0) * 0.6
    inside = np.clip(inside + luck.uniform(-700, 700, 2), -1200, 1200)
    way = [(0, -3500), (0, -2500), (0, -1650), (0, -1400)]
    return LineString([*way, *inside.tolist()])


def shapes(seed: int = 1) -> dict[LayerKind, list[BaseGeometry]]:
    luck = np.random.default_rng(seed)
    strips = [
        translate(rotate(shapely.box(0, 0, 60, 8), luck.uniform(0, 180)), *luck.uniform(-1200, 1200, 2))
        for _ in range(297)
    ]
    return {
        LayerKind.BOUNDARY: [ring(luck, 0, 0, 1500, 200)],
        LayerKind.CONTROL_LINE: [ring(luck, x, y, radius, 400) for x, y, radius in AREAS],
        LayerKind.ZONE: [ring(luck, *luck.uniform(-900, 900, 2), 220, 40) for _ in range(12)],
        LayerKind.ROUTE: [road(luck) for _ in range(40)],
        LayerKind.BAY: [
            shapely.box(x, y, x + 4, y + 20) for y in range(-600, -300, 30) for x in range(-600, -475, 5)
        ],
        LayerKind.GATE: [shapely.box(-15, -1640, 15, -1360)],
        LayerKind.DOCK: strips,
    }


def park() -> Park:
    features = [
        Feature(kind, f"{kind}-{n}", "", "", _placed(shape), APPROVAL, _attributes(kind, n))
        for kind, many in shapes().items()
        for n, shape in enumerate(many)
    ]
    return Park(
        code="bench", name_zh="", name_en="", official=False, notice_zh="", notice_en="", metric_crs=CRS,
        watch_area=(110.72, 35.48, 111.12, 35.88), policy={}, features=tuple(features),
    )  # fmt: skip


def _placed(shape: BaseGeometry) -> BaseGeometry:
    return FRAME.to_degrees(translate(shape, *ORIGIN))


def _attributes(kind: LayerKind, n: int) -> dict[str, Any]:
    if kind is LayerKind.GATE:
        return {"gate_kind": "hazmat_only"}
    if kind is LayerKind.ZONE:
        return {"zone_kind": "plant", "speed_limit_kmh": 30 if n % 3 else 20}
    return {}


def traffic(vehicles: int, fixes: int, every_s: float, offenders: float = 0.02, seed: int = 3) -> FixColumns:
    """Vehicles that drive the approved routes and stand in bays and at docks, with terminals' noise.

    A share of ``offenders`` each drives 80 m beside its route, drives at 55 km/h, or stands on the road.
    """
    luck = np.random.default_rng(seed)
    made = shapes()
    roads, rests = made[LayerKind.ROUTE], [*made[LayerKind.BAY], *made[LayerKind.DOCK]]
    tracks = [_track(luck, roads, rests, fixes, every_s, offenders) for _ in range(vehicles)]
    xy = np.concatenate([spots for spots, _ in tracks]) + ORIGIN
    lon, lat = FRAME.degrees(xy[:, 0], xy[:, 1])
    n = vehicles * fixes
    at = np.tile(START.timestamp() + every_s * np.arange(fixes), (vehicles, 1))
    at += luck.integers(0, max(1, int(every_s)), (vehicles, 1))
    return FixColumns(
        np.repeat(np.arange(vehicles), fixes), at.ravel(), lon.round(6), lat.round(6),
        np.concatenate([speeds for _, speeds in tracks]), np.zeros(n, dtype=np.uint32),
        np.full(n, 3, dtype=np.uint32), np.ones(n, dtype=bool), np.zeros(n, dtype=bool), np.full(n, np.nan),
    )  # fmt: skip


def _track(
    luck: np.random.Generator, roads: list[BaseGeometry], rests: list[BaseGeometry], fixes: int,
    every_s: float, offenders: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """Drive a route in, rest, drive it out, over and over: places (n, 2), metres; speeds (n,), km/h."""
    way = roads[luck.integers(len(roads))]
    rest = np.asarray(rests[luck.integers(len(rests))].centroid.coords[0])
    kmh, length = luck.uniform(12, 18 if luck.random() > offenders else 55), way.length
    drive, stay = length / (kmh / 3.6), luck.uniform(1800, 7200)
    phase = (luck.uniform(0, 2 * (drive + stay)) + every_s * np.arange(fixes)) % (2 * drive + stay)
    along = np.where(phase < drive, phase, np.where(phase < drive + stay, drive, 2 * drive + stay - phase))
    spots = shapely.get_coordinates(shapely.line_interpolate_point(way, along * kmh / 3.6))
    resting = (phase >= drive) & (phase < drive + stay)
    if luck.random() > offenders:
        spots[resting] = rest
    if luck.random() < offenders:
        spots = spots + np.array([80.0, 0.0])
    noise = _noise(luck, fixes) * np.where(resting, 0.5, 1.0)[:, None]
    return spots + noise, np.where(resting, 0.0, kmh)


def _noise(luck: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Correlated noise of some 4 m, as terminals have it: a random walk drawn back to where it began."""
    walk = np.cumsum(luck.normal(0, 1.2, (n, 2)), axis=0)
    window = 20
    drawn = np.cumsum(walk, axis=0)
    mean = drawn.copy()
    mean[window:] -= drawn[:-window]
    counts = np.minimum(np.arange(1, n + 1), window)[:, None]
    return np.asarray(walk - mean / counts)


def tell(name: str, results: dict[str, Any]) -> None:
    """Results as text on the screen and in build/<name>.json."""
    text = json.dumps(results, indent=1)
    folder = Path(__file__).parents[2] / "build"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(text + "\n")
    print(text)
