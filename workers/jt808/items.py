"""Additional items of a location report, walked by (id, length).

JT/T 808-2019 table 27 (2013: table 26); 0x14-0x18 from JT/T 1078-2016. A known id with another length
is a vendor's own and stays hexadecimal, as does every unknown id; a truncated end is kept as ``tail``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from parking.rules import evidence

_Reading = Callable[[bytes], Any]


def decode(data: bytes) -> dict[str, Any]:
    """Items by name, in the order sent. Never raises."""
    found: dict[str, Any] = {}
    at = 0
    while at < len(data):
        end = at + 2 + data[at + 1] if at + 1 < len(data) else len(data) + 1
        if end > len(data):
            found["tail"] = data[at:].hex()
            break
        name, value = _item(data[at], data[at + 2 : end])
        found[_free(name, found)] = value
        at = end
    return found


def encode(items: dict[int, bytes]) -> bytes:
    """Items by id."""
    return b"".join(bytes([number, len(value)]) + value for number, value in items.items())


def mileage(km: float) -> dict[int, bytes]:
    """Item 0x01, resolution 0.1 km."""
    return {0x01: round(km * 10).to_bytes(4, "big")}


def _item(number: int, value: bytes) -> tuple[str, Any]:
    if (known := _KNOWN.get((number, len(value)))) is None:
        return f"0x{number:02X}", value.hex()
    return known[0], known[1](value)


def _free(name: str, taken: dict[str, Any]) -> str:
    """A repeated item keeps its place under another name: name#2, name#3 …"""
    if name not in taken:
        return name
    n = 2
    while f"{name}#{n}" in taken:
        n += 1
    return f"{name}#{n}"


def _whole(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _tenths(value: bytes) -> float:
    return _whole(value) / 10


def _celsius(value: bytes) -> int:
    """Sign and magnitude: the top bit says minus."""
    word = _whole(value)
    return -(word & 0x7FFF) if word & 0x8000 else word


def _analogue(value: bytes) -> list[int]:
    """Bits 0-15 are AD0, 16-31 AD1."""
    return [_whole(value[2:]), _whole(value[:2])]


_KNOWN: dict[tuple[int, int], tuple[str, _Reading]] = {
    (0x01, 4): ("mileage_km", _tenths),
    (0x02, 2): ("fuel_l", _tenths),
    (0x03, 2): ("recorder_speed_kmh", _tenths),
    (0x04, 2): ("alarm_event_id", _whole),
    (0x05, 30): ("tyre_pressures", list),
    (0x06, 2): ("cabin_temperature_c", _celsius),
    **evidence.ITEMS,
    (0x14, 4): ("video_alarms", _whole),
    (0x15, 4): ("video_signal_lost", _whole),
    (0x16, 4): ("video_signal_blocked", _whole),
    (0x17, 2): ("storage_fault", _whole),
    (0x18, 2): ("abnormal_driving", _whole),
    (0x18, 3): ("abnormal_driving", lambda v: {"kinds": _whole(v[:2]), "fatigue": v[2]}),
    (0x25, 4): ("signal_bits", _whole),
    (0x2A, 2): ("io_bits", _whole),
    (0x2B, 4): ("analogue", _analogue),
    (0x30, 1): ("signal_strength", _whole),
    (0x31, 1): ("satellites", _whole),
}
