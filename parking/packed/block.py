"""A block: the fixes of a few vehicles in one period, in two parts with a checksum each.

``path`` (who, when, where, and each track's last fix before the period) is all a search needs; ``rest``
is the rest. A part is an envelope (``sealed``) with columns in it (``numbers``).

Lossless, but for ``received_at``, kept to the whole second (the resolution of the protocol). A float that
is no decimal fraction of the usual digits is kept as its own 8 bytes, so nan and any other come back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from parking.packed import sealed
from parking.packed.columns import SECOND, Flags, Floats, Ints, KeptColumns, Objects, objects, same
from parking.packed.numbers import Damaged, Part, Reader, Writer

#: Decimal digits tried for a column of floats, the usual first.
_DEGREES, _KMH = (6, 7, 8), (1, 2, 3)
LOCATED_BIT = 1 << 1


@dataclass(frozen=True, slots=True)
class Leads:
    """For each track of a block its last fix before the period, for segments that cross the border:
    microseconds since 1970 (0: none) and degrees rounded to 1e-6."""

    time: Ints
    lon: Floats
    lat: Floats

    @classmethod
    def none(cls, tracks: int) -> Leads:
        return cls(np.zeros(tracks, np.int64), np.zeros(tracks), np.zeros(tracks))


@dataclass(frozen=True, slots=True)
class Path:
    """The searchable part, in the order of the block. ``placed``: see KeptColumns.placed."""

    starts: Ints
    vehicle: Ints
    has_vehicle: Flags
    terminal: Ints
    time: Ints
    lon: Floats
    lat: Floats
    placed: Flags
    leads: Leads


@dataclass(frozen=True, slots=True)
class Keys:
    """By what a fix is known again. ``time``: microseconds since 1970; ``lon``, ``lat``: degrees."""

    time: Ints
    terminal: Ints
    serial: Ints
    item: Ints
    lon: Floats
    lat: Floats
    alarm: Ints
    status: Ints


@dataclass(frozen=True, slots=True)
class Packed:
    path: bytes
    rest: bytes

    @property
    def size(self) -> int:
        return len(self.path) + len(self.rest)


def pack(rows: KeptColumns, leads: Leads | None = None) -> Packed:
    """The block of ``rows``, which are in the order of ``by_vehicle`` and not empty.

    Raises Damaged when what was packed does not unpack to the same.
    """
    starts = rows.tracks()
    packed = Packed(_path(rows, starts, leads or Leads.none(len(starts))), _rest(rows, starts))
    if not same(unpack(packed.path, packed.rest), whole_seconds(rows)):
        raise Damaged("a block does not unpack to what was packed")
    return packed


def whole_seconds(rows: KeptColumns) -> KeptColumns:
    """As a block gives them back: ``received`` to the second."""
    return replace(rows, received=rows.received - rows.received % SECOND)


def _path(rows: KeptColumns, starts: Ints, leads: Leads) -> bytes:
    out, alone = Writer(), np.zeros(1, np.int64)
    out.number(len(starts))
    out.ints(np.diff(starts, append=len(rows)), alone)
    out.ints(rows.vehicle[starts], alone)
    out.ints((~rows.has_vehicle[starts]).astype(np.int64), alone)
    out.ints(rows.terminal[starts], alone)
    out.ints(rows.time // SECOND, starts)
    out.ints(rows.time % SECOND, starts)
    _put_floats(out, rows.lon, starts, _DEGREES)
    _put_floats(out, rows.lat, starts, _DEGREES)
    out.ints((~rows.placed()).astype(np.int64), starts)
    begins = rows.time[starts] // SECOND
    out.ints(np.where(leads.time == 0, -1, begins - leads.time // SECOND), alone)
    out.ints(_micro(leads.lon) - _micro(rows.lon[starts]), alone)
    out.ints(_micro(leads.lat) - _micro(rows.lat[starts]), alone)
    return sealed.sealed(out, sealed.PATH, len(rows))


def read_path(data: bytes, wanted: Ints | None = None) -> Path:
    """``wanted``: rising numbers of the tracks to read, all of them if not given. Raises Damaged."""
    source, count = sealed.opened(data, sealed.PATH)
    alone = np.zeros(1, np.int64)
    tracks = source.number()
    if not 0 < tracks <= count:
        raise Damaged(f"{tracks} tracks in {count} rows")
    lengths = source.ints(tracks, alone)
    if (lengths < 1).any() or lengths.sum() != count:
        raise Damaged("the lengths of the tracks do not fit the rows")
    starts = np.cumsum(lengths) - lengths
    part = Part.whole(count, starts) if wanted is None else Part.of(lengths, wanted)
    vehicle, missing, terminal = (source.ints(tracks, alone)[part.tracks] for _ in range(3))
    seconds, fraction = (source.ints(count, starts, part) for _ in range(2))
    lon, lat = (_get_floats(source, count, starts, part) for _ in range(2))
    unplaced = source.ints(count, starts, part)
    before, east, north = (source.ints(tracks, alone)[part.tracks] for _ in range(3))
    leads = Leads(
        np.where(before < 0, 0, (seconds[part.starts] - before) * SECOND),
        (_micro(lon[part.starts]) + east) / 1e6,
        (_micro(lat[part.starts]) + north) / 1e6,
    )
    vehicle, missing, terminal = (np.repeat(each, part.lengths) for each in (vehicle, missing, terminal))
    return Path(
        part.starts, vehicle, missing == 0, terminal, seconds * SECOND + fraction, lon, lat, unplaced == 0,
        leads,
    )  # fmt: skip


def _rest(rows: KeptColumns, starts: Ints) -> bytes:
    out = Writer()
    for column in (rows.serial, rows.item, rows.nulls):
        out.ints(column, starts)
    out.ints(rows.received // SECOND - rows.time // SECOND, starts)
    _put_floats(out, rows.speed, starts, _KMH)
    for column in (rows.heading, rows.altitude, rows.alarm, rows.status):
        out.ints(column, starts)
    out.ints((rows.located ^ ((rows.status & LOCATED_BIT) != 0)).astype(np.int64), starts)
    out.ints(rows.backfill.astype(np.int64), starts)
    _put_words(out, rows.mark, starts)
    _put_extras(out, rows.extras, starts)
    return sealed.sealed(out, sealed.REST, len(rows))


def read_keys(path: bytes, rest: bytes) -> Keys:
    """What tells the rows of a block apart, without all else. Raises Damaged."""
    way = read_path(path)
    source, count = _rest_of(way, rest)
    (serial, item, _, _), _, (_, _, alarm, status) = _numbers(source, count, way.starts)
    return Keys(way.time, way.terminal, serial, item, way.lon, way.lat, alarm, status)


def _rest_of(way: Path, rest: bytes) -> tuple[Reader, int]:
    source, count = sealed.opened(rest, sealed.REST)
    if count != len(way.time):
        raise Damaged(f"path has {len(way.time)} rows, rest {count}")
    return source, count


def _numbers(source: Reader, count: int, starts: Ints) -> tuple[list[Ints], Floats, list[Ints]]:
    """(serial, item, nulls, seconds to receipt), speed, (heading, altitude, alarm, status)."""
    before = [source.ints(count, starts) for _ in range(4)]
    speed = _get_floats(source, count, starts)
    return before, speed, [source.ints(count, starts) for _ in range(4)]


def unpack(path: bytes, rest: bytes) -> KeptColumns:
    """Every row of a block. Raises Damaged."""
    way = read_path(path)
    source, count = _rest_of(way, rest)
    starts = way.starts
    (serial, item, nulls, late), speed, (heading, altitude, alarm, status) = _numbers(source, count, starts)
    located = (source.ints(count, starts) != 0) ^ ((status & LOCATED_BIT) != 0)
    backfill = source.ints(count, starts) != 0
    mark = _get_words(source, count, starts)
    extras = _get_extras(source, count, starts)
    return KeptColumns(
        way.time, (way.time // SECOND + late) * SECOND, way.terminal, way.vehicle, serial, item,
        way.lon, way.lat, speed, heading, altitude, located, backfill, alarm, status, nulls, mark, extras,
    )  # fmt: skip


def _micro(degrees: Floats) -> Ints:
    usable = np.isfinite(degrees) & (np.abs(degrees) < 1e6)
    return np.rint(np.where(usable, degrees, 0.0) * 1e6).astype(np.int64)


def _put_floats(out: Writer, values: Floats, starts: Ints, digits: Sequence[int]) -> None:
    """As whole numbers of the fewest decimal digits that leave the fewest exceptions; those as they are."""
    tried = [(d, *_scaled(values, d)) for d in digits]
    chosen, whole, odd = min(tried, key=lambda t: len(t[2]) * 8 + (t[0] - digits[0]) * len(values) / 3)
    out.number(chosen)
    out.ints(whole, starts)
    out.number(len(odd))
    if len(odd):
        out.ints(odd, np.zeros(1, np.int64))
        out.bytes(values[odd].astype("<f8").tobytes())


def _scaled(values: Floats, digits: int) -> tuple[Ints, Ints]:
    scale = 10.0**digits
    usable = np.isfinite(values) & (np.abs(values) < 1e15 / scale)
    whole = np.rint(np.where(usable, values, 0.0) * scale).astype(np.int64)
    return whole, np.flatnonzero((whole / scale).view(np.int64) != values.view(np.int64))


def _get_floats(source: Reader, count: int, starts: Ints, part: Part | None = None) -> Floats:
    digits = source.number()
    if digits > 15:
        raise Damaged(f"{digits} decimal digits")
    values: Floats = source.ints(count, starts, part) / 10.0**digits
    exceptions = source.number()
    if exceptions:
        rows = source.ints(exceptions, np.zeros(1, np.int64))
        kept = np.frombuffer(source.bytes(), "<f8")
        if len(kept) != exceptions or rows.min() < 0 or rows.max() >= count:
            raise Damaged("exceptions outside the column")
        if part is None or part.all:
            values[rows] = kept
        else:
            _, here, there = np.intersect1d(part.rows, rows, assume_unique=True, return_indices=True)
            values[here] = kept[there]
    return values


def _put_words(out: Writer, words: Objects, starts: Ints) -> None:
    """Words of a small vocabulary; None is one of them."""
    known = {word: n for n, word in enumerate(dict.fromkeys(words))}
    out.bytes(_json(list(known)))
    out.ints(np.array([known[word] for word in words], np.int64), starts)


def _get_words(source: Reader, count: int, starts: Ints) -> Objects:
    known = json.loads(source.bytes())
    return _named(known, source.ints(count, starts))


def _put_extras(out: Writer, extras: Objects, starts: Ints) -> None:
    """Dictionaries by their set of names; each name's values as a column of their own."""
    shapes = [None if e is None else tuple(sorted(e)) for e in extras]
    known = {shape: n for n, shape in enumerate(dict.fromkeys(shapes))}
    out.bytes(_json(list(known)))
    out.ints(np.array([known[s] for s in shapes], np.int64), starts)
    track = np.searchsorted(starts, np.arange(len(extras)), side="right")
    for name in sorted({name for shape in known if shape for name in shape}):
        rows = np.array([n for n, s in enumerate(shapes) if s and name in s])
        _put_values(out, [extras[n][name] for n in rows], _begins(track[rows]))


