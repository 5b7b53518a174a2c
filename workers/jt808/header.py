"""Message headers of JT/T 808-2011/-2013 (12 bytes) and -2019 (17 bytes), both + 4 when sub-packaged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from parking.speech import N_
from workers.jt808.bad import BadMessage

VERSION_FLAG = 1 << 14
SUBPACKAGED = 1 << 13
LONGEST_BODY = 1023


class Version(StrEnum):
    """Edition of the standard. 2011 is told from 2013 by the length of 0x0100 alone."""

    V2011 = "2011"
    V2013 = "2013"
    V2019 = "2019"


@dataclass(frozen=True, slots=True)
class Header:
    """``phone``: the digits as carried (12 or 20, padded); ``number`` of ``total`` sub-packages from 1."""

    message_id: int
    phone: str
    serial: int
    version: Version = Version.V2013
    encryption: int = 0
    total: int = 1
    number: int = 1
    subpackaged: bool = False
    edition: int = 1  # protocol version byte, 2019 only

    @property
    def length(self) -> int:
        return (17 if self.version is Version.V2019 else 12) + 4 * self.subpackaged

    def encode(self, body: bytes) -> bytes:
        """Header and body. Raises ValueError for a body over 1,023 bytes or an unusable phone."""
        if len(body) > LONGEST_BODY:
            raise ValueError(f"a body has at most {LONGEST_BODY} bytes, this one {len(body)}")
        late = self.version is Version.V2019
        properties = len(body) | self.encryption << 10 | SUBPACKAGED * self.subpackaged | VERSION_FLAG * late
        return b"".join((
            self.message_id.to_bytes(2, "big"), properties.to_bytes(2, "big"),
            bytes([self.edition]) if late else b"", bytes.fromhex(padded_phone(self.phone, self.version)),
            self.serial.to_bytes(2, "big"),
            self.total.to_bytes(2, "big") + self.number.to_bytes(2, "big") if self.subpackaged else b"",
            body,
        ))  # fmt: skip


def padded_phone(phone: str, version: Version) -> str:
    """The digits of ``phone`` as a header of this version carries them. Raises ValueError."""
    digits = 20 if version is Version.V2019 else 12
    bare = phone.lstrip("0")
    if len(bare) > digits or not (bare or "0").isalnum():
        raise ValueError(f"phone {phone!r}: at most {digits} digits")
    return bare.rjust(digits, "0")


def split(content: bytes) -> tuple[Header, bytes]:
    """Header and body of an un-escaped frame without checksum. Raises BadMessage.

    A frame whose version flag and length contradict each other, but which fits the older layout to
    the byte, is read so: such terminals exist.
    """
    properties = int.from_bytes(content[2:4], "big")
    length = properties & LONGEST_BODY
    more = 4 if properties & SUBPACKAGED else 0
    late = bool(properties & VERSION_FLAG) and len(content) != 12 + more + length
    size = (17 if late else 12) + more
    if len(content) != size + length:
        raise BadMessage(N_("the header announces {said} bytes of body, {found} are there"), 3,
                         said=length, found=max(0, len(content) - size))  # fmt: skip
    return _header(content, properties, late, bool(more)), content[size:]


def _header(content: bytes, properties: int, late: bool, subpackaged: bool) -> Header:
    at = 15 if late else 10
    total = int.from_bytes(content[at + 2 : at + 4], "big") if subpackaged else 1
    number = int.from_bytes(content[at + 4 : at + 6], "big") if subpackaged else 1
    if not 1 <= number <= total:
        raise BadMessage(N_("package {number} of {total} cannot be"), at + 5, number=number, total=total)
    return Header(
        message_id=int.from_bytes(content[:2], "big"),
        phone=content[5 if late else 4 : at].hex(),
        serial=int.from_bytes(content[at : at + 2], "big"),
        version=Version.V2019 if late else Version.V2013,
        encryption=properties >> 10 & 7,
        total=total,
        number=number,
        subpackaged=subpackaged,
        edition=content[4] if late else 0,
    )
