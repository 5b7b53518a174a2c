"""Whole numbers in few bytes: differences along a track, zigzag, then what is smaller of byte planes or
Golomb classes with bare bits, each stream through zstd. All arithmetic is modulo 2^64, so any int64
comes back.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from parking.packed.columns import Ints

_U64 = NDArray[np.uint64]
_RAW, _DELTA, _SECOND = range(3)  # the value, its difference, the difference of differences
_CONST, _PLANES, _CLASSES = range(3)
_STORED, _PACKED = range(2)
LEVEL = 9
#: No honest stream of a block is longer; a damaged length must not ask for gigabytes.
LONGEST = 1 << 28


class Damaged(ValueError):
    """Bytes that are no block, or not the one that was written."""


@dataclass(slots=True)
class Writer:
    """Bytes being put together."""

    data: bytearray = field(default_factory=bytearray)

    def number(self, value: int) -> None:
        """A whole number from 0, seven bits a byte."""
        while value > 0x7F:
            self.data.append(value & 0x7F | 0x80)
            value >>= 7
        self.data.append(value)

    def bytes(self, value: bytes) -> None:
        """A stream, through zstd where that is shorter."""
        packed = _zstd()[0].compress(value)
        kind, kept = (_PACKED, packed) if len(packed) < len(value) else (_STORED, value)
        self.number(len(kept) << 1 | kind)
        if kind == _PACKED:
            self.number(len(value))
        self.data += kept

    def ints(self, values: Ints, starts: Ints) -> None:
        """A column; ``starts``: row numbers where another track begins (the first is 0)."""
        if len(values) == 0:
            return
        if (values == values[0]).all():
            self.data.append(_CONST)
            self.number(_zigzag_one(int(values[0])))
            return
        how, rest, firsts = _fewest(values, starts)
        size = _zigzag(rest)
        coded = min(_planes(size), _classes(size), key=lambda pair: len(pair[1].data))
        self.data.append(coded[0] | how << 2)
        if how != _RAW:
            self.ints(firsts, np.zeros(min(1, len(firsts)), np.int64))
        self.data += coded[1].data


@dataclass(slots=True)
class Reader:
    """Bytes being read; Damaged when they end early or say nonsense."""

    data: bytes
    at: int = 0

    def number(self) -> int:
        value = shift = 0
        while True:
            if self.at >= len(self.data) or shift > 70:
                raise Damaged(f"a number is cut off at byte {self.at}")
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def bytes(self) -> bytes:
        said = self.number()
        size, kind = said >> 1, said & 1
        whole = self.number() if kind == _PACKED else size
        if self.at + size > len(self.data) or whole > LONGEST:
            raise Damaged(f"a stream of {size} bytes at byte {self.at} is longer than the block")
        kept = self.data[self.at : self.at + size]
        self.at += size
        if kind == _STORED:
            return kept
        try:
            unpacked: bytes = _zstd()[1].decompress(kept, max_output_size=whole)
        except zstandard.ZstdError as error:
            raise Damaged(f"a stream at byte {self.at - size} cannot be unpacked: {error}") from None
        return unpacked

    def ints(self, count: int, starts: Ints) -> Ints:
        if count == 0:
            return np.zeros(0, np.int64)
        if self.at >= len(self.data):
            raise Damaged(f"a column is missing at byte {self.at}")
        coder, how = self.data[self.at] & 3, self.data[self.at] >> 2
        self.at += 1
        if coder == _CONST:
            value = np.uint64(self.number() & 0xFFFFFFFFFFFFFFFF)
            return np.full(count, _unzigzag(np.array([value], np.uint64))[0], np.int64)
        firsts = self.ints(len(starts), np.zeros(min(1, len(starts)), np.int64)) if how != _RAW else None
        size = self._planes(count) if coder == _PLANES else self._classes(count)
        return _undo(how, _unzigzag(size), starts, firsts)

    def _planes(self, count: int) -> _U64:
        value = np.zeros(count, np.uint64)
        for plane in range(self.number()):
            stream = self.bytes()
            if len(stream) != count:
                raise Damaged(f"a plane has {len(stream)} bytes, expected {count}")
            value |= np.frombuffer(stream, np.uint8).astype(np.uint64) << np.uint64(8 * plane)
        return value

    def _classes(self, count: int) -> _U64:
        stream = self.bytes()
        if len(stream) != count:
            raise Damaged(f"{len(stream)} classes, expected {count}")
        classes = np.frombuffer(stream, np.uint8)
        value = (classes > 0).astype(np.uint64)
        counts = np.bincount(classes, minlength=65)
        if len(counts) > 65:
            raise Damaged(f"a number of {len(counts) - 1} bits")
        ends = np.cumsum(counts)
        order = np.argsort(classes, kind="stable")
        for bits in (np.flatnonzero(counts[2:]) + 2).tolist():
            rows = order[ends[bits] - counts[bits] : ends[bits]]
            value[rows] = self._bare(len(rows), bits - 1) | np.uint64(1) << np.uint64(bits - 1)
        return value

    def _bare(self, count: int, bits: int) -> _U64:
        size = (count * bits + 7) // 8
        if self.at + size > len(self.data):
            raise Damaged(f"bits are cut off at byte {self.at}")
        stream = np.frombuffer(self.data, np.uint8, size, self.at)
        self.at += size
        grid = np.unpackbits(stream, count=count * bits, bitorder="little").reshape(count, bits)
        width = next(w for w in (8, 16, 32, 64) if w >= bits)
        if width > bits:
            padded = np.zeros((count, width), np.uint8)
            padded[:, :bits] = grid
            grid = padded
        packed = np.packbits(grid.ravel(), bitorder="little")
        return packed.view(f"<u{width // 8}").astype(np.uint64)


def _fewest(values: Ints, starts: Ints) -> tuple[int, Ints, Ints]:
    """(how, what is left, first value of each track): the way that leaves the smallest numbers."""
    delta = np.zeros_like(values)
    delta[1:] = values[1:] - values[:-1]
    delta[starts] = 0
    second = np.zeros_like(values)
    second[1:] = delta[1:] - delta[:-1]
    second[starts] = 0
    after = starts + 1
    after = after[(after < len(values)) & ~np.isin(after, starts)]
    second[after] = delta[after]
    ways = ((_RAW, values), (_DELTA, delta), (_SECOND, second))
    how, rest = min(ways, key=lambda way: float(_bits(_zigzag(way[1])).sum()))
    return how, rest, values[starts]


def _undo(how: int, rest: Ints, starts: Ints, firsts: Ints | None) -> Ints:
    if how == _RAW or firsts is None:
        return rest
    delta = _summed(rest, starts) if how == _SECOND else rest
    lengths = np.diff(starts, append=len(rest))
    return _summed(delta, starts) + np.repeat(firsts, lengths)


def _summed(values: Ints, starts: Ints) -> Ints:
    """Running sum within each track; the value at a track's start is 0."""
    total = np.cumsum(values, dtype=np.int64)
    return total - np.repeat(total[starts], np.diff(starts, append=len(values)))


