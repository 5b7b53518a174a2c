"""How fast fixes go in as the table grows: COPY binary → temporary table → INSERT … ON CONFLICT."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import psycopg

BATCH = 10_000
START = datetime(2026, 3, 1, tzinfo=UTC)
_2000 = datetime(2000, 1, 1, tzinfo=UTC)
_FIELDS = (
    ("time", ">i8"), ("terminal", ">i8"), ("serial", ">i4"), ("item", ">i2"), ("vehicle", ">i8"),
    ("lon", ">f8"), ("lat", ">f8"), ("speed", ">f8"), ("heading", ">i2"), ("altitude", ">i4"),
    ("located", ">u1"), ("alarm", ">i8"), ("status", ">i8"), ("backfill", ">u1"),
    ("received", ">i8"),
)  # fmt: skip
_COLUMNS = (
    "time, terminal_id, serial, item, vehicle_id, lon, lat, speed_kmh, heading, altitude_m, located, alarm,"
    " status, backfill, received_at"
)


def _layout() -> np.dtype[Any]:
    parts: list[tuple[str, str]] = [("fields", ">i2")]
    for name, kind in _FIELDS:
        parts += [(f"{name}_size", ">i4"), (name, kind)]
    return np.dtype(parts)


def batches(rows: int, fleet: int, every_s: int, begin: int = 0) -> Iterator[bytes]:
    """COPY binary bodies: ``fleet`` vehicles that each report every ``every_s`` seconds, in order of time."""
    layout = _layout()
    luck = np.random.default_rng(1)
    out = np.zeros(BATCH, layout)
    out["fields"] = len(_FIELDS)
    for name, kind in _FIELDS:
        out[f"{name}_size"] = np.dtype(kind).itemsize
    out["located"], out["status"], out["altitude"] = 1, 3, 400
    for first in range(begin, begin + rows, BATCH):
        number = np.arange(first, first + BATCH)
        vehicle = number * 7919 % fleet
        seconds = number * every_s // fleet
        at = (START - _2000) // timedelta(microseconds=1) + seconds * 1_000_000
        out["time"], out["received"] = at, at + 400_000
        out["terminal"] = out["vehicle"] = vehicle + 1
        out["serial"] = number // fleet % 65536
        out["lon"] = 110 + vehicle % 1000 / 100 + luck.integers(0, 9999, BATCH) / 1e6
        out["lat"] = 30 + vehicle // 1000 / 100 + luck.integers(0, 9999, BATCH) / 1e6
        out["speed"], out["heading"] = luck.integers(0, 900, BATCH) / 10, luck.integers(0, 360, BATCH)
        yield b"PGCOPY\n\xff\r\n\0" + bytes(8) + out.tobytes() + b"\xff\xff"


def fill(url: str, rows: int, marks: list[int], fleet: int, every_s: int) -> list[tuple[int, int]]:
    """[(rows there, rows a second over the last million)] at each of ``marks``."""
    seen, done, stones = [], 0, []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE arriving (LIKE fix) ON COMMIT DELETE ROWS")
        for body in batches(rows, fleet, every_s):
            with connection.transaction(), connection.cursor() as cursor:
                with cursor.copy(f"COPY arriving ({_COLUMNS}) FROM STDIN BINARY") as copy:
                    copy.write(body)
                cursor.execute("INSERT INTO fix SELECT * FROM arriving ON CONFLICT DO NOTHING")
            done += BATCH
            stones.append(time.perf_counter())
            if done in marks:
                back = min(len(stones) - 1, 1_000_000 // BATCH)
                seen.append((done, round(back * BATCH / (stones[-1] - stones[-1 - back]))))
                print("   ", seen[-1], flush=True)
    return seen
