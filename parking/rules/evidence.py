"""Alarms a terminal raises from the areas and routes it holds, read from the alarm word and items 0x11-0x13.

Level bits: an alarm is told once, from the first report that carries it to the first that does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from parking.vocabulary import TerminalAlarm, ViolationKind

#: Bit of the alarm word (JT/T 808 table 24) → alarm, and the item that says more.
BITS: Mapping[int, tuple[TerminalAlarm, str]] = {
    1: (TerminalAlarm.OVERSPEED, "overspeed_area"),
    20: (TerminalAlarm.AREA, "area_crossing"),
    21: (TerminalAlarm.ROUTE, "area_crossing"),
    22: (TerminalAlarm.SEGMENT, "segment_time"),
    23: (TerminalAlarm.DEVIATION, ""),
}

MASK = sum(1 << bit for bit in BITS)

#: Alarms that stay until the platform confirms them.
CONFIRMED = 1 << 20 | 1 << 21 | 1 << 22

#: Which violations of ours an alarm of the terminal speaks of.
SPEAKS_OF: Mapping[TerminalAlarm, frozenset[ViolationKind]] = {
    TerminalAlarm.OVERSPEED: frozenset({ViolationKind.SPEEDING}),
    TerminalAlarm.AREA: frozenset(
        {
            ViolationKind.BOUNDARY_CROSSING, ViolationKind.WRONG_GATE, ViolationKind.RING_UNBOOKED,
            ViolationKind.RING_OFF_ROUTE,
        }
    ),
    TerminalAlarm.ROUTE: frozenset({ViolationKind.ROUTE_DEVIATION, ViolationKind.RING_OFF_ROUTE}),
    TerminalAlarm.SEGMENT: frozenset(),
    TerminalAlarm.DEVIATION: frozenset({ViolationKind.ROUTE_DEVIATION, ViolationKind.RING_OFF_ROUTE}),
}  # fmt: skip

#: Shapes of the items: 1 circle, 2 rectangle, 3 polygon, 4 route.
POLYGON_SHAPE, ROUTE_SHAPE = 3, 4


@dataclass(frozen=True, slots=True)
class Raised:
    """One alarm of one report. Two reports of the same alarm, shape, number and direction are one alarm."""

    bit: int
    alarm: TerminalAlarm
    shape: int | None = None
    number: int | None = None
    direction: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)


def raised(word: int, extras: Mapping[str, Any] | None, items: bytes | None = None) -> tuple[Raised, ...]:
    """The alarms of a report by its alarm word and additional items, read (``extras``) or as they came."""
    if not word & MASK:
        return ()
    said = dict(extras or {}) | read_items(items or b"")
    return tuple(_raised(bit, said) for bit in BITS if word >> bit & 1)


def read_items(items: bytes) -> dict[str, Any]:
    """Items 0x11, 0x12 and 0x13 of undecoded additional items (id, length, value); never raises."""
    found: dict[str, Any] = {}
    at = 0
    while at + 2 <= len(items) and at + 2 + items[at + 1] <= len(items):
        number, value = items[at], items[at + 2 : at + 2 + items[at + 1]]
        if (known := ITEMS.get((number, len(value)))) is not None:
            name, read = known
            free = next(n for n in (name, *(f"{name}#{k}" for k in range(2, 200))) if n not in found)
            found[free] = read(value)
        at += 2 + items[at + 1]
    return found


def _number(value: bytes) -> int:
    return int.from_bytes(value, "big")


def _area(value: bytes) -> dict[str, Any]:
    return {"kind": value[0], "id": _number(value[1:5])} if len(value) > 1 else {"kind": value[0]}


def _crossing(value: bytes) -> dict[str, Any]:
    return {**_area(value), "direction": {0: "in", 1: "out"}.get(value[5], value[5])}


def _segment(value: bytes) -> dict[str, Any]:
    result = {0: "too_short", 1: "too_long"}.get(value[6], value[6])
    return {"id": _number(value[:4]), "seconds": _number(value[4:6]), "result": result}


#: Items of a report that tell of areas and routes held by the terminal, by id and length: name, reading.
ITEMS: Mapping[tuple[int, int], tuple[str, Callable[[bytes], dict[str, Any]]]] = {
    (0x11, 1): ("overspeed_area", _area),
    (0x11, 5): ("overspeed_area", _area),
    (0x12, 6): ("area_crossing", _crossing),
    (0x13, 7): ("segment_time", _segment),
}


def _raised(bit: int, extras: Mapping[str, Any]) -> Raised:
    alarm, name = BITS[bit]
    item = next((i for i in _items(extras, name) if _about(bit, i)), {})
    shape, number = item.get("kind"), item.get("id")
    direction = item.get("direction", item.get("result"))
    return Raised(
        bit, alarm, shape if shape else None, number, None if direction is None else str(direction), item
    )


def _items(extras: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """An item sent more than once stands as name, name#2 …"""
    found = [extras[k] for k in extras if name and (k == name or k.startswith(f"{name}#"))]
    return [item for item in found if isinstance(item, Mapping)]


def _about(bit: int, item: Mapping[str, Any]) -> bool:
    """Item 0x12 serves areas and routes."""
    if bit == 20:
        return item.get("kind") != ROUTE_SHAPE
    return bit != 21 or item.get("kind") == ROUTE_SHAPE
