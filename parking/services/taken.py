"""A batch in the order in which it is judged, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.fix import Fix, FixColumns
from parking.odometer import driven
from parking.services.fixbatch import FixBatch
from parking.services.owners import Owner
from parking.vocabulary import Mark


@dataclass(frozen=True, slots=True)
class Position:
    """Where a vehicle was last believed to be, for the live map."""

    vehicle_id: int
    plate: str
    fix: Fix


@dataclass(frozen=True, slots=True)
class Rows:
    """Fixes in order of (vehicle, time, serial, item), with whose they are; unbound ones come first."""

    fixes: FixBatch
    owners: Sequence[Owner]
    vehicles: NDArray[np.int64]
    first: int  # row of the first fix that has a vehicle
    ids: Sequence[int]  # the vehicles, ascending
    number: NDArray[np.int64]  # per row from ``first``: its vehicle, as an index into ``ids``

    @classmethod
    def of(cls, fixes: FixBatch, owned: Sequence[Owner]) -> Rows:
        vehicles = np.array([o.vehicle_id for o in owned], np.int64)
        order = np.lexsort((fixes.item, fixes.serial, fixes.at, vehicles))
        vehicles = vehicles[order]
        first = int(np.searchsorted(vehicles, 1))
        ids, number = np.unique(vehicles[first:], return_inverse=True)
        inorder = [owned[n] for n in order.tolist()]
        return cls(fixes.taken(order), inorder, vehicles, first, ids.tolist(), number)

    def columns(self) -> FixColumns:
        fixes, bound = self.fixes, slice(self.first, None)
        return FixColumns(
            self.number, fixes.at[bound] / 1e6, fixes.lon[bound], fixes.lat[bound], fixes.speed_kmh[bound],
            fixes.alarm[bound], fixes.status[bound], fixes.located[bound], fixes.backfill[bound],
            driven(fixes.extras[bound], fixes.items[bound]),
        )  # fmt: skip

    def newest(self, marks: NDArray[np.int8]) -> NDArray[np.int64]:
        """Per vehicle the row of its last believed fix, -1 for none."""
        rows = self.first + np.flatnonzero(marks[self.first :] == 0)
        last = np.full(len(self.ids), -1, np.int64)
        last[self.number[rows - self.first]] = rows
        return last


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: newly stored, already known, and stored with a mark; ``seen``: the new
    violations by id."""

    stored: int
    repeated: int
    marks: Mapping[Mark, int]
    seen: tuple[int, ...] = ()
    _rows: Rows | None = None
    _newest: NDArray[np.int64] | None = None

    @property
    def moved(self) -> tuple[Position, ...]:
        """Where the vehicles of the batch now are."""
        return self.some_moved(1 << 62)

    def some_moved(
        self, most: int, west: float = 0, south: float = 0, east: float = 0, north: float = 0
    ) -> tuple[Position, ...]:
        """The same, at most so many; those within these degrees before the others."""
        if self._rows is None or self._newest is None:
            return ()
        rows, fixes = self._newest[self._newest >= 0], self._rows.fixes
        if len(rows) > most:
            lon, lat = fixes.lon[rows], fixes.lat[rows]
            away = (lon < west) | (lon > east) | (lat < south) | (lat > north)
            rows = rows[np.argsort(away, kind="stable")[:most]]
        return tuple(
            Position(int(self._rows.vehicles[n]), self._rows.owners[n].plate, fixes.fix(n))
            for n in rows.tolist()
        )
