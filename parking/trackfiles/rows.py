"""One row of a file of tracks, as its format says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from parking.refused import Reason

#: km/h of one unit.
SPEED_UNITS = {"kmh": 1.0, "knots": 1.852, "mps": 3.6}


@dataclass(frozen=True, slots=True)
class Row:
    """``said``: texts by our names (time, lon, lat, speed, heading, altitude); ``fault``: why not."""

    line: int
    said: Mapping[str, str]
    fault: Reason | None = None
