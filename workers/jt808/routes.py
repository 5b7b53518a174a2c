"""Routes set in the terminal: 0x8606 (JT/T 808-2019 tables 63-65). Times stand there only with bit 0."""

from __future__ import annotations

from dataclasses import dataclass, field

from workers.jt808.areas import Spot
from workers.jt808.header import Version
from workers.jt808.limits import (
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

#: Bits of a segment's attribute byte.
BY_DURATION, BY_LIMIT, SOUTH, WEST = 1 << 0, 1 << 1, 1 << 2, 1 << 3

WIDEST_M = 255


@dataclass(frozen=True, slots=True)
class Turn:
    """A turning point and the segment from it to the next: ``width_m`` of the whole strip, metres.

    ``longest_s`` and ``shortest_s`` bound the travel time over the segment (None: not judged). The 2011
    edition has no ``point`` and one time instead of two: the longest.
    """

    point: int
    segment: int
    spot: Spot
    width_m: int
    longest_s: int | None = None
    shortest_s: int = 0
    limits: Limits = field(default=Limits())


@dataclass(frozen=True, slots=True)
class Route:
    """``attributes`` without the time bit; ``limits`` holds the times of the whole route."""

    number: int
    attributes: int
    turns: tuple[Turn, ...]
    limits: Limits = field(default=Limits())
    name: str = ""


def encode_route(route: Route, version: Version) -> bytes:
    """Raises ValueError for fewer than two turning points or what does not fit."""
    if len(route.turns) < 2:
        raise ValueError(f"a route has at least 2 turning points, this one {len(route.turns)}")
    attributes = route.attributes & ~BY_TIME | BY_TIME * bool(route.limits.start)
    count = len(route.turns)
    return b"".join((
        unsigned(route.number, 4, "id"), encode_attributes(attributes, version), encode_times(route.limits),
        unsigned(count, 2, "number of turning points"),
        unsigned(count, 1, "number of turning points") if version is Version.V2011 else b"",
        *(_encode_turn(turn, version) for turn in route.turns),
        encode_name(route.name, version),
    ))  # fmt: skip


def read_route(reader: Reader, version: Version) -> Route:
    number, attributes = reader.number(4, "id"), reader.number(2, "attributes")
    start, end = read_times(reader, attributes)
    count = reader.number(2, "number of turning points")
    if version is Version.V2011:
        reader.number(1, "number of turning points")
    turns = tuple(_read_turn(reader, version) for _ in range(count))
    return Route(number, attributes & ~BY_TIME, turns, Limits(start, end), read_name(reader, version))


def _encode_turn(turn: Turn, version: Version) -> bytes:
    lat, lon = turn.spot
    attributes = BY_DURATION * (turn.longest_s is not None) | BY_LIMIT * (turn.limits.max_kmh is not None)
    attributes |= SOUTH * (lat < 0) | WEST * (lon < 0)
    return b"".join((
        unsigned(turn.point, 4, "point id") if version is not Version.V2011 else b"",
        unsigned(turn.segment, 4, "segment id"), millionths(lat), millionths(lon),
        unsigned(turn.width_m, 1, "width"), bytes([attributes]), _encode_duration(turn, version),
        encode_speed(turn.limits), encode_night(turn.limits, version),
    ))  # fmt: skip


def _encode_duration(turn: Turn, version: Version) -> bytes:
    if turn.longest_s is None:
        return b""
    longest = unsigned(turn.longest_s, 2, "longest time")
    return longest if version is Version.V2011 else longest + unsigned(turn.shortest_s, 2, "shortest time")


def _read_turn(reader: Reader, version: Version) -> Turn:
    point = reader.number(4, "point id") if version is not Version.V2011 else 0
    segment = reader.number(4, "segment id")
    lat, lon = reader.number(4, "latitude"), reader.number(4, "longitude")
    width, attributes = reader.number(1, "width"), reader.number(1, "attributes")
    longest, shortest = _read_duration(reader, attributes, version)
    speed = BY_SPEED * bool(attributes & BY_LIMIT)
    max_kmh, seconds = read_speed(reader, speed)
    limits = Limits("", "", max_kmh, seconds, read_night(reader, speed, version))
    spot = signed(lat, attributes & SOUTH), signed(lon, attributes & WEST)
    return Turn(point, segment, spot, width, longest, shortest, limits)


def _read_duration(reader: Reader, attributes: int, version: Version) -> tuple[int | None, int]:
    if not attributes & BY_DURATION:
        return None, 0
    longest = reader.number(2, "longest time")
    return longest, 0 if version is Version.V2011 else reader.number(2, "shortest time")
