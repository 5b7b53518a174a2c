"""A position fix as everything above the wire knows it."""

from __future__ import annotations

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
    """Many fixes of many vehicles, one array a field, all of one length.

    ``vehicle`` says by number whose fix a row is; ``at`` is seconds since 1970 UTC; ``speed_kmh`` is NaN
    where the terminal told none. Rows are in order of (vehicle, time, serial, item).
    """

    vehicle: NDArray[np.int64]
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
        """The row as a value; what no rule of the park looks at (heading, altitude) is left out."""
        speed = float(self.speed_kmh[row])
        return Fix(
            time=datetime.fromtimestamp(float(self.at[row]), UTC),
            lon=float(self.lon[row]),
            lat=float(self.lat[row]),
            speed_kmh=None if speed != speed else speed,
            located=bool(self.located[row]),
            alarm=int(self.alarm[row]),
            status=int(self.status[row]),
            backfill=bool(self.backfill[row]),
        )
