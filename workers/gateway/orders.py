"""Commands of the park as messages of JT/T 808: (message id, body) by kind, payload and edition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from parking.vocabulary import CommandKind
from workers.jt808 import areas, general, limits, orders, parameters, routes
from workers.jt808.header import Version

#: Whom an area or route tells of what → attribute bit.
_TELLS = {
    "driver_in": limits.TO_DRIVER_IN,
    "platform_in": limits.TO_PLATFORM_IN,
    "driver_out": limits.TO_DRIVER_OUT,
    "platform_out": limits.TO_PLATFORM_OUT,
}

#: Flags of 0x8300: shown, spoken; urgent, and notice since 2019.
_SHOW, _SPEAK, _URGENT, _URGENT_2019, _NOTICE_2019 = 0b100, 0b1000, 0b1, 0b10, 0b11

Message = tuple[int, bytes]
_Payload = Mapping[str, Any]


class NotInEdition(ValueError):
    """The terminal's edition of the protocol has no such message."""


def encode(kind: CommandKind, payload: _Payload, version: Version) -> Message:
    """Raises NotInEdition, or ValueError for what does not fit the message."""
    return _ENCODERS[kind](payload, version)


def _text(payload: _Payload, version: Version) -> Message:
    flag = _SHOW | _SPEAK * bool(payload["speak"])
    if version is Version.V2019:
        flag |= _URGENT_2019 if payload["urgent"] else _NOTICE_2019
    else:
        flag |= _URGENT * bool(payload["urgent"])
    return 0x8300, general.encode_text(general.Text(payload["text"], flag), version)


def _parameters(payload: _Payload, version: Version) -> Message:
    settings: dict[int, parameters.Setting] = {int(n): v for n, v in payload["parameters"].items()}
    return 0x8103, parameters.encode_settings(settings, version)


def _track(payload: _Payload, _: Version) -> Message:
    return 0x8202, orders.encode_track(orders.Track(payload["interval_s"], payload["valid_s"]))


def _confirm(payload: _Payload, version: Version) -> Message:
    if version is Version.V2011:
        raise NotInEdition("0x8203")
    return 0x8203, orders.encode_confirm(orders.ConfirmAlarm(payload["serial"], payload["bits"]))


def _attributes(_: _Payload, version: Version) -> Message:
    if version is Version.V2011:
        raise NotInEdition("0x8107")
    return 0x8107, b""


def _area(payload: _Payload, version: Version) -> Message:
    speed = limits.Limits(max_kmh=payload["max_kmh"], seconds=payload["seconds"])
    vertices = tuple((lat, lon) for lat, lon in payload["vertices"])
    made = areas.Polygon(payload["number"], _bits(payload), speed, payload["name"], vertices=vertices)
    return orders.Kind.POLYGON.set_id, areas.encode_polygon(made, version)


def _route(payload: _Payload, version: Version) -> Message:
    turns = tuple(
        routes.Turn(n, payload["first_segment"] + n, (lat, lon), width)
        for n, (lat, lon, width) in enumerate(payload["turns"], 1)
    )
    made = routes.Route(payload["number"], _bits(payload), turns, name=payload["name"])
    return orders.Kind.ROUTE.set_id, routes.encode_route(made, version)


def _ask_areas(payload: _Payload, version: Version) -> Message:
    if version is not Version.V2019:
        raise NotInEdition("0x8608")
    return 0x8608, orders.encode_areas_query(orders.AskAreas(payload["type"]))


def _bits(payload: _Payload) -> int:
    return sum(_TELLS[word] for word in payload["tell"])


_ENCODERS: Mapping[CommandKind, Callable[[_Payload, Version], Message]] = {
    CommandKind.SEND_TEXT: _text,
    CommandKind.LOCATE_NOW: lambda p, v: (0x8201, b""),
    CommandKind.TRACK_FOR_A_WHILE: _track,
    CommandKind.SET_PARAMETERS: _parameters,
    CommandKind.ASK_PARAMETERS: lambda p, v: (0x8104, b""),
    CommandKind.ASK_ATTRIBUTES: _attributes,
    CommandKind.CONFIRM_ALARM: _confirm,
    CommandKind.RESTART_TERMINAL: lambda p, v: (0x8105, orders.encode_control(orders.Control(4))),
    CommandKind.SET_AREA: _area,
    CommandKind.SET_ROUTE: _route,
    CommandKind.DELETE_AREAS: lambda p, v: (
        orders.Kind.POLYGON.delete_id, orders.encode_delete(p["numbers"]),
    ),
    CommandKind.DELETE_ROUTES: lambda p, v: (
        orders.Kind.ROUTE.delete_id, orders.encode_delete(p["numbers"]),
    ),
    CommandKind.ASK_AREAS: _ask_areas,
}  # fmt: skip
