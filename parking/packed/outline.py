"""The outline of a block: boxes in place and time around stretches of its tracks.

A search reads it to open no more of a block than the tracks that may have come near. Boxes are rounded
outwards, so none that did is missed; like a part of a block it bears a checksum.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo.passing import Box
from parking.packed import block, sealed
from parking.packed.columns import SECOND, Floats, Ints
from parking.packed.numbers import Damaged, Reader, Writer
from parking.packed.ways import ways

_Steps = NDArray[np.uint16]
#: Legs in a stretch (measured: with half as many 7 % fewer tracks are read, and it takes twice the room).
LEGS = 64
#: With fewer legs a stretch than this an outline would take more room than it saves work: there is none.
FEWEST = 8
#: Steps of the boxes: degrees (about 600 m) and microseconds.
_DEGREES, _MINUTE = 360 / 65536, 60 * SECOND
_COLUMNS = 7  # track, west, south, east, north, begin, end


def made(packed: bytes) -> bytes:
    """The outline of a block with this searchable part; empty where none is worth while, and all of it must
    be opened. Raises Damaged."""
    path = block.read_path(packed)
    driven = ways(path)
    legs, track = driven.legs, np.searchsorted(path.starts, driven.row, side="right") - 1
    if not len(legs):
        return _sealed(np.zeros((_COLUMNS, 0), np.uint16), 0, packed)
    begins = np.flatnonzero(np.diff(track, prepend=-1))
    lengths = np.diff(begins, append=len(legs))
    within = np.arange(len(legs)) - np.repeat(begins, lengths)
    starts = np.flatnonzero(within % LEGS == 0)
    if len(starts) * FEWEST > len(legs) or len(path.starts) > 65536:
        return b""
    least, most = np.minimum.reduceat, np.maximum.reduceat
    base = int(legs.t0.min()) // _MINUTE
    columns = (
        track[starts],
        _along(least(np.minimum(legs.lon0, legs.lon1), starts)),
        _along(least(np.minimum(legs.lat0, legs.lat1), starts)),
        _along(most(np.maximum(legs.lon0, legs.lon1), starts)),
        _along(most(np.maximum(legs.lat0, legs.lat1), starts)),
        _minutes(least(legs.t0, starts), base),
        _minutes(most(legs.t1, starts), base),
    )
    return _sealed(np.array(columns).astype(np.uint16), base, packed)


def near(outline: bytes, packed: bytes, box: Box, since: int, until: int) -> Ints | None:
    """Rising numbers of the tracks that may pass through ``box`` within [since, until] (microseconds);
    None: any of them may. Raises Damaged, also when it is the outline of another block."""
    if not outline:
        return None
    boxes, base = _opened(outline, packed)
    track, west, south, east, north, begin, end = boxes
    first, last = _minutes(np.array([since, until]), base)
    left, right = _along(np.array([box.west, box.east]))
    low, high = _along(np.array([box.south, box.north]))
    hit = (begin <= last) & (end >= first) & (west <= right) & (east >= left)
    hit &= (south <= high) & (north >= low)
    found = track[hit].astype(np.int64)
    tracks: Ints = found[np.diff(found, prepend=-1) != 0]
    return tracks


def _along(degrees: Floats) -> Ints:
    """Whole steps eastwards or northwards; rounded alike on both sides, so order is kept."""
    return np.clip(np.floor((degrees + 180) / _DEGREES), 0, 65535).astype(np.int64)


def _minutes(times: Ints, base: int) -> Ints:
    return np.clip(times // _MINUTE - base, 0, 65535)


def _sealed(boxes: _Steps, base: int, packed: bytes) -> bytes:
    out, alone = Writer(), np.zeros(1, np.int64)
    out.ints(np.array([base]), alone)
    out.number(sealed.sum_of(packed))
    for part in (boxes >> 8, boxes & 0xFF):  # bytes that resemble each other side by side
        out.bytes(part.astype(np.uint8).tobytes())
    return sealed.sealed(out, sealed.OUTLINE, boxes.shape[1])


def _opened(outline: bytes, packed: bytes) -> tuple[_Steps, int]:
    source, count = sealed.opened(outline, sealed.OUTLINE)
    base = int(source.ints(1, np.zeros(1, np.int64))[0])
    if source.number() != sealed.sum_of(packed):
        raise Damaged("an outline of another block")
    high, low = (_bytes(source, count) for _ in range(2))
    return (high.astype(np.uint16) << 8 | low).astype(np.uint16), base


def _bytes(source: Reader, count: int) -> NDArray[np.uint8]:
    stream = source.bytes()
    if len(stream) != count * _COLUMNS:
        raise Damaged(f"{len(stream)} bytes of an outline of {count} boxes")
    return np.frombuffer(stream, np.uint8).reshape(_COLUMNS, count)
