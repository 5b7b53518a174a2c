"""A frame's content ↔ a message: header and the value its body means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from parking.speech import N_
from workers.jt808 import general, identity, location
from workers.jt808.bad import BadMessage
from workers.jt808.framing import wrap
from workers.jt808.header import LONGEST_BODY, Header, Version, split
from workers.jt808.reader import Reader

Value = (
    general.GeneralAnswer | general.RegistrationAnswer | general.Heartbeat | general.Deregister
    | general.TimeQuery | general.Missing | general.Text | general.Unknown | identity.Registration
    | identity.Authentication | identity.Attributes | identity.DriverCard
    | location.Location | location.LocationReply | location.Batch
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
    0x0100: identity.read_registration,
    0x0102: identity.read_authentication,
    0x0107: identity.read_attributes,
    0x0200: lambda r, v: location.read(r),
    0x0201: lambda r, v: location.read_reply(r),
    0x0702: identity.read_card,
    0x0704: lambda r, v: location.read_batch(r),
    0x8001: lambda r, v: general.read_general(r),
    0x8003: general.read_missing,
    0x8100: lambda r, v: general.read_registration_answer(r),
    0x8300: general.read_text,
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
