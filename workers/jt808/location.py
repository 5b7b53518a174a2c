"""Location reports: 0x0200, 0x0201 and the batch 0x0704."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from geo.fix import Fix
from parking.speech import N_
from workers.jt808 import items
from workers.jt808.bad import BadMessage
from workers.jt808.reader import BEIJING, Reader, bcd_time, beijing

#: Stands for a time that is none (zeros, digits beyond BCD); nobody believes it, alarms are obeyed.
UNSET = datetime(2000, 1, 1, tzinfo=BEIJING).astimezone(UTC)

LOCATED, SOUTH, WEST = 1 << 1, 1 << 2, 1 << 3

_FIXED = struct.Struct(">IIIIHHH")


@dataclass(frozen=True, slots=True)
class Location:
    """A report as sent: degrees, metres, km/h, degrees from north; nothing is judged here."""

    time: datetime
    lat: float
    lon: float
    speed_kmh: float = 0.0
    heading: int = 0
    altitude_m: int = 0
    alarm: int = 0
    status: int = LOCATED
    extras: Mapping[str, Any] = field(default_factory=dict)
    items: bytes = b""  # the additional items as they came

    @property
    def located(self) -> bool:
        return bool(self.status & LOCATED)

    def fix(self, backfill: bool = False) -> Fix:
        """The report as everything above the wire knows it. A heading over 360 means nothing: None."""
        return Fix(
            time=self.time, lon=self.lon, lat=self.lat, speed_kmh=self.speed_kmh,
            heading=self.heading % 360 if self.heading <= 360 else None, altitude_m=self.altitude_m,
            located=self.located, alarm=self.alarm, status=self.status, backfill=backfill,
            odometer_km=self.extras.get("mileage_km"),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LocationReply:
    """0x0201: the answer to a query (``serial``) with a location."""

    serial: int
    location: Location


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item of a batch that is no location report; the others are not its fault."""

    item: int
    error: BadMessage


@dataclass(frozen=True, slots=True)
class Batch:
    """0x0704. ``locations`` by their index in the message; ``backfill``: kept in a blind area, sent late."""

    locations: Mapping[int, Location]
    backfill: bool
    unreadable: tuple[Unreadable, ...] = ()


def read(reader: Reader) -> Location:
    """The 0x0200 body. Raises BadMessage."""
    alarm, status, lat, lon, altitude, speed, heading = _FIXED.unpack(reader.take(22, "location"))
    moment, unset = _moment(reader)
    more = reader.rest()
    return Location(
        moment, (-lat if status & SOUTH else lat) / 1e6, (-lon if status & WEST else lon) / 1e6,
        speed / 10, heading, altitude, alarm, status, unset | items.decode(more), more,
    )  # fmt: skip


def _moment(reader: Reader) -> tuple[datetime, dict[str, str]]:
    """The report's time. A clock that is not set is no reason to lose an alarm: UNSET, and what it said."""
    data = reader.take(6, "time")
    try:
        return beijing(data), {}
    except ValueError:
        return UNSET, {"time_unset": data.hex()}


def read_reply(reader: Reader) -> LocationReply:
    return LocationReply(reader.number(2, "answered serial"), read(reader))


def read_batch(reader: Reader) -> Batch:
    """The 0x0704 body. What cannot be read is set aside: an item, or all from where the lengths go astray.

    Raises BadMessage where not even the first item can be cut out.
    """
    count, kind = reader.number(2, "number of items"), reader.number(1, "type")
    locations: dict[int, Location] = {}
    bad: list[Unreadable] = []
    for n in range(count):
        try:
            item = _item(reader)
        except BadMessage as error:
            return _astray(locations, kind, bad, n, error)
        try:
            locations[n] = read(item)
        except BadMessage as error:
            bad.append(Unreadable(n, error))
    if reader.left:
        more = BadMessage(N_("{left} bytes follow the last of {count} items"), reader.offset,
                          left=reader.left, count=count)  # fmt: skip
        return _astray(locations, kind, bad, count, more)
    return Batch(locations, kind == 1, tuple(bad))


def _item(reader: Reader) -> Reader:
    length = reader.number(2, "length of item")
    return Reader(reader.take(length, "item"), reader.offset - length)


def _astray(
    locations: Mapping[int, Location], kind: int, bad: Sequence[Unreadable], item: int, error: BadMessage
) -> Batch:
    """A count or length that lies is no reason to lose the reports, and alarms, read before it."""
    if not locations:
        raise error
    return Batch(locations, kind == 1, (*bad, Unreadable(item, error)))


def encode(location: Location, extra: Mapping[int, bytes] | None = None) -> bytes:
    """The 0x0200 body with additional items ``extra`` by id. Raises ValueError for values that do not fit."""
    status = location.status & ~(SOUTH | WEST) | SOUTH * (location.lat < 0) | WEST * (location.lon < 0)
    try:
        fixed = _FIXED.pack(
            location.alarm, status, round(abs(location.lat) * 1e6), round(abs(location.lon) * 1e6),
            location.altitude_m, round(location.speed_kmh * 10), location.heading,
        )  # fmt: skip
    except struct.error as error:
        raise ValueError(f"location does not fit the message: {error}") from None
    return fixed + bcd_time(location.time) + items.encode(dict(extra or {}))


def encode_batch(bodies: Sequence[bytes], backfill: bool = False) -> bytes:
    """The 0x0704 body from 0x0200 bodies."""
    packed = b"".join(len(body).to_bytes(2, "big") + body for body in bodies)
    return len(bodies).to_bytes(2, "big") + bytes([backfill]) + packed
