"""A position fix as everything above the wire knows it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

#: Horizontal accuracy a terminal must reach, metres (JT/T 794-2019, amendment 1).
TERMINAL_ACCURACY_M = 15.0


@dataclass(frozen=True, slots=True)
class Fix:
    """One report of where a vehicle was.

    ``time`` is aware UTC (terminals resolve whole seconds); ``lon``/``lat`` are WGS-84 degrees;
    ``speed_kmh`` is the terminal's own speed or None; ``heading`` is degrees clockwise from north;
    ``alarm``/``status`` are the 32-bit words of JT/T 808 message 0x0200; ``backfill`` is true for
    blind-area uploads (0x0704 type 1).
    """

    time: datetime
    lon: float
    lat: float
    speed_kmh: float | None = None
    heading: int | None = None
    altitude_m: int | None = None
    located: bool = True
    alarm: int = 0
    status: int = 0
    backfill: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FixColumns:
    """Fixes of many vehicles as arrays of one length, in order of (vehicle, time, as sent).

    ``vehicle``: which of the judged vehicles, ascending; ``at``: seconds since 1970 UTC; ``lon``, ``lat``:
    WGS-84 degrees; ``speed_kmh``: nan where the terminal says none; ``alarm``, ``status``: the words of
    JT/T 808 message 0x0200.
    """

    vehicle: NDArray[np.intp]
    at: NDArray[np.float64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    speed_kmh: NDArray[np.float64]
    alarm: NDArray[np.uint32]
    status: NDArray[np.uint32]
    located: NDArray[np.bool_]
    backfill: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.at)

    def fix(self, row: int) -> Fix:
        """One row as a Fix (heading and altitude are not in the columns)."""
        speed = float(self.speed_kmh[row])
        return Fix(
            datetime.fromtimestamp(float(self.at[row]), UTC),
            float(self.lon[row]),
            float(self.lat[row]),
            None if math.isnan(speed) else speed,
            located=bool(self.located[row]),
            alarm=int(self.alarm[row]),
            status=int(self.status[row]),
            backfill=bool(self.backfill[row]),
        )

    @classmethod
    def of(cls, tracks: Sequence[Sequence[Fix]]) -> FixColumns:
        """One track per vehicle, each in order of time, as columns."""
        fixes = [fix for track in tracks for fix in track]
        speeds = [math.nan if f.speed_kmh is None else f.speed_kmh for f in fixes]
        return cls(
            np.repeat(np.arange(len(tracks)), [len(track) for track in tracks]),
            np.array([f.time.timestamp() for f in fixes], dtype=np.float64),
            np.array([f.lon for f in fixes], dtype=np.float64),
            np.array([f.lat for f in fixes], dtype=np.float64),
            np.array(speeds, dtype=np.float64),
            np.array([f.alarm for f in fixes], dtype=np.uint32),
            np.array([f.status for f in fixes], dtype=np.uint32),
            np.array([f.located for f in fixes], dtype=np.bool_),
            np.array([f.backfill for f in fixes], dtype=np.bool_),
        )
