"""What is put into true tracks to see whether the rules find it: detours and zones, of known place and size.

A track that followed its route exactly is innocent; whatever is found in it is false. A detour leaves the
route at one place, runs beside it and comes back at another, with the very noise of the track. A zone is a
disc on the driven route, or so far beside it that the truck never was in it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import LineString, Point, Polygon

from geo.datum import LocalFrame
from geo.fix import Fix
from geo.shapes import Feature, LayerKind, Park
from parking.rules.ground import Ground
from parking.rules.monitor import Finding, Journey, State, judge
from parking.rules.policy import Policy

#: Fixes of a stretch lie close enough in time and place to say that nothing is missing between them.
WHOLE_S, WHOLE_M = 3.0, 60.0
#: Nearer to the route than this a fix cannot be told from one on it: twice the accuracy of a terminal.
BREADTH_M = 30.0


@dataclass(frozen=True)
class Drive:
    """One vehicle: seconds from its first fix (n,), x and y in metres (n, 2), and the route it drove."""

    code: str
    at: NDArray[np.float64]
    xy: NDArray[np.float64]
    route: LineString
    frame: LocalFrame
    begins: datetime

    @property
    def along(self) -> NDArray[np.float64]:
        """Chainage on the route of each fix, never backwards."""
        found = shapely.line_locate_point(self.route, shapely.points(self.xy))
        return np.maximum.accumulate(found)

    def thinned(self, every_s: float) -> Drive:
        """The same drive with one fix each ``every_s`` seconds."""
        kept, last = [], -math.inf
        for i, at in enumerate(self.at):
            if at - last >= every_s - 0.5:
                kept.append(i)
                last = at
        return replace(self, at=self.at[kept], xy=self.xy[kept])

    def fixes(self) -> list[Fix]:
        lon, lat = self.frame.degrees(self.xy[:, 0], self.xy[:, 1])
        return [
            Fix(self.begins + timedelta(seconds=float(t)), float(x), float(y))
            for t, x, y in zip(self.at, lon, lat, strict=True)
        ]


@dataclass(frozen=True)
class Detour:
    """What was put in: the drive with it, where and when it left the route and came back."""

    drive: Drive
    off_m: float
    long_m: float
    left: tuple[float, float, float]  # seconds, x, y
    back: tuple[float, float, float]
    speed_ms: float


@dataclass(frozen=True)
class Zone:
    code: str
    shape: Polygon
    crossed: bool


def drive_of(code: str, fixes: Sequence[Fix], route: LineString) -> Drive:
    """A track and its route (degrees) in metres around the middle of the route."""
    middle = route.centroid
    frame = LocalFrame(f"+proj=aeqd +lat_0={middle.y} +lon_0={middle.x} +units=m")
    x, y = frame.metres([f.lon for f in fixes], [f.lat for f in fixes])
    at = np.array([(f.time - fixes[0].time).total_seconds() for f in fixes])
    return Drive(code, at, np.column_stack((x, y)), frame.to_metres(route), frame, fixes[0].time)


def ground(drive: Drive, zones: Sequence[Zone] = (), route: bool = True, **policy: float) -> Ground:
    """A park of nothing but the route of the drive and some closed zones."""
    features = [_feature(LayerKind.ZONE, z.code, z.shape, drive, zone_kind="closed") for z in zones]
    if route:
        features.append(_feature(LayerKind.ROUTE, drive.code, drive.route, drive))
    park = Park(
        "truth", "", "", False, "", "", drive.frame.crs, (-180, -90, 180, 90), {}, tuple(features), "UTC"
    )
    numbers = {"oldest_h": 1e9, **policy}
    return Ground(park, Policy.from_mapping(numbers), everywhere=True)


def _feature(kind: LayerKind, code: str, shape: shapely.Geometry, drive: Drive, **more: str) -> Feature:
    return Feature(kind, code, code, code, drive.frame.to_degrees(shape), None, more)


def found(land: Ground, drive: Drive) -> list[Finding]:
    """What the live rules find."""
    fixes = drive.fixes()
    journey = Journey(booked=True, loaded=True, routes=(drive.code,))
    now = max(f.time for f in fixes).astimezone(UTC)
    return list(judge(land, State.new(), fixes, lambda _: journey, now).findings)


def whole(drive: Drive, first: int, last: int) -> bool:
    """Is nothing missing in the track from fix ``first`` to ``last``?"""
    moves = np.hypot(*np.diff(drive.xy[first : last + 1], axis=0).T)
    return bool(np.diff(drive.at[first : last + 1]).max() <= WHOLE_S and moves.max() <= WHOLE_M)


def detour(drive: Drive, off_m: float, long_m: float, luck: random.Random) -> Detour | None:
    """A detour ``off_m`` beside the chord of a stretch, at least ``long_m`` of it that far from the route.

    None when this try found no place where it would be one.
    """
    along = drive.along
    begin = luck.uniform(along[0] + 300, max(along[0] + 301, along[-1] - long_m - 300))
    first, last = int(np.searchsorted(along, begin)), int(np.searchsorted(along, begin + long_m))
    if last >= len(along) - 5 or last - first < 5 or not whole(drive, first, last):
        return None
    a, b = (np.array(drive.route.interpolate(along[i]).coords[0]) for i in (first, last))
    chord = b - a
    if (size := float(np.hypot(*chord))) < 1:
        return None
    aside = np.array([-chord[1], chord[0]]) / size * off_m * luck.choice((1, -1))
    way = LineString([a, a + aside, b + aside, b])
    if _far_off(way, drive.route, min(off_m, 150.0)) < min(long_m, 400.0) or _off(way, drive.route) < off_m:
        return None
    if _doubtful(way, drive.route):
        return None
    return _driven(drive, way, first, last, off_m, long_m)


def _doubtful(way: LineString, route: LineString) -> bool:
    """Does it linger where nobody can say whether it is on the route, or already or still off it?"""
    off = shapely.distance(route, shapely.line_interpolate_point(way, np.arange(0.0, way.length, 5.0)))
    return 5.0 * int(((off > BREADTH_M) & (off < 55.0)).sum()) > 100.0


def _off(way: LineString, route: LineString) -> float:
    points = shapely.line_interpolate_point(way, np.linspace(0, 1, 101), normalized=True)
    return float(shapely.distance(route, points).max())


def _far_off(way: LineString, route: LineString, far_m: float) -> float:
    """Metres of the way that lie at least so far from every part of the route."""
    places = np.arange(0.0, way.length, 5.0)
    points = shapely.line_interpolate_point(way, places)
    return 5.0 * int((shapely.distance(route, points) >= far_m - 0.5).sum())


def _driven(drive: Drive, way: LineString, first: int, last: int, off_m: float, long_m: float) -> Detour:
    """The drive over the detour at the speed of the stretch it replaces, noise and all."""
    stretch = drive.along[last] - drive.along[first]
    speed = float(np.clip(stretch / (drive.at[last] - drive.at[first]), 4.0, 20.0))
    takes = max(2, round(way.length / speed))
    seconds = np.arange(1, takes)
    points = shapely.get_coordinates(shapely.line_interpolate_point(way, seconds * way.length / takes))
    true = shapely.get_coordinates(shapely.line_interpolate_point(drive.route, drive.along))
    noise = (drive.xy - true)[first : last + 1]
    noise = noise[np.arange(len(points)) % len(noise)] * (np.hypot(*noise.T).max() < 60)
    later = drive.at[first] + takes - drive.at[last]
    at = np.concatenate((drive.at[: first + 1], drive.at[first] + seconds, drive.at[last:] + later))
    xy = np.vstack((drive.xy[: first + 1], points + noise, drive.xy[last:]))
    made = replace(drive, at=at, xy=xy)
    left, back = (_turn(way, drive.route, float(drive.at[first]), takes, home) for home in (False, True))
    return Detour(made, off_m, long_m, left, back, speed)


def _turn(
    way: LineString, route: LineString, begins: float, takes: float, home: bool
) -> tuple[float, float, float]:
    """Seconds, x, y where the way last left the route's own breadth before it was 150 m off.

    ``home``: where it first came back into it after it was last that far off.
    """
    places = np.arange(0.0, way.length + 1, 1.0)
    off = shapely.distance(route, shapely.line_interpolate_point(way, places))
    far = np.flatnonzero(off >= 149.0)
    near = np.flatnonzero(off <= BREADTH_M)
    i = int(near[near > far[-1]][0]) if home else int(near[near < far[0]][-1])
    place = way.interpolate(places[i])
    return begins + takes * places[i] / way.length, float(place.x), float(place.y)


def zones(drive: Drive, radius_m: float, count: int, luck: random.Random) -> list[Zone]:
    """``count`` zones on the driven route and as many whose edge lies 20–120 m beside all of it."""
    along = drive.along
    driven = _substring(drive)
    found: list[Zone] = []
    for n in range(count):
        i = luck.randrange(len(along))
        if radius_m + 200 < along[i] - along[0] and radius_m + 200 < along[-1] - along[i] and _seen(drive, i):
            centre = drive.route.interpolate(along[i])
            found.append(Zone(f"on{n}", centre.buffer(radius_m, quad_segs=16), True))
        for _ in range(10):
            s, d = luck.uniform(along[0], along[-1]), luck.uniform(20, 120) + radius_m
            angle = luck.uniform(0, 2 * math.pi)
            foot = drive.route.interpolate(s)
            centre = Point(foot.x + d * math.cos(angle), foot.y + d * math.sin(angle))
            edge = min(driven.distance(centre), drive.route.distance(centre)) - radius_m
            if 20 <= edge <= 120:
                found.append(Zone(f"off{n}", centre.buffer(radius_m, quad_segs=16), False))
                break
    return found


def _substring(drive: Drive) -> LineString:
    from shapely.ops import substring

    along = drive.along
    part = substring(drive.route, along[0], along[-1])
    return part if isinstance(part, LineString) else drive.route


def _seen(drive: Drive, i: int) -> bool:
    """Was the terminal heard around this fix? What lies in a gap of the track itself proves nothing."""
    return whole(drive, max(0, i - 20), min(len(drive.at) - 1, i + 20))
