"""Who is speaking: registration 0x0100, authentication 0x0102, attributes 0x0107, driver card 0x0702."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from parking.speech import N_
from workers.jt808.bad import BadMessage
from workers.jt808.header import Version
from workers.jt808.reader import Reader, padded

#: Widths of maker, model and terminal id.
_WIDTHS = {Version.V2011: (5, 8, 7), Version.V2013: (5, 20, 7), Version.V2019: (11, 30, 30)}

#: A 2013 body has at least this many bytes; a shorter one is of 2011.
_SHORTEST_2013 = 37

#: The one 2011 body that is not shorter: no plate (colour 0) but a VIN. Read as 2013 it names another truck.
_VIN_OF_2011 = re.compile(rb".{24}\0[A-HJ-NPR-Z0-9]{17}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Registration:
    """0x0100. Plate colour by JT/T 415-2006 (1 blue, 2 yellow …); 0: no plate, ``plate`` is the VIN."""

    plate: str
    colour: int
    province: int = 0
    city: int = 0
    maker: str = ""
    model: str = ""
    terminal_id: str = ""
    version: Version = Version.V2013


@dataclass(frozen=True, slots=True)
class Authentication:
    """0x0102; IMEI and software version since 2019."""

    code: str
    imei: str = ""
    software: str = ""


@dataclass(frozen=True, slots=True)
class Attributes:
    """0x0107. ``kind`` by bits; bit 1, ``dangerous_goods``: fit for vehicles that carry them."""

    kind: int
    dangerous_goods: bool
    maker: str
    model: str
    terminal_id: str
    iccid: str
    hardware: str
    firmware: str
    gnss: int
    communication: int


@dataclass(frozen=True, slots=True)
class DriverCard:
    """0x0702. ``status`` 1 inserted, 2 withdrawn; ``result`` 0 read, 1-4 why not; None in 2011."""

    status: int | None = None
    time: datetime | None = None
    result: int | None = None
    name: str = ""
    licence: str = ""
    agency: str = ""
    valid_until: date | None = None
    id_number: str = ""


def read_registration(reader: Reader, version: Version) -> Registration:
    if version is Version.V2013 and _is_2011(reader.body):
        version = Version.V2011
    province, city = reader.number(2, "province"), reader.number(2, "city")
    maker, model, terminal_id = (reader.text(n, "maker, model, id") for n in _WIDTHS[version])
    colour = reader.number(1, "plate colour")
    plate = reader.exact_text(reader.left, "plate")
    return Registration(plate, colour, province, city, maker, model, terminal_id, version)


def _is_2011(body: bytes) -> bool:
    return len(body) < _SHORTEST_2013 or _VIN_OF_2011.fullmatch(body) is not None


def encode_registration(registration: Registration) -> bytes:
    """In the layout of ``registration.version``."""
    names = (registration.maker, registration.model, registration.terminal_id)
    return b"".join((
        registration.province.to_bytes(2, "big"), registration.city.to_bytes(2, "big"),
        *map(padded, names, _WIDTHS[registration.version]),
        bytes([registration.colour]), registration.plate.encode("gbk"),
    ))  # fmt: skip


def read_authentication(reader: Reader, version: Version) -> Authentication:
    """2019: length, code, IMEI, software; a body that cannot be that is a bare code, as before 2019."""
    body = reader.body
    if version is not Version.V2019 or not body or body[0] + 1 > len(body):
        return Authentication(reader.exact_text(reader.left, "code"))
    code = reader.exact_text(reader.number(1, "length of code"), "code")
    imei = reader.text(min(15, reader.left), "IMEI")
    return Authentication(code, imei, reader.text(reader.left, "software"))


def encode_authentication(authentication: Authentication, version: Version) -> bytes:
    code = authentication.code.encode("gbk")
    if version is not Version.V2019:
        return code
    return bytes([len(code)]) + code + padded(authentication.imei, 15) + padded(authentication.software, 20)


def read_attributes(reader: Reader, version: Version) -> Attributes:
    _, model, terminal_id = _WIDTHS[version]
    kind = reader.number(2, "type")
    return Attributes(
        kind, bool(kind & 1 << 1), reader.text(5, "maker, model, id"), reader.text(model, "maker, model, id"),
        reader.text(terminal_id, "maker, model, id"), reader.take(10, "ICCID").hex(),
        reader.text(reader.number(1, "length of hardware version"), "hardware version"),
        reader.text(reader.number(1, "length of firmware version"), "firmware version"),
        reader.number(1, "GNSS"), reader.number(1, "communication"),
    )  # fmt: skip


def read_card(reader: Reader, version: Version) -> DriverCard:
    """2013 and 2019 begin with the status 1 or 2, 2011 with the length of a name."""
    if version is not Version.V2019 and reader.body[:1] not in (b"\1", b"\2"):
        return _card_2011(reader)
    status, moment = reader.number(1, "status"), reader.moment("time")
    if status != 1 and not reader.left:
        return DriverCard(status, moment)
    result = reader.number(1, "read result")
    if result or not reader.left:
        return DriverCard(status, moment, result)
    name = reader.text(reader.number(1, "length of name"), "name")
    licence = reader.text(20, "licence")
    agency = reader.text(reader.number(1, "length of agency"), "agency")
    until = _day(reader)
    number = reader.text(20, "identity number") if version is Version.V2019 and reader.left >= 20 else ""
    return DriverCard(status, moment, result, name, licence, agency, until, number)


def _card_2011(reader: Reader) -> DriverCard:
    name = reader.text(reader.number(1, "length of name"), "name")
    number, licence = reader.text(20, "identity number"), reader.text(40, "licence")
    agency = reader.text(reader.number(1, "length of agency"), "agency")
    return DriverCard(name=name, licence=licence, agency=agency, id_number=number)


def _day(reader: Reader) -> date:
    at, digits = reader.offset, reader.take(4, "validity").hex()
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise BadMessage(N_("{field} is no date: {hex}"), at, field="validity", hex=digits) from None