def _get_extras(source: Reader, count: int, starts: Ints) -> Objects:
    known = json.loads(source.bytes())
    shape = source.ints(count, starts)
    shapes = _named(known, shape)
    extras = objects([None if s is None else {} for s in shapes])
    track = np.searchsorted(starts, np.arange(count), side="right")
    for name in sorted({name for s in known if s for name in s}):
        having = np.array([s is not None and name in s for s in known])
        rows = np.flatnonzero(having[shape])
        for n, value in zip(rows, _get_values(source, len(rows), _begins(track[rows])), strict=True):
            extras[n][name] = value
    return extras


_WHOLE, _TENTHS, _TEXT = range(3)


def _put_values(out: Writer, values: list[Any], starts: Ints) -> None:
    if all(type(v) is int and -(2**63) <= v < 2**63 for v in values):
        out.number(_WHOLE)
        out.ints(np.array(values, np.int64), starts)
    elif all(type(v) is float for v in values) and not len(_scaled(np.array(values), 1)[1]):
        out.number(_TENTHS)
        out.ints(_scaled(np.array(values), 1)[0], starts)
    else:
        out.number(_TEXT)
        out.bytes(_json(values))


def _get_values(source: Reader, count: int, starts: Ints) -> Sequence[Any]:
    kind = source.number()
    if kind == _TEXT:
        found: list[Any] = json.loads(source.bytes())
        return found
    whole = source.ints(count, starts)
    return list(whole.tolist()) if kind == _WHOLE else list((whole / 10.0).tolist())


def _begins(track: Ints) -> Ints:
    return np.flatnonzero(np.diff(track, prepend=-1))


def _named(known: list[Any], places: Ints) -> Objects:
    if len(places) and not 0 <= places.min() <= places.max() < len(known):
        raise Damaged("a word outside the vocabulary")
    return objects(known)[places]


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
