"""A position fix as everything above the wire knows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

#: Horizontal accuracy a terminal must reach, metres (JT/T 794-2019, amendment 1).
TERMINAL_ACCURACY_M = 15.0


@dataclass(frozen=True, slots=True)
class Fix:
    """One report of where a vehicle was.

    ``time`` is aware UTC (terminals resolve whole seconds); ``lon``/``lat`` are WGS-84 degrees;
    ``speed_kmh`` is the terminal's own speed or None; ``heading`` is degrees clockwise from north;
    ``alarm``/``status`` are the 32-bit words of JT/T 808 message 0x0200; ``backfill`` is true for
    blind-area uploads (0x0704 type 1); ``odometer_km`` is what the vehicle has driven in its life.
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
    odometer_km: float | None = None
