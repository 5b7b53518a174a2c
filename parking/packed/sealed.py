"""The envelope of every part of a block: "HZ", version, kind, rows, CRC-32 of all else, then the content."""

from __future__ import annotations

import struct
import zlib

from parking.packed.numbers import Damaged, Reader, Writer

VERSION = 1
PATH, REST, OUTLINE = range(3)
_HEAD = struct.Struct("<2sBBII")


def sealed(out: Writer, kind: int, rows: int) -> bytes:
    body = bytes(out.data)
    head = _HEAD.pack(b"HZ", VERSION, kind, rows, 0)
    return _HEAD.pack(b"HZ", VERSION, kind, rows, zlib.crc32(body, zlib.crc32(head))) + body


def opened(data: bytes, kind: int) -> tuple[Reader, int]:
    """(content, rows). Raises Damaged."""
    if len(data) < _HEAD.size:
        raise Damaged(f"{len(data)} bytes are no block")
    magic, version, found, rows, crc = _HEAD.unpack_from(data)
    if magic != b"HZ" or found != kind:
        raise Damaged(f"no block: begins with {data[:4].hex()}")
    if version != VERSION:
        raise Damaged(f"block of version {version}, this version reads {VERSION}")
    bare = _HEAD.pack(magic, version, found, rows, 0)
    if zlib.crc32(data[_HEAD.size :], zlib.crc32(bare)) != crc:
        raise Damaged("the checksum does not fit: the block was changed")
    return Reader(data, _HEAD.size), rows


def sum_of(data: bytes) -> int:
    """The checksum a part says it has, by which another part can name it."""
    return int(_HEAD.unpack_from(data)[4]) if len(data) >= _HEAD.size else -1
