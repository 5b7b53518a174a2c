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
#: Bits that eight bytes surely hold, wherever in a byte they begin.
_WINDOW = 57
#: Of a number of so many binary digits: how many of them are kept, all ones in their places, the highest.
_WIDTHS = np.array([max(0, digits - 1) for digits in range(65)])
_MASKS = np.array([(1 << max(0, digits - 1)) - 1 for digits in range(65)], np.uint64)
_HIGHEST = np.array([1 << digits >> 1 for digits in range(65)], np.uint64)


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


@dataclass(frozen=True, slots=True)
class Part:
    """The tracks of a block that are wanted, so that a column is read of them alone.

    ``tracks``, ``rows``: their numbers in the block (slices when all are wanted); ``starts``, ``lengths``:
    where each begins among those rows, and how many rows it has.
    """

    tracks: Any
    rows: Any
    starts: Ints
    lengths: Ints

    @classmethod
    def whole(cls, count: int, starts: Ints) -> Part:
        lengths = np.diff(starts, append=count) if len(starts) > 1 else np.array([count])
        return cls(slice(None), slice(None), starts, lengths)

    @classmethod
    def of(cls, lengths: Ints, tracks: Ints) -> Part:
        """``lengths`` of all tracks; ``tracks``: numbers of those wanted, rising."""
        wanted = lengths[tracks]
        starts = np.cumsum(wanted) - wanted
        shift = (np.cumsum(lengths) - lengths)[tracks] - starts
        return cls(tracks, np.arange(int(wanted.sum())) + np.repeat(shift, wanted), starts, wanted)

    @property
    def all(self) -> bool:
        return isinstance(self.rows, slice)

    def size(self, count: int) -> int:
        """How many of ``count`` rows are wanted."""
        return count if self.all else len(self.rows)


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

    def ints(self, count: int, starts: Ints, part: Part | None = None) -> Ints:
        """A column of ``count`` rows; of ``part`` alone, if given."""
        if count == 0:
            return np.zeros(0, np.int64)
        if self.at >= len(self.data):
            raise Damaged(f"a column is missing at byte {self.at}")
        coder, how = self.data[self.at] & 3, self.data[self.at] >> 2
        self.at += 1
        if coder == _CONST:
            value = np.array([self.number() & 0xFFFFFFFFFFFFFFFF], np.uint64)
            return np.repeat(_unzigzag(value), part.size(count) if part else count)
        part = part or Part.whole(count, starts)
        firsts = self.ints(len(starts), np.zeros(min(1, len(starts)), np.int64)) if how != _RAW else None
        size = self._planes(count, part) if coder == _PLANES else self._classes(count, part)
        rest = _unzigzag(size)
        return rest if firsts is None else _undo(how, rest, part, firsts[part.tracks])

    def _planes(self, count: int, part: Part) -> _U64:
        value = np.zeros(part.size(count), np.uint64)
        for plane in range(self.number()):
            stream = self.bytes()
            if len(stream) != count:
                raise Damaged(f"a plane has {len(stream)} bytes, expected {count}")
            byte = np.frombuffer(stream, np.uint8)[part.rows].astype(np.uint64)
            value |= byte << np.uint64(8 * plane)
        return value

    def _classes(self, count: int, part: Part) -> _U64:
        stream = self.bytes()
        if len(stream) != count:
            raise Damaged(f"{len(stream)} classes, expected {count}")
        classes = np.frombuffer(stream, np.uint8)
        counts = np.bincount(classes, minlength=65)
        if len(counts) > 65:
            raise Damaged(f"a number of {len(counts) - 1} bits")
        sizes = (counts * _WIDTHS + 7) // 8
        size = int(sizes.sum())
        if self.at + size > len(self.data):
            raise Damaged(f"bits are cut off at byte {self.at}")
        self.at += size
        begins = (np.cumsum(sizes) - sizes) * 8 - (np.cumsum(counts) - counts) * _WIDTHS
        place = np.empty(count, np.int64)
        place[np.argsort(classes, kind="stable")] = np.arange(count)
        chosen = classes[part.rows]
        first = begins[chosen] + place[part.rows] * _WIDTHS[chosen]
        return _bare(self.data[self.at - size : self.at], first, chosen)


def _bare(stream: bytes, first: Ints, classes: NDArray[np.uint8]) -> _U64:
    """The numbers whose bits but the highest stand in ``stream`` from the bits ``first`` on."""
    windows = np.ndarray((len(stream) + 1,), "<u8", stream + bytes(8), 0, (1,))
    values: _U64 = windows[first >> 3] >> (first & 7).astype(np.uint64)
    for row in np.flatnonzero(classes > _WINDOW + 1).tolist():
        begin, end = int(first[row]), int(first[row]) + int(classes[row]) - 1
        bits = int.from_bytes(stream[begin >> 3 : (end + 7) >> 3], "little") >> (begin & 7)
        values[row] = bits & 0xFFFFFFFFFFFFFFFF
    return values & _MASKS[classes] | _HIGHEST[classes]


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


def _undo(how: int, rest: Ints, part: Part, firsts: Ints) -> Ints:
    delta = _summed(rest, part, np.zeros_like(firsts)) if how == _SECOND else rest
    return _summed(delta, part, firsts)


def _summed(values: Ints, part: Part, firsts: Ints) -> Ints:
    """Running sum within each track from ``firsts``, the value at its start."""
    total = np.cumsum(values, dtype=np.int64)
    total += np.repeat(firsts - total[part.starts], part.lengths)
    return total


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
