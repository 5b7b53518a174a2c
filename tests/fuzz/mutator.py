"""Damages messages the way wires, dialects and attackers do, keeping them frames more often than not."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from workers.jt808.framing import wrap

#: Bytes that mean something somewhere: delimiters, escapes, ends of ranges, BCD limits.
TELLING = bytes([0, 1, 2, 0x7D, 0x7E, 0x7F, 0x80, 0x99, 0x9A, 0xAA, 0xFE, 0xFF])
#: Message ids worth putting on another message's body.
NUMBERS = (
    0x0001, 0x0002, 0x0005, 0x0100, 0x0102, 0x0104, 0x0107, 0x0200, 0x0201, 0x0608, 0x0702, 0x0704, 0x0A00,
    0x8001, 0x8003, 0x8100, 0x8103, 0x8106, 0x8203, 0x8300, 0x8600, 0x8602, 0x8604, 0x8606, 0x8607, 0x8608,
)  # fmt: skip


def frame(seeds: Sequence[bytes], random: Random) -> bytes:
    """One damaged frame, as bytes on the wire."""
    content = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        content = _DAMAGES[int(random.random() * len(_DAMAGES))](content, seeds, random)
    if random.random() < 0.8:
        _honest(content, random)
    raw = wrap(bytes(content))
    return raw if random.random() < 0.9 else _on_the_wire(raw, random)


def _honest(content: bytearray, random: Random) -> None:
    """Make the header announce the length that is there, so that the body is looked at."""
    if len(content) < 12:
        return
    properties = content[2] << 8 | content[3]
    size = (17 if properties & 1 << 14 else 12) + (4 if properties & 1 << 13 else 0)
    properties = properties & ~0x1FFF | max(0, min(1023, len(content) - size))
    content[2:4] = properties.to_bytes(2, "big")
    if properties & 1 << 13 and len(content) >= size and random.random() < 0.8:
        number = 1 + int(random.random() * 2)  # of two packages, whose serials follow each other
        content[size - 6 : size] = bytes((0, number, 0, 2, 0, number))


def _flip(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    if content:
        content[int(random.random() * len(content))] ^= 1 << int(random.random() * 8)
    return content


def _put(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    if content:
        content[int(random.random() * len(content))] = random.choice(TELLING)
    return content


def _cut(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    return content[: int(random.random() * (len(content) + 1))]


def _drop(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    at, length = int(random.random() * (len(content) + 1)), int(random.random() * 8)
    del content[at : at + length]
    return content


def _insert(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    at = int(random.random() * (len(content) + 1))
    content[at:at] = random.randbytes(int(random.random() * 8))
    return content


def _repeat(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    at, length = int(random.random() * (len(content) + 1)), int(random.random() * 40)
    content[at:at] = content[at : at + length]
    return content[:1044]


def _splice(content: bytearray, seeds: Sequence[bytes], random: Random) -> bytearray:
    other = random.choice(seeds)
    at, begin = int(random.random() * (len(content) + 1)), int(random.random() * (len(other) + 1))
    return content[:at] + other[begin : begin + 1044 - at]


def _rename(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    content[:2] = random.choice(NUMBERS).to_bytes(2, "big")
    return content


def _reedit(content: bytearray, _: Sequence[bytes], random: Random) -> bytearray:
    """Another version flag, encryption or sub-package bit."""
    if len(content) > 2:
        content[2] ^= random.choice((0x40, 0x20, 0x04, 0x60))
    return content


_DAMAGES = (_flip, _put, _put, _cut, _drop, _insert, _repeat, _splice, _rename, _rename, _reedit)


def _on_the_wire(raw: bytes, random: Random) -> bytes:
    """After framing: checksums go wrong, escapes break, delimiters go missing or come twice."""
    wire = bytearray(raw)
    for _ in range(random.choice((1, 2))):
        wire = (_flip, _put, _cut, _drop, _insert)[int(random.random() * 5)](wire, (), random)
    return bytes(wire)
