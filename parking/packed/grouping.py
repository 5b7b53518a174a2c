"""Which tracks share a block: neighbours, so that a search opens few blocks; about BLOCK fixes each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from parking.packed import ways
from parking.packed.block import Leads
from parking.packed.cells import CELL
from parking.packed.columns import SECOND, Floats, Ints, KeptColumns

#: Fixes in a block: large enough to pack well, small enough to open for one vehicle (measured).
BLOCK = 16384
#: A block holds no more of a day than an hour, or as many as fill it: then it holds neighbours of that
#: hour, a question opens few of them, and it even packs better than one that holds a day (measured).
SLICE_S = 3600
Last = dict[tuple[int, int], tuple[int, float, float]]


def pieces(rows: KeptColumns, last: Last) -> Iterator[tuple[KeptColumns, Leads]]:
    """The blocks of ``rows`` (in the order of a block), each with its leads.

    ``last``: the last placed fix of a track before the period. A track longer than a block is cut in time.
    """
    known = dict(last)
    part = _slices(rows)
    for number in range(int(part.max(initial=-1)) + 1):
        inside = rows.take(np.flatnonzero(part == number))
        yield from _neighbours(inside, known)
        known.update(ways.last_placed(inside))


def _slices(rows: KeptColumns) -> Ints:
    """For each row the number of its slice: whole hours, as many as fill a block."""
    hour = rows.time // (SLICE_S * SECOND)
    hours, number, counts = np.unique(hour, return_inverse=True, return_counts=True)
    slice_of, held = np.zeros(len(hours), np.int64), 0
    for n in range(1, len(hours)):
        held += int(counts[n - 1])
        full = held >= BLOCK
        slice_of[n] = slice_of[n - 1] + full
        held = 0 if full else held
    made: Ints = slice_of[number.ravel()]
    return made


def _neighbours(rows: KeptColumns, last: Last) -> Iterator[tuple[KeptColumns, Leads]]:
    starts = rows.tracks()
    ends = np.append(starts[1:], len(rows))
    held: list[Ints] = []
    count = 0
    for track in np.argsort(_neighbourhood(rows, starts), kind="stable"):
        begin, end = int(starts[track]), int(ends[track])
        if held and count + end - begin > BLOCK:
            yield _piece(rows, held, last)
            held, count = [], 0
        if end - begin > BLOCK:
            yield from _cut(rows, begin, end, last)
            continue
        held.append(np.arange(begin, end))
        count += end - begin
    if held:
        yield _piece(rows, held, last)


def _cut(rows: KeptColumns, begin: int, end: int, last: Last) -> Iterator[tuple[KeptColumns, Leads]]:
    known = dict(last)
    for at in range(begin, end, BLOCK):
        piece = rows.take(slice(at, min(at + BLOCK, end)))
        yield piece, ways.leads_of(piece, known)
        known.update(ways.last_placed(piece))


def _piece(rows: KeptColumns, held: list[Ints], last: Last) -> tuple[KeptColumns, Leads]:
    piece = rows.take(np.sort(np.concatenate(held)))
    return piece, ways.leads_of(piece, last)


def _neighbourhood(rows: KeptColumns, starts: Ints) -> Ints:
    """A number for each track: tracks that go about as far, and about the same place, have near numbers.

    Who stands makes small blocks on the map, which are opened only for a question about just there.
    """
    boxes = [_box(column, most, starts) for column, most in ((rows.lon, 180), (rows.lat, 90))]
    wide = np.maximum(*(high - low for low, high in boxes))
    middles = [(low + high) / 2 for low, high in boxes]
    x, y = ((middle / most + 1) / 2 for middle, most in zip(middles, (180, 90), strict=True))
    place = _spread((x * 65535).astype(np.int64)) | _spread((y * 65535).astype(np.int64)) << 1
    reach = np.searchsorted(np.array([CELL / 8, CELL, CELL * 4]), wide)
    return reach << 40 | place


def _box(column: Floats, most: float, starts: Ints) -> tuple[Floats, Floats]:
    """(lowest, highest) of each track; what lies nowhere on earth counts as 0."""
    usable = np.where(np.abs(np.nan_to_num(column, nan=most * 2)) <= most, column, 0.0)
    return np.minimum.reduceat(usable, starts), np.maximum.reduceat(usable, starts)


def _spread(value: Ints) -> Ints:
    """The 16 bits of each number, one place between them."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        value = (value | value << shift) & mask
    return value
