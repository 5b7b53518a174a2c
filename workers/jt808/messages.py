"""A frame's content ↔ a message: header and the value its body means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from parking.speech import N_
from workers.jt808 import areas, general, identity, location, orders, parameters, routes
from workers.jt808.bad import BadMessage
from workers.jt808.framing import wrap
from workers.jt808.header import LONGEST_BODY, Header, Version, split
from workers.jt808.reader import Reader

Value = (
    general.GeneralAnswer | general.RegistrationAnswer | general.Heartbeat | general.Deregister
    | general.TimeQuery | general.Missing | general.Text | general.Unknown | identity.Registration
    | identity.Authentication | identity.Attributes | identity.DriverCard
    | location.Location | location.LocationReply | location.Batch
    | areas.Areas | areas.Polygon | routes.Route | parameters.SetParameters | parameters.AskParameters
    | parameters.ParametersAnswer | orders.Ask | orders.Control | orders.Track | orders.ConfirmAlarm
    | orders.Delete | orders.AskAreas | orders.AreasAnswer
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Message:
    header: Header
    value: Value


_READ: dict[int, Callable[[Reader, Version], Value]] = {
    0x0001: lambda r, v: general.read_general(r),
    0x0002: lambda r, v: general.Heartbeat(),
    0x0003: lambda r, v: general.Deregister(),
    0x0004: lambda r, v: general.TimeQuery(),
    0x0005: general.read_missing,
    0x0100: identity.read_registration,
    0x0102: identity.read_authentication,
    0x0104: lambda r, v: parameters.read_answer(r),
    0x0107: identity.read_attributes,
    0x0200: lambda r, v: location.read(r),
    0x0201: lambda r, v: location.read_reply(r),
    0x0608: orders.read_areas_answer,
    0x0702: identity.read_card,
    0x0704: lambda r, v: location.read_batch(r),
    0x8001: lambda r, v: general.read_general(r),
    0x8003: general.read_missing,
    0x8100: lambda r, v: general.read_registration_answer(r),
    0x8103: parameters.read_settings,
    0x8104: lambda r, v: parameters.AskParameters(),
    0x8105: lambda r, v: orders.read_control(r),
    0x8106: lambda r, v: parameters.read_query(r),
    0x8107: lambda r, v: orders.Ask(),
    0x8201: lambda r, v: orders.Ask(),
    0x8202: lambda r, v: orders.read_track(r),
    0x8203: lambda r, v: orders.read_confirm(r),
    0x8204: lambda r, v: orders.Ask(),
    0x8300: general.read_text,
    0x8600: areas.read_circles,
    0x8602: areas.read_rectangles,
    0x8604: areas.read_polygon,
    0x8606: routes.read_route,
    **dict.fromkeys((0x8601, 0x8603, 0x8605, 0x8607), lambda r, v: orders.read_delete(r)),
    0x8608: lambda r, v: orders.read_areas_query(r),
}


def read_body(header: Header, body: bytes) -> Value:
    """What a whole (re-assembled) body means. Raises BadMessage."""
    if header.encryption:
        raise BadMessage(N_("the body is encrypted (method {method}) and cannot be read"), 3,
                         method=header.encryption)  # fmt: skip
    if (read := _READ.get(header.message_id)) is None:
        return general.Unknown(body)
    return read(Reader(body, 1 + header.length), header.version)


def decode(content: bytes) -> Message:
    """The message of one frame's content. Raises BadMessage; a sub-package stays Unknown until joined."""
    header, body = split(content)
    return Message(header, general.Unknown(body) if header.subpackaged else read_body(header, body))


def frames(message_id: int, phone: str, serial: int, body: bytes, version: Version) -> tuple[bytes, ...]:
    """The frame that carries ``body``, or its sub-packages with consecutive serials."""
    if len(body) <= LONGEST_BODY:
        return (wrap(Header(message_id, phone, serial, version).encode(body)),)
    parts = [body[n : n + LONGEST_BODY] for n in range(0, len(body), LONGEST_BODY)]
    headers = (
        Header(message_id, phone, (serial + n) % 65536, version, 0, len(parts), n + 1, True)
        for n in range(len(parts))
    )
    return tuple(wrap(header.encode(part)) for header, part in zip(headers, parts, strict=True))
