"""Alarms a terminal raises from the areas and routes it holds, read from the alarm word and items 0x11-0x13.

Level bits: an alarm is told once, from the first report that carries it to the first that does not.
"""

from __future__ import annotations

from collections.abc import Mapping
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


def raised(word: int, extras: Mapping[str, Any] | None) -> tuple[Raised, ...]:
    """The alarms of a report by its alarm word and additional items."""
    return tuple(_raised(bit, extras or {}) for bit in BITS if word >> bit & 1)


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
