"""Fixes on their way into memory: one value each, or many in columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from geo.fix import Fix
from parking.services.terminals import bare_phone

#: Stand for "the terminal told none" in columns of whole numbers.
NO_HEADING, NO_ALTITUDE = -1, -(2**31)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TerminalFix:
    """One fix as the gateway read it. ``item`` is the index inside a batch message (0x0704), else 0.

    ``items``: additional items as they came, undecoded; ``extras``: what else was said, by name.
    """

    terminal_phone: str
    serial: int
    item: int
    fix: Fix
    extras: Mapping[str, Any] | None = None
    raw: bytes | None = None
    items: bytes | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FixBatch(Sequence[TerminalFix]):
    """Many fixes, a column a field; read as a sequence it gives the same values one by one.

    ``phones`` without leading zeros; ``at`` in microseconds since 1970 UTC; ``speed_kmh`` NaN, ``heading``
    NO_HEADING and ``altitude_m`` NO_ALTITUDE where none was told.
    """

    phones: list[str]
    serial: NDArray[np.int32]
    item: NDArray[np.int16]
    at: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    speed_kmh: NDArray[np.float64]
    heading: NDArray[np.int16]
    altitude_m: NDArray[np.int32]
    located: NDArray[np.bool_]
    alarm: NDArray[np.uint32]
    status: NDArray[np.uint32]
    backfill: NDArray[np.bool_]
    items: list[bytes | None]
    extras: list[Mapping[str, Any] | None]

    @classmethod
    def of(cls, entries: Sequence[TerminalFix]) -> FixBatch:
        if isinstance(entries, FixBatch):
            return entries
        fixes = [e.fix for e in entries]
        return cls(
            [bare_phone(e.terminal_phone) for e in entries],
            np.array([e.serial for e in entries], np.int32),
            np.array([e.item for e in entries], np.int16),
            np.array([microseconds(f.time) for f in fixes], np.int64),
            np.array([f.lon for f in fixes], np.float64),
            np.array([f.lat for f in fixes], np.float64),
            np.array([np.nan if f.speed_kmh is None else f.speed_kmh for f in fixes], np.float64),
            np.array([NO_HEADING if f.heading is None else f.heading for f in fixes], np.int16),
            np.array([NO_ALTITUDE if f.altitude_m is None else f.altitude_m for f in fixes], np.int32),
            np.array([f.located for f in fixes], np.bool_),
            np.array([f.alarm for f in fixes], np.uint32),
            np.array([f.status for f in fixes], np.uint32),
            np.array([f.backfill for f in fixes], np.bool_),
            [e.items for e in entries],
            [e.extras for e in entries],
        )

    @classmethod
    def joined(cls, batches: Sequence[FixBatch]) -> FixBatch:
        if len(batches) == 1:
            return batches[0]
        columns: list[Any] = [_joined([getattr(b, f.name) for b in batches]) for f in fields(cls)]
        return cls(*columns)

    def taken(self, rows: NDArray[np.intp]) -> FixBatch:
        """The batch of these rows, in this order."""
        order = rows.tolist()
        columns: list[Any] = [getattr(self, f.name) for f in fields(FixBatch)]
        picked: list[Any] = [[c[n] for n in order] if isinstance(c, list) else c[rows] for c in columns]
        return FixBatch(*picked)

    def fix(self, row: int) -> Fix:
        speed = float(self.speed_kmh[row])
        heading, altitude = int(self.heading[row]), int(self.altitude_m[row])
        return Fix(
            time=instant(int(self.at[row])),
            lon=float(self.lon[row]),
            lat=float(self.lat[row]),
            speed_kmh=None if speed != speed else speed,
            heading=None if heading == NO_HEADING else heading,
            altitude_m=None if altitude == NO_ALTITUDE else altitude,
            located=bool(self.located[row]),
            alarm=int(self.alarm[row]),
            status=int(self.status[row]),
            backfill=bool(self.backfill[row]),
        )

    def __len__(self) -> int:
        return len(self.phones)

    def __iter__(self) -> Iterator[TerminalFix]:
        return (self._entry(row) for row in range(len(self.phones)))

    @overload
    def __getitem__(self, rows: int) -> TerminalFix: ...
    @overload
    def __getitem__(self, rows: slice) -> FixBatch: ...
    def __getitem__(self, rows: int | slice) -> TerminalFix | FixBatch:
        if isinstance(rows, slice):
            columns: list[Any] = [getattr(self, f.name)[rows] for f in fields(FixBatch)]
            return FixBatch(*columns)
        return self._entry(range(len(self.phones))[rows])

    def _entry(self, row: int) -> TerminalFix:
        return TerminalFix(
            self.phones[row], int(self.serial[row]), int(self.item[row]), self.fix(row),
            self.extras[row], None, self.items[row],
        )  # fmt: skip


def microseconds(moment: datetime) -> int:
    """Since 1970 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def instant(since_1970: int) -> datetime:
    """The moment so many microseconds after 1970, UTC."""
    return _EPOCH + timedelta(microseconds=since_1970)


def _joined(columns: Sequence[Any]) -> Any:
    if isinstance(columns[0], list):
        return [value for column in columns for value in column]
    return np.concatenate(columns)
