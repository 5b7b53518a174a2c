"""A fleet that drives between sites for days, as columns: quick to make, and as hard to pack as a real one.

Each truck stops half of its time, drives between random sites of a region 3 degrees wide, and goes through
the park once a day. GPS noise 3 m, terminal speed and heading, a report every 30 s (assumptions).
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from parking.packed.columns import NO_EXTRAS, SECOND, KeptColumns, micros

PARK = (110.95, 35.68)
WIDE, LEGS, EVERY_S = 3.0, 8, 30
DAY_S = 86_400
_NOISE = 3 / 111_195


def day(start: datetime, first: int, vehicles: int, luck: np.random.Generator) -> KeptColumns:
    """The fixes of ``vehicles`` trucks, numbered from ``first``, on the day that begins at ``start``."""
    ticks = np.arange(0, DAY_S, EVERY_S)
    lon, lat = (_way(vehicles, ticks, axis, luck) for axis in range(2))
    moved = np.hypot(*(np.diff(a, axis=1, prepend=a[:, :1]) for a in (lon, lat))) > 1e-7
    heading = np.degrees(np.arctan2(*(np.diff(a, axis=1, prepend=a[:, :1]) for a in (lon, lat)))) % 360
    metres = np.hypot(*(np.diff(a, axis=1, prepend=a[:, :1]) for a in (lon, lat))) * 100_000
    speed = np.where(moved, metres / EVERY_S * 3.6 + luck.normal(0, 4, lon.shape), 0).clip(0, 110)
    heading = np.where(moved, heading + luck.normal(0, 4, lon.shape), 0)
    jitter = np.where(moved, 1.0, 0.15)
    lon, lat = (a + luck.normal(0, _NOISE, a.shape) * jitter for a in (lon, lat))
    count = lon.size
    phase = luck.integers(0, EVERY_S, (vehicles, 1))
    time = (micros(start) + (ticks + phase) * SECOND).ravel()
    vehicle = np.repeat(np.arange(first, first + vehicles), len(ticks))
    none = np.full(count, None, object)
    return KeptColumns(
        time=time, received=time + luck.integers(0, 3, count) * SECOND, terminal=vehicle, vehicle=vehicle,
        serial=np.tile(np.arange(len(ticks)) * 2 % 65536, vehicles), item=np.zeros(count, np.int64),
        lon=np.round(lon.ravel(), 6), lat=np.round(lat.ravel(), 6), speed=np.round(speed.ravel(), 1),
        heading=heading.ravel().astype(np.int64) % 360,
        altitude=(400 + luck.integers(-1, 2, (vehicles, len(ticks))).cumsum(axis=1)).ravel(),
        located=np.ones(count, bool), backfill=np.zeros(count, bool), alarm=np.zeros(count, np.int64),
        status=np.where(moved.ravel(), 3, 2), nulls=np.full(count, NO_EXTRAS), mark=none, extras=none,
    )  # fmt: skip


def _way(vehicles: int, ticks: np.ndarray, axis: int, luck: np.random.Generator) -> np.ndarray:
    """One coordinate: stand for half of each leg's time, then drive on; one site of the day is the park."""
    sites = PARK[axis] + luck.uniform(-WIDE / 2, WIDE / 2, (vehicles, LEGS + 1)) / 4
    sites[np.arange(vehicles), LEGS // 2] = PARK[axis] + luck.uniform(-0.004, 0.004, vehicles)
    leg, within = np.divmod(ticks / DAY_S * LEGS, 1)
    number = leg.astype(np.int64)
    share = np.clip(within * 2 - 1, 0, 1)
    return sites[:, number] + share * (sites[:, number + 1] - sites[:, number])
