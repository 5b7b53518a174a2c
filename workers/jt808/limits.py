"""What areas and routes have in common: attributes, times, speed limits, degrees, names (JT/T 808 8.3x)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from workers.jt808.header import Version
from workers.jt808.reader import Reader

BY_TIME, BY_SPEED = 1 << 0, 1 << 1
TO_DRIVER_IN, TO_PLATFORM_IN, TO_DRIVER_OUT, TO_PLATFORM_OUT = 1 << 2, 1 << 3, 1 << 4, 1 << 5
AREA_SOUTH, AREA_WEST = 1 << 6, 1 << 7

#: Bits of the attribute word the 2011 edition knows.
_KNOWN_2011 = 0xFF

#: Degrees on the wire are whole millionths.
MILLIONTH = 1_000_000

_TIME = re.compile(r"\d{12}")


@dataclass(frozen=True, slots=True)
class Limits:
    """When an area or segment counts, and how fast one may drive there.

    ``start`` and ``end`` are twelve digits YYMMDDhhmmss, Beijing time, zeros in the parts that do not matter
    (every day 08:30 is 000000083000); both empty: always. Speeds km/h, ``seconds`` of speeding before the
    alarm; ``night_kmh`` since 2019.
    """

    start: str = ""
    end: str = ""
    max_kmh: int | None = None
    seconds: int = 0
    night_kmh: int | None = None

    @property
    def bits(self) -> int:
        return BY_TIME * bool(self.start) | BY_SPEED * (self.max_kmh is not None)


def read_times(reader: Reader, attributes: int) -> tuple[str, str]:
    if not attributes & BY_TIME:
        return "", ""
    return reader.take(6, "start").hex(), reader.take(6, "end").hex()


def read_speed(reader: Reader, attributes: int) -> tuple[int | None, int]:
    if not attributes & BY_SPEED:
        return None, 0
    return reader.number(2, "maximum speed"), reader.number(1, "duration")


def read_night(reader: Reader, attributes: int, version: Version) -> int | None:
    late = version is Version.V2019 and attributes & BY_SPEED
    return reader.number(2, "maximum speed at night") if late else None


def read_name(reader: Reader, version: Version) -> str:
    if version is not Version.V2019:
        return ""
    return reader.text(reader.number(2, "length of area name"), "area name")


def encode_times(limits: Limits) -> bytes:
    """Twelve bytes, or none. Raises ValueError for one time without the other, or digits beyond BCD."""
    if not limits.start and not limits.end:
        return b""
    if not (_TIME.fullmatch(limits.start) and _TIME.fullmatch(limits.end)):
        raise ValueError(f"times {limits.start!r} to {limits.end!r}: both twelve digits YYMMDDhhmmss")
    return bytes.fromhex(limits.start + limits.end)


def encode_speed(limits: Limits) -> bytes:
    if limits.max_kmh is None:
        return b""
    return unsigned(limits.max_kmh, 2, "maximum speed") + unsigned(limits.seconds, 1, "duration")


def encode_night(limits: Limits, version: Version) -> bytes:
    """By night the same as by day where nothing else is said."""
    if limits.max_kmh is None or version is not Version.V2019:
        return b""
    night = limits.max_kmh if limits.night_kmh is None else limits.night_kmh
    return unsigned(night, 2, "maximum speed at night")


def encode_name(name: str, version: Version) -> bytes:
    if version is not Version.V2019:
        return b""
    words = name.encode("gbk", "replace")
    return unsigned(len(words), 2, "length of area name") + words


def encode_attributes(attributes: int, version: Version) -> bytes:
    kept = attributes & _KNOWN_2011 if version is Version.V2011 else attributes
    return unsigned(kept, 2, "attributes")


def signed(value: int, negative: int) -> float:
    """Degrees from millionths and the bit that says south or west."""
    return (-value if negative else value) / MILLIONTH


def millionths(degrees: float) -> bytes:
    return unsigned(round(abs(degrees) * MILLIONTH), 4, "degrees")


def unsigned(value: int, length: int, field: str) -> bytes:
    """Big-endian. Raises ValueError naming the field that does not fit."""
    try:
        return value.to_bytes(length, "big")
    except OverflowError:
        raise ValueError(f"{field}: {value} does not fit {length} byte(s)") from None
