"""Tracks of many vehicles in one CSV with the columns id, t, lon, lat and perhaps speed_kmh, for tools.

Times without a zone are UTC. Nothing is rounded: what was written is what is judged.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path

from geo.fix import Fix
from parking import fixvalues as values
from parking.refused import Reason, Refused, no
from parking.trackfiles import table
from parking.trackfiles.rows import Row
from parking.vocabulary import FixFault

#: Our field → headings that mean it, bare; the first four are needed.
NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id",), "t": ("t",), "lon": ("lon",), "lat": ("lat",), "speed_kmh": ("speedkmh",),
}  # fmt: skip
_NEEDED = ("id", "t", "lon", "lat")

Fault = tuple[int, Reason]


def read(path: Path) -> tuple[dict[str, list[Fix]], list[Fault]]:
    """Fixes by vehicle id, in file order, and (line, why) of each row that is unusable. Raises Refused."""
    tracks: dict[str, list[Fix]] = {}
    faults: list[Fault] = []
    try:
        with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
            for row in table.rows(file, NAMES, _NEEDED):
                try:
                    vehicle, fix = str(values.needed("id", row.said.get("id"))), _fix(row)
                    tracks.setdefault(vehicle, []).append(fix)
                except Refused as refused:
                    faults += [(row.line, reason) for reason in refused.reasons]
    except (OSError, csv.Error) as broken:
        raise Refused(no(FixFault.FILE_UNREADABLE, "file", reason=str(broken))) from broken
    if not tracks:
        raise Refused(no(FixFault.FILE_EMPTY, "file"))
    return tracks, faults


def _fix(row: Row) -> Fix:
    said = row.said
    return Fix(
        time=values.instant("t", values.needed("t", said.get("t")), UTC),
        lon=values.number("lon", values.needed("lon", said.get("lon")), -180, 180),
        lat=values.number("lat", values.needed("lat", said.get("lat")), -90, 90),
        speed_kmh=values.maybe("speed_kmh", said.get("speed_kmh"), 0, values.LARGEST_SPEED),
    )
