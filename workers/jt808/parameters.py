"""Parameters of the terminal: set 0x8103, ask 0x8104 and 0x8106, answer 0x0104."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workers.jt808.header import Version
from workers.jt808.limits import unsigned
from workers.jt808.reader import Reader

#: Value of a parameter: a number, a text, or the bytes of one this table does not know.
Setting = int | str | bytes

_TEXTS = (*range(0x10, 0x18), 0x1A, 0x1D, *range(0x23, 0x27), *range(0x40, 0x45), 0x48, 0x49, 0x83)
_BYTES = (0x84, 0x90, 0x91, 0x92, 0x94)
_WORDS = (0x31, *range(0x5B, 0x5F), 0x81, 0x82, 0x101, 0x103)
_DWORDS = (
    *range(0x01, 0x08), 0x18, 0x19, 0x1B, 0x1C, *range(0x20, 0x23), *range(0x27, 0x2A),
    *range(0x2C, 0x31), *range(0x45, 0x48), *range(0x50, 0x5B), 0x64, 0x65, *range(0x70, 0x75), 0x80,
    0x93, 0x95, 0x100, 0x102,
)  # fmt: skip

#: Parameter id → bytes of its number (JT/T 808-2019 table 12, 2013 table 12).
WIDTHS: Mapping[int, int] = {
    **dict.fromkeys(_DWORDS, 4), **dict.fromkeys(_WORDS, 2), **dict.fromkeys(_BYTES, 1)
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SetParameters:
    """0x8103. By parameter id."""

    settings: Mapping[int, Setting]


@dataclass(frozen=True, slots=True)
class AskParameters:
    """0x8104, or 0x8106 for the ``numbers`` named."""

    numbers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ParametersAnswer:
    """0x0104: the answer to the query with serial ``answered``."""

    answered: int
    settings: Mapping[int, Setting]


def encode_settings(settings: Mapping[int, Setting], version: Version) -> bytes:
    """0x8103. Raises ValueError for a value that does not fit its parameter."""
    count = unsigned(len(settings), 1, "number of parameters")
    head = count + (count if version is Version.V2011 else b"")
    return head + b"".join(_encode_item(number, value) for number, value in settings.items())


def encode_answer(answer: ParametersAnswer) -> bytes:
    items = b"".join(_encode_item(number, value) for number, value in answer.settings.items())
    return answer.answered.to_bytes(2, "big") + bytes([len(answer.settings)]) + items


def encode_query(numbers: Sequence[int]) -> bytes:
    """0x8106 (0x8104 has no body)."""
    ids = (unsigned(n, 4, "parameter id") for n in numbers)
    return unsigned(len(numbers), 1, "number of parameters") + b"".join(ids)


def read_settings(reader: Reader, version: Version) -> SetParameters:
    count = reader.number(1, "number of parameters")
    if version is Version.V2011:
        count = reader.number(1, "number of parameters")
    return SetParameters(_read_items(reader, count))


def read_answer(reader: Reader) -> ParametersAnswer:
    answered, count = reader.number(2, "answered serial"), reader.number(1, "number of parameters")
    return ParametersAnswer(answered, _read_items(reader, count))


def read_query(reader: Reader) -> AskParameters:
    count = reader.number(1, "number of parameters")
    return AskParameters(tuple(reader.number(4, "parameter id") for _ in range(count)))


def _encode_item(number: int, value: Setting) -> bytes:
    data = _encode_value(number, value)
    return unsigned(number, 4, "parameter id") + unsigned(len(data), 1, "length of parameter") + data


def _encode_value(number: int, value: Setting) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("gbk", "replace")
    if (width := WIDTHS.get(number)) is None:
        raise ValueError(f"parameter 0x{number:04X} is no number")
    return unsigned(value, width, f"parameter 0x{number:04X}")


def _read_items(reader: Reader, count: int) -> dict[int, Setting]:
    found: dict[int, Setting] = {}
    for _ in range(count):
        number = reader.number(4, "parameter id")
        data = reader.take(reader.number(1, "length of parameter"), "parameter")
        found[number] = _read_value(number, data)
    return found


def _read_value(number: int, data: bytes) -> Setting:
    """A text that is not whole GBK, or a number of another length, stays bytes."""
    if number in _TEXTS:
        try:
            read = data.decode("gbk")
        except UnicodeDecodeError:
            return data
        return read if read.encode("gbk") == data else data
    return int.from_bytes(data, "big") if WIDTHS.get(number) == len(data) else data
