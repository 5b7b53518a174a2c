"""numpy arrays as PostgreSQL arrays in its binary form: a thousand rows are one parameter a column.

The form (PostgreSQL, src/backend/utils/adt/arrayfuncs.c, array_send): number of dimensions, has-NULL
flag, element type, length, lower bound; then each element with its length before it, -1 for NULL.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.abc import AdaptContext, Buffer, DumperKey, PyFormat
from psycopg.adapt import Dumper
from psycopg.pq import Format

#: Microseconds from 1970, where ours begin, to 2000, where PostgreSQL's do.
EPOCH_US = 946_684_800_000_000

_HEAD = struct.Struct(">iiIii")


class Packed:
    """One array, ready for the wire; ``oid`` is the type of the array itself."""

    __slots__ = ("data", "oid")

    def __init__(self, oid: int, data: bytes) -> None:
        self.oid, self.data = oid, data


def int8s(values: Any) -> Packed:
    return _fixed(values, 1016, 20, ">i8", 8)


def int4s(values: Any) -> Packed:
    return _fixed(values, 1007, 23, ">i4", 4)


def int2s(values: Any) -> Packed:
    return _fixed(values, 1005, 21, ">i2", 2)


def float8s(values: Any) -> Packed:
    return _fixed(values, 1022, 701, ">f8", 8)


def bools(values: Any) -> Packed:
    return _fixed(values, 1000, 16, "u1", 1)


def instants(microseconds: NDArray[np.int64]) -> Packed:
    """timestamptz[] from microseconds since 1970 UTC."""
    return _fixed(microseconds - EPOCH_US, 1185, 1184, ">i8", 8)


def texts(values: Sequence[str | None]) -> Packed:
    return _varying([None if v is None else v.encode() for v in values], 1009, 25)


def byteas(values: Sequence[bytes | None]) -> Packed:
    return _varying(values, 1001, 17)


def _fixed(values: Any, oid: int, element: int, kind: str, width: int) -> Packed:
    found = np.asarray(values)
    rows = np.empty(len(found), np.dtype([("n", ">i4"), ("v", kind)]))
    rows["n"], rows["v"] = width, found
    return Packed(oid, _head(len(found), element, False) + rows.tobytes())


def _varying(values: Sequence[bytes | None], oid: int, element: int) -> Packed:
    lengths = np.array([-1 if v is None else len(v) for v in values], ">i4").tobytes()
    pieces: list[bytes] = [b""] * (2 * len(values))
    pieces[0::2] = [lengths[n : n + 4] for n in range(0, len(lengths), 4)]
    pieces[1::2] = [v or b"" for v in values]
    return Packed(oid, _head(len(values), element, None in values) + b"".join(pieces))


def _head(length: int, element: int, nulls: bool) -> bytes:
    return _HEAD.pack(1, nulls, element, length, 1) if length else struct.pack(">iiI", 0, 0, element)


class _PackedDumper(Dumper):
    format = Format.BINARY

    def __init__(self, cls: type, context: AdaptContext | None = None, oid: int = 0) -> None:
        super().__init__(cls, context)
        self.oid = oid

    def get_key(self, obj: Packed, format: PyFormat) -> DumperKey:
        return (self.cls, obj.oid)  # type: ignore[return-value]

    def upgrade(self, obj: Packed, format: PyFormat) -> Dumper:
        return _PackedDumper(self.cls, None, obj.oid)

    def dump(self, obj: Packed) -> Buffer:
        return obj.data


def known_to(connection: psycopg.Connection) -> None:
    """Let a connection take ``Packed`` parameters, whenever and by whom it was opened."""
    connection.adapters.register_dumper(Packed, _PackedDumper)
