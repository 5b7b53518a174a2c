"""Answers, heartbeats and texts: the messages that carry no position."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from workers.jt808.header import Version
from workers.jt808.reader import Reader, bcd_time

#: Width of the count in 0x8003.
_COUNT_BYTES = {Version.V2011: 1, Version.V2013: 1, Version.V2019: 2}

#: As many packages as one byte can count.
MOST_MISSING = 255


class Result(IntEnum):
    """Result byte of 0x0001 and 0x8001."""

    OK = 0
    FAILED = 1
    BAD = 2
    UNSUPPORTED = 3
    ALARM_HANDLED = 4


@dataclass(frozen=True, slots=True)
class GeneralAnswer:
    """0x0001 or 0x8001: what became of message ``answered_id`` with serial ``answered``."""

    answered: int
    answered_id: int
    result: int


@dataclass(frozen=True, slots=True)
class RegistrationAnswer:
    """0x8100. ``result`` 0 ok, 1 vehicle registered, 2 no such vehicle, 3 terminal registered, 4 no such."""

    answered: int
    result: int
    code: str = ""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """0x0002; some terminals append bytes of their own."""


@dataclass(frozen=True, slots=True)
class Deregister:
    """0x0003."""


@dataclass(frozen=True, slots=True)
class TimeQuery:
    """0x0004, since 2019."""


@dataclass(frozen=True, slots=True)
class Missing:
    """0x8003: send packages ``numbers`` (from 1) again; ``first``: serial of the first package."""

    first: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """0x8300: ``flag`` bits by edition; ``kind`` 1 notice, 2 service (2019 only)."""

    text: str
    flag: int = 0b100
    kind: int = 1


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message this codec carries but does not read."""

    body: bytes


def read_general(reader: Reader) -> GeneralAnswer:
    return GeneralAnswer(
        reader.number(2, "answered serial"), reader.number(2, "answered id"), reader.number(1, "result")
    )


def read_registration_answer(reader: Reader) -> RegistrationAnswer:
    answered, result = reader.number(2, "answered serial"), reader.number(1, "result")
    return RegistrationAnswer(answered, result, "" if result else reader.exact_text(reader.left, "code"))


def read_missing(reader: Reader, version: Version) -> Missing:
    first = reader.number(2, "serial of the first package")
    count = reader.number(_COUNT_BYTES[version], "number of items")
    return Missing(first, tuple(reader.number(2, "package number") for _ in range(count)))


def read_text(reader: Reader, version: Version) -> Text:
    flag = reader.number(1, "flag")
    kind = reader.number(1, "type") if version is Version.V2019 else 1
    return Text(reader.text(reader.left, "text"), flag, kind)


def encode_general(answered: int, answered_id: int, result: int) -> bytes:
    return answered.to_bytes(2, "big") + answered_id.to_bytes(2, "big") + bytes([result])


def encode_registration_answer(answered: int, result: int, code: str = "") -> bytes:
    return answered.to_bytes(2, "big") + bytes([result]) + (b"" if result else code.encode("gbk"))


def encode_missing(missing: Missing, version: Version) -> bytes:
    """0x8003; of very many the first ``MOST_MISSING``."""
    numbers = missing.numbers[:MOST_MISSING]
    head = missing.first.to_bytes(2, "big") + len(numbers).to_bytes(_COUNT_BYTES[version], "big")
    return head + b"".join(n.to_bytes(2, "big") for n in numbers)


def encode_time(now: datetime) -> bytes:
    """0x8004: the one time on the wire that is UTC."""
    return bcd_time(now, UTC)


def encode_text(text: Text, version: Version) -> bytes:
    """0x8300. Raises ValueError over 1,024 bytes of GBK."""
    if len(words := text.text.encode("gbk", "replace")) > 1024:
        raise ValueError(f"a text has at most 1024 bytes of GBK, this one {len(words)}")
    return bytes([text.flag, text.kind] if version is Version.V2019 else [text.flag]) + words