def _planes(size: _U64) -> tuple[int, Writer]:
    out = Writer()
    width = (int(size.max()).bit_length() + 7) // 8
    out.number(width)
    for plane in range(width):
        out.bytes((size >> np.uint64(8 * plane)).astype(np.uint8).tobytes())
    return _PLANES, out


def _classes(size: _U64) -> tuple[int, Writer]:
    out = Writer()
    classes = _bits(size)
    out.bytes(classes.tobytes())
    for bits in range(2, int(classes.max()) + 1):
        chosen = size[classes == bits]
        if len(chosen):
            grid = np.unpackbits(chosen.astype("<u8").view(np.uint8), bitorder="little").reshape(-1, 64)
            out.data += np.packbits(grid[:, : bits - 1], bitorder="little").tobytes()
    return _CLASSES, out


def _bits(size: _U64) -> NDArray[np.uint8]:
    """How many binary digits each number has."""
    count = np.zeros(len(size), np.uint8)
    left = size.copy()
    for step in (32, 16, 8, 4, 2, 1):
        big = left >= np.uint64(1 << step)
        count[big] += np.uint8(step)
        left[big] >>= np.uint64(step)
    return count + (left > 0).astype(np.uint8)


def _zigzag(values: Ints) -> _U64:
    """Small numbers of either sign become small numbers."""
    made: _U64 = ((values << 1) ^ (values >> 63)).view(np.uint64)
    return made


def _unzigzag(size: _U64) -> Ints:
    made: Ints = (size >> np.uint64(1)).view(np.int64) ^ -(size & np.uint64(1)).view(np.int64)
    return made


def _zigzag_one(value: int) -> int:
    return struct.unpack("<Q", struct.pack("<q", _signed(value << 1) ^ (value >> 63)))[0]  # type: ignore[no-any-return]


def _signed(value: int) -> int:
    value &= 0xFFFFFFFFFFFFFFFF
    return value - (1 << 64) if value >> 63 else value


@lru_cache(maxsize=1)
def _zstd() -> tuple[Any, Any]:
    """One packer and unpacker a process, without what the block says itself: no magic, size or checksum."""
    bare = zstandard.ZstdCompressionParameters.from_level(
        LEVEL, format=zstandard.FORMAT_ZSTD1_MAGICLESS, write_content_size=0, write_checksum=0
    )
    return (
        zstandard.ZstdCompressor(compression_params=bare),
        zstandard.ZstdDecompressor(format=zstandard.FORMAT_ZSTD1_MAGICLESS),
    )
