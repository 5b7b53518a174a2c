"""Areas set in the terminal: circles 0x8600, rectangles 0x8602, polygons 0x8604.

JT/T 808-2019 tables 56-62 (2013: 56-62); the same kind and id replaces. A polygon has no holes, and its
speed at night stands after the vertices, not where circle and rectangle have it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from workers.jt808.header import Version
from workers.jt808.limits import (
    AREA_SOUTH,
    AREA_WEST,
    BY_SPEED,
    BY_TIME,
    Limits,
    encode_attributes,
    encode_name,
    encode_night,
    encode_speed,
    encode_times,
    millionths,
    read_name,
    read_night,
    read_speed,
    read_times,
    signed,
    unsigned,
)
from workers.jt808.reader import Reader

#: Set byte of 0x8600 and 0x8602.
UPDATE, APPEND, MODIFY = 0, 1, 2

#: Latitude, longitude, degrees.
Spot = tuple[float, float]

_DERIVED = BY_TIME | BY_SPEED | AREA_SOUTH | AREA_WEST


@dataclass(frozen=True, slots=True)
class Area:
    """``attributes`` without the bits that follow from the rest (times, speed, south, west)."""

    number: int
    attributes: int = 0
    limits: Limits = field(default=Limits())
    name: str = ""


@dataclass(frozen=True, slots=True)
class Circle(Area):
    """``centre`` in degrees, ``radius_m`` metres."""

    centre: Spot = (0.0, 0.0)
    radius_m: int = 0


@dataclass(frozen=True, slots=True)
class Rectangle(Area):
    """``left_top`` and ``right_bottom`` in degrees."""

    left_top: Spot = (0.0, 0.0)
    right_bottom: Spot = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Polygon(Area):
    """``vertices`` in degrees, the last not repeated."""

    vertices: tuple[Spot, ...] = ()


@dataclass(frozen=True, slots=True)
class Areas:
    """0x8600 or 0x8602: several areas; ``mode`` update (all others go), append or modify."""

    mode: int
    items: tuple[Circle | Rectangle, ...]


def encode_circles(mode: int, circles: Sequence[Circle], version: Version) -> bytes:
    return _encode_list(mode, circles, version, lambda c: _spot(c.centre) + unsigned(c.radius_m, 4, "radius"))


def encode_rectangles(mode: int, rectangles: Sequence[Rectangle], version: Version) -> bytes:
    return _encode_list(mode, rectangles, version, lambda r: _spot(r.left_top) + _spot(r.right_bottom))


def encode_polygon(polygon: Polygon, version: Version) -> bytes:
    """One polygon. Raises ValueError for fewer than three vertices or what does not fit."""
    if len(polygon.vertices) < 3:
        raise ValueError(f"a polygon has at least 3 vertices, this one {len(polygon.vertices)}")
    limits, count = polygon.limits, len(polygon.vertices)
    return b"".join((
        unsigned(polygon.number, 4, "id"), _attributes(polygon, polygon.vertices, version),
        encode_times(limits), encode_speed(limits), unsigned(count, 2, "number of vertices"),
        unsigned(count, 1, "number of vertices") if version is Version.V2011 else b"",
        *map(_spot, polygon.vertices),
        encode_night(limits, version), encode_name(polygon.name, version),
    ))  # fmt: skip


def read_circles(reader: Reader, version: Version) -> Areas:
    return _read_list(reader, version, _circle)


def read_rectangles(reader: Reader, version: Version) -> Areas:
    return _read_list(reader, version, _rectangle)


def read_polygon(reader: Reader, version: Version) -> Polygon:
    number, attributes = reader.number(4, "id"), reader.number(2, "attributes")
    start, end = read_times(reader, attributes)
    max_kmh, seconds = read_speed(reader, attributes)
    count = reader.number(2, "number of vertices")
    if version is Version.V2011:
        reader.number(1, "number of vertices")
    vertices = tuple(_read_spot(reader, attributes) for _ in range(count))
    night = read_night(reader, attributes, version)
    limits = Limits(start, end, max_kmh, seconds, night)
    return Polygon(number, attributes & ~_DERIVED, limits, read_name(reader, version), vertices=vertices)


def _encode_list(mode: int, items: Sequence[Any], version: Version, shape: Callable[[Any], bytes]) -> bytes:
    count = unsigned(len(items), 1, "number of areas")
    head = unsigned(mode, 1, "mode") + count + (count if version is Version.V2011 else b"")
    return head + b"".join(_encode_item(item, version, shape(item)) for item in items)


def _encode_item(area: Circle | Rectangle, version: Version, shape: bytes) -> bytes:
    spots = [area.centre] if isinstance(area, Circle) else [area.left_top, area.right_bottom]
    limits = area.limits
    return b"".join((
        unsigned(area.number, 4, "id"), _attributes(area, spots, version), shape,
        encode_times(limits), encode_speed(limits), encode_night(limits, version),
        encode_name(area.name, version),
    ))  # fmt: skip


def _attributes(area: Area, spots: Sequence[Spot], version: Version) -> bytes:
    """One bit holds the hemisphere of the whole area. Raises ValueError for one that lies in both."""
    south, west = {lat < 0 for lat, _ in spots if lat}, {lon < 0 for _, lon in spots if lon}
    if len(south) > 1 or len(west) > 1:
        raise ValueError(f"area {area.number} lies across the equator or a zero meridian")
    where = AREA_SOUTH * (True in south) | AREA_WEST * (True in west)
    return encode_attributes(area.attributes & ~_DERIVED | area.limits.bits | where, version)


def _read_list(
    reader: Reader, version: Version, read: Callable[[Reader, Version], Circle | Rectangle]
) -> Areas:
    mode, count = reader.number(1, "mode"), reader.number(1, "number of areas")
    if version is Version.V2011:
        count = reader.number(1, "number of areas")
    return Areas(mode, tuple(read(reader, version) for _ in range(count)))


def _circle(reader: Reader, version: Version) -> Circle:
    number, attributes = reader.number(4, "id"), reader.number(2, "attributes")
    centre, radius = _read_spot(reader, attributes), reader.number(4, "radius")
    limits, name = _tail(reader, attributes, version)
    return Circle(number, attributes & ~_DERIVED, limits, name, centre=centre, radius_m=radius)


def _rectangle(reader: Reader, version: Version) -> Rectangle:
    number, attributes = reader.number(4, "id"), reader.number(2, "attributes")
    corners = _read_spot(reader, attributes), _read_spot(reader, attributes)
    limits, name = _tail(reader, attributes, version)
    return Rectangle(
        number, attributes & ~_DERIVED, limits, name, left_top=corners[0], right_bottom=corners[1]
    )


def _tail(reader: Reader, attributes: int, version: Version) -> tuple[Limits, str]:
    start, end = read_times(reader, attributes)
    max_kmh, seconds = read_speed(reader, attributes)
    night = read_night(reader, attributes, version)
    return Limits(start, end, max_kmh, seconds, night), read_name(reader, version)


def _spot(spot: Spot) -> bytes:
    return millionths(spot[0]) + millionths(spot[1])


def _read_spot(reader: Reader, attributes: int) -> Spot:
    lat, lon = reader.number(4, "latitude"), reader.number(4, "longitude")
    return signed(lat, attributes & AREA_SOUTH), signed(lon, attributes & AREA_WEST)
