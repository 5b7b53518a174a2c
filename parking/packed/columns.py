"""Many fixes as columns: what a block holds and what bulk readers get."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Objects = NDArray[np.object_]

#: Microseconds in a second.
SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Bits of ``nulls``: which values of a row are NULL (they read 0 in their own column).
NO_VEHICLE, NO_SPEED, NO_HEADING, NO_ALTITUDE, NO_EXTRAS = 1, 2, 4, 8, 16
#: Place of a nullable value in the tuples of ``KeptColumns.of``.
_NULLABLE = {3: NO_VEHICLE, 8: NO_SPEED, 9: NO_HEADING, 10: NO_ALTITUDE, 16: NO_EXTRAS}


@dataclass(frozen=True, slots=True)
class KeptColumns:
    """Rows of ``fix`` as arrays of one length.

    ``time``/``received``: microseconds since 1970; ``lon``/``lat`` degrees WGS-84; ``speed`` km/h;
    ``heading`` degrees; ``altitude`` metres; ``mark``: str or None; ``extras``: dict or None.
    """

    time: Ints
    received: Ints
    terminal: Ints
    vehicle: Ints
    serial: Ints
    item: Ints
    lon: Floats
    lat: Floats
    speed: Floats
    heading: Ints
    altitude: Ints
    located: Flags
    backfill: Flags
    alarm: Ints
    status: Ints
    nulls: Ints
    mark: Objects
    extras: Objects

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: Any) -> KeptColumns:
        """The rows chosen by an index array, a mask or a slice."""
        return KeptColumns(*(getattr(self, f.name)[rows] for f in fields(self)))

    @property
    def has_vehicle(self) -> Flags:
        bound: Flags = (self.nulls & NO_VEHICLE) == 0
        return bound

    def placed(self) -> Flags:
        """Rows that say where something was: believed, late, or of a terminal bound to no vehicle (which
        nobody judged; it counts where it is located at all)."""
        trusted = np.array([m is None or m == "late" for m in self.mark], bool)
        unbound = np.array([m == "unbound" for m in self.mark], bool) & self.located
        with np.errstate(invalid="ignore"):
            on_earth: Flags = (np.abs(self.lon) <= 180) & (np.abs(self.lat) <= 90)
        return (trusted | unbound) & on_earth

    def by_vehicle(self) -> KeptColumns:
        """Sorted by vehicle (none last), terminal, time, serial, item: the order of a block."""
        keys = (self.item, self.serial, self.time, self.terminal, self.vehicle, ~self.has_vehicle)
        return self.take(np.lexsort(keys))

    def by_time(self) -> KeptColumns:
        """Sorted as tracks are read: vehicle, time, serial, item, terminal."""
        keys = (self.terminal, self.item, self.serial, self.time, self.vehicle, ~self.has_vehicle)
        return self.take(np.lexsort(keys))

    def once(self) -> KeptColumns:
        """Each fix once, in the order of a block; of repeats the first one given stays.

        Another fix under a key that is taken (a terminal whose clock stands still, after a restart) is no
        repeat: it gets the next free ``item``, as when it is stored (services/tracking).
        """
        order = np.lexsort((self.item, self.serial, self.terminal, self.time))  # stable: first given first
        stem = np.zeros(len(self), bool)
        for column in (self.time, self.terminal, self.serial):
            stem[1:] |= column[order][1:] != column[order][:-1]
        repeated = np.flatnonzero(~stem[1:] & (self.item[order][1:] == self.item[order][:-1])) + 1
        if not len(repeated):
            return self.by_vehicle()
        run = np.cumsum(stem)
        item, kept = self.item.copy(), np.ones(len(self), bool)
        for number in np.unique(run[repeated]):
            begin, end = np.searchsorted(run, [number, number + 1])
            self._settle(np.sort(order[begin:end]), item, kept)
        return replace(self, item=item).take(kept).by_vehicle()

    def _settle(self, rows: Ints, item: Ints, kept: Flags) -> None:
        """Decide which of ``rows``, which share time, terminal and serial, are repeats."""
        there: dict[int, tuple[Any, ...]] = {}
        for row in rows.tolist():
            said = (self.lon[row], self.lat[row], self.alarm[row], self.status[row])
            said = tuple(value.tobytes() for value in said)
            if int(item[row]) in there:
                if said in there.values():
                    kept[row] = False
                    continue
                item[row] = max(there) + 1
            there[int(item[row])] = said

    def tracks(self) -> Ints:
        """Where a run of one vehicle and terminal begins (row numbers; rows in the order of a block)."""
        if len(self) == 0:
            return np.zeros(0, np.int64)
        change = np.zeros(len(self), bool)
        change[0] = True
        for column in (self.vehicle, self.terminal, self.nulls & NO_VEHICLE):
            change[1:] |= column[1:] != column[:-1]
        return np.flatnonzero(change)

    @classmethod
    def empty(cls) -> KeptColumns:
        return cls.of([])

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any]]) -> KeptColumns:
        """From tuples (time, received_at, terminal_id, vehicle_id, serial, item, lon, lat, speed_kmh,
        heading, altitude_m, located, backfill, alarm, status, mark, extras); times are aware datetimes."""
        given = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(17)]
        nulls = np.zeros(len(given[0]), np.int64)
        for place, bit in _NULLABLE.items():
            nulls |= np.array([bit if v is None else 0 for v in given[place]], np.int64)
        whole = {n: _array([v or 0 for v in given[n]], np.int64) for n in (2, 3, 4, 5, 9, 10, 13, 14)}
        real = {n: _array([0.0 if v is None else v for v in given[n]], np.float64) for n in (6, 7, 8)}
        return cls(
            time=_array([micros(v) for v in given[0]], np.int64),
            received=_array([micros(v) for v in given[1]], np.int64),
            terminal=whole[2], vehicle=whole[3], serial=whole[4], item=whole[5],
            lon=real[6], lat=real[7], speed=real[8], heading=whole[9], altitude=whole[10],
            located=_array(given[11], np.bool_), backfill=_array(given[12], np.bool_),
            alarm=whole[13], status=whole[14], nulls=nulls,
            mark=objects(given[15]), extras=objects(given[16]),
        )  # fmt: skip

    @classmethod
    def joined(cls, parts: Sequence[KeptColumns]) -> KeptColumns:
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))


def micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware moment."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(micros_since: int) -> datetime:
    return _EPOCH + timedelta(microseconds=int(micros_since))


def objects(values: Sequence[Any]) -> Objects:
    made = np.empty(len(values), object)
    made[:] = values
    return made


def _array(values: Sequence[Any], kind: Any) -> Any:
    return np.array(values, kind)


def same(one: KeptColumns, other: KeptColumns) -> bool:
    """Equal bit for bit (nan equals the same nan), extras as values."""
    for f in fields(KeptColumns):
        a, b = getattr(one, f.name), getattr(other, f.name)
        if len(a) != len(b):
            return False
        if a.dtype == np.float64:
            a, b = a.view(np.int64), b.view(np.int64)
        if a.dtype == object:
            if list(a) != list(b):
                return False
        elif not np.array_equal(a, b):
            return False
    return True
