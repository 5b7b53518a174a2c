"""From the path of a block to the legs driven, and to what an index must know of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from geo.passing import Legs, drivable
from parking.packed import cells
from parking.packed.block import Leads, Path
from parking.packed.columns import SECOND, Flags, Ints, KeptColumns


@dataclass(frozen=True, slots=True)
class Ways:
    """One leg for each placed fix: from the fix before it, or of no length where none can be joined.

    ``row``: the number of the fix in the block.
    """

    row: Ints
    legs: Legs


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a block passes: [west, south, east, north] in degrees (None: nowhere known) and its cells."""

    box: tuple[float, float, float, float] | None
    cells: list[int]


def path_of(rows: KeptColumns, leads: Leads) -> Path:
    """The path a block of ``rows`` (in the order of a block) has, without packing it."""
    return Path(
        rows.tracks(), rows.vehicle, rows.has_vehicle, rows.terminal, rows.time, rows.lon, rows.lat,
        rows.placed(), leads,
    )  # fmt: skip


def joined(paths: Sequence[Path]) -> Path:
    """The tracks of several paths as one. One that several have stays as many tracks."""
    if len(paths) == 1:
        return paths[0]
    sizes = np.array([len(path.time) for path in paths])
    shifts = (np.cumsum(sizes) - sizes).tolist()
    columns = {
        f.name: np.concatenate([getattr(path, f.name) for path in paths])
        for f in fields(Path)
        if f.name not in ("starts", "leads")
    }
    leads = (np.concatenate([getattr(path.leads, f.name) for path in paths]) for f in fields(Leads))
    starts = np.concatenate([path.starts + n for path, n in zip(paths, shifts, strict=True)])
    return Path(starts=starts, leads=Leads(*leads), **columns)


def ways(path: Path, may: Callable[[Legs], Flags] | None = None) -> Ways:
    """``may``: of which legs anything is wanted; it sees them before it is known whether they can have been
    driven, from end to end, and answers for the end alone too."""
    row = np.flatnonzero(path.placed)
    track = np.searchsorted(path.starts, row, side="right") - 1
    first = np.diff(track, prepend=-1) != 0
    before = np.roll(row, 1)
    lead = path.leads.time[track]
    t0 = np.where(first, lead, path.time[before])
    lon0 = np.where(first, path.leads.lon[track], path.lon[before])
    lat0 = np.where(first, path.leads.lat[track], path.lat[before])
    legs = Legs(t0, lon0, lat0, path.time[row], path.lon[row], path.lat[row])
    unled = first & (lead == 0)
    if may is not None:
        wanted = np.flatnonzero(may(legs))
        row, legs, unled = row[wanted], legs.take(wanted), unled[wanted]
    parted = ~drivable(legs) | unled
    return Ways(
        row,
        Legs(
            np.where(parted, legs.t1, legs.t0), np.where(parted, legs.lon1, legs.lon0),
            np.where(parted, legs.lat1, legs.lat0), legs.t1, legs.lon1, legs.lat1,
        ),
    )  # fmt: skip


def reach(path: Path) -> Reach:
    found = ways(path).legs
    if not len(found):
        return Reach(None, [])
    lon, lat = (np.concatenate(pair) for pair in ((found.lon0, found.lon1), (found.lat0, found.lat1)))
    box = (float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))
    return Reach(box, cells.of_legs(found).tolist())


def last_placed(rows: KeptColumns) -> dict[tuple[int, int], tuple[int, float, float]]:
    """(vehicle or 0, terminal) → (time, lon, lat) of its last placed fix. Rows in the order of a block."""
    placed = rows.take(np.flatnonzero(rows.placed()))
    if not len(placed):
        return {}
    ends = np.append(placed.tracks()[1:], len(placed)) - 1
    last = placed.take(ends)
    keys = zip(last.vehicle.tolist(), last.terminal.tolist(), strict=True)
    values = zip(last.time.tolist(), last.lon.tolist(), last.lat.tolist(), strict=True)
    return dict(zip(keys, values, strict=True))


def leads_of(rows: KeptColumns, last: dict[tuple[int, int], tuple[int, float, float]]) -> Leads:
    """For each track of ``rows`` (in the order of a block) the last fix before it, from ``last``."""
    starts = rows.tracks()
    keys = zip(rows.vehicle[starts].tolist(), rows.terminal[starts].tolist(), strict=True)
    found = [last.get(key, (0, 0.0, 0.0)) for key in keys]
    time = np.array([t for t, _, _ in found], np.int64)
    return Leads(time - time % SECOND, np.array([x for _, x, _ in found]), np.array([y for _, _, y in found]))
