"""How the monitor's state of a vehicle is kept: what changes with every fix apart from what seldom does.

A moving vehicle begins a new stand with every fix, an episode that goes on was last seen at the last fix.
Written out, such a state is another text each time. Here every number that is the last fix's own (its
instant, its degrees, its metres) is spelled by name, so that the text of a vehicle that just drives on
stays the same and only a few plain columns change. What is read back is equal to what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from parking.rules.state import SCHEMA, State


class Name(Enum):
    """A number of the last fix, in a text; in JSON ``=at``. Words of a state that look so are set apart."""

    AT = "=at"
    LON = "=lon"
    LAT = "=lat"
    X = "=x"
    Y = "=y"


SPELLED = "spelled"
_AT, _LON, _LAT, _X, _Y = Name


class Last(NamedTuple):
    """The last believed fix, and the metres of the place where the vehicle stands or passes."""

    at: float
    lon: float
    lat: float
    speed_kmh: float | None
    alarm: int
    status: int
    odometer_km: float | None = None
    x: float = 0.0
    y: float = 0.0

    def seen(self) -> dict[str, Any]:
        """As the state's JSON form has it."""
        return dict(zip(_SEEN, self, strict=False))


_SEEN = ("at", "lon", "lat", "speed_kmh", "alarm", "status", "odometer_km")

Text = tuple[Any, ...]
"""The seldom changing part of a state, hashable: two states with equal texts need no new row of JSON."""


def last_of(state: State) -> Last | None:
    seen = state.last
    if seen is None:
        return None
    stand = state.stand
    x, y = (stand.x, stand.y) if stand is not None else (0.0, 0.0)
    return Last(seen.at, seen.lon, seen.lat, seen.speed_kmh, seen.alarm, seen.status, seen.odometer_km, x, y)


def text_of(state: State, last: Last | None) -> Text:
    """What is left of ``state`` when the numbers of ``last`` are taken out of it."""
    if last is None:
        names: dict[float, Name] = {}
    else:
        at, lon, lat, _, _, _, _, x, y = last
        names = {y: _Y, x: _X, lat: _LAT, lon: _LON, at: _AT}
    return tuple([None if part is None else _part(part, names) for part in _PARTS(state)])


def spell(text: Text) -> dict[str, Any]:
    """The JSON form of a text."""
    plain = {name: _plain(part) for name, part in zip(_NAMES, text, strict=True)}
    return {"schema": SCHEMA, SPELLED: True, **plain}


def spelled(data: Mapping[str, Any]) -> dict[str, Any]:
    """A state's JSON form without the last fix, which stands beside it; every number as it is."""
    return {key: value for key, value in data.items() if key != "last"}


def unpacked(kept: Mapping[str, Any], last: Last | None) -> dict[str, Any]:
    """A state's JSON form from what was kept of it and the last fix."""
    if not kept:
        return {}
    values = _values_of(last) if last else {}
    read = _filled(kept, values) if kept.get(SPELLED) else dict(kept)
    read.pop(SPELLED, None)
    if last is not None:
        read["last"] = last.seen()
    else:
        read.setdefault("last", None)
    return read


def _values_of(last: Last) -> dict[str, float]:
    numbers = (last.at, last.lon, last.lat, last.x, last.y)
    return {name.value: number for name, number in zip(Name, numbers, strict=True)}


_NAMES = tuple(f.name for f in fields(State) if f.name != "last")
_NONE_RAISED = (Mapping,)
_PARTS = attrgetter(*_NAMES)


def _part(part: Any, names: Mapping[float, Name]) -> Any:
    kind: type = type(part)
    if kind is float:
        return names.get(part, part)
    if kind is tuple:
        return part if all(map(_still, part)) else tuple([_part(p, names) for p in part])
    if isinstance(part, dict):
        return (Mapping, *sorted(part.items())) if part else _NONE_RAISED
    named = names.get
    return (kind, *[named(v, v) if type(v) is float else v for v in _values(kind)(part)])


def _still(part: Any) -> bool:
    """A value of its own that no fix's number stands in, as far as this can be told cheaply: kept whole."""
    return getattr(part, "pending", False) is False


@cache
def _values(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    names = [f.name for f in fields(kind)]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda part: tuple(getattr(part, name) for name in names)


def _plain(part: Any) -> Any:
    if is_dataclass(part) and not isinstance(part, type):
        return {f.name: _plain(getattr(part, f.name)) for f in fields(part)}
    if isinstance(part, Name):
        return part.value
    if isinstance(part, str):
        return {"=": part} if part.startswith("=") else part
    if not isinstance(part, tuple) or not part:
        return list(part) if isinstance(part, tuple) else part
    head, *rest = part
    if head is Mapping:
        return {key: _plain(value) for key, value in rest}
    if isinstance(head, type):
        return {f.name: _plain(v) for f, v in zip(fields(head), rest, strict=True)}
    return [_plain(p) for p in part]


def _filled(value: Any, values: Mapping[str, float]) -> Any:
    if type(value) is str:
        return values.get(value, value) if value.startswith("=") else value
    if type(value) is dict:
        if value.keys() == {"="}:
            return value["="]
        return {k: _filled(v, values) for k, v in value.items()}
    if type(value) is list:
        return [_filled(v, values) for v in value]
    return value
