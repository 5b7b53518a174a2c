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


#: Rows of one measurement, and rows of the small table it is compared with.
MEASURED, SMALL = 500_000, 1_000_000


def fill(url: str, marks: list[int], fleet: int, every_s: int) -> list[tuple[int, int, int]]:
    """[(rows there, rows a second into them, the same into a table of a million rows)] at each mark.

    A shared machine is fast one minute and slow the next, so the two take turns batch by batch. The small
    table is larger than the memory PostgreSQL is given, so that both must write what they evict. The first
    mark must be above 1,500,000 rows, or the small table would hold the rows measured already.
    """
    seen: list[tuple[int, int, int]] = []
    done = 0
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE arriving (LIKE fix) ON COMMIT DELETE ROWS")
        for mark in marks:
            _insert(connection, ["fix"], done, mark - MEASURED - done, fleet, every_s)
            _small(connection, mark, fleet, every_s)
            grown, small = _insert(connection, ["fix", "small"], mark - MEASURED, MEASURED, fleet, every_s)
            connection.execute("DROP TABLE small")
            seen.append((mark, grown, small))
            done = mark
            print(f"  {mark:>11,} rows {grown:>9,}/s  small {small:>9,}/s  {grown / small:.2f}", flush=True)
    return seen


def _small(connection: psycopg.Connection[Any], mark: int, fleet: int, every_s: int) -> None:
    connection.execute("CREATE TABLE small (LIKE fix INCLUDING INDEXES) PARTITION BY RANGE (time)")
    connection.execute("CREATE TABLE small_1 PARTITION OF small DEFAULT")
    _insert(connection, ["small"], max(0, mark - MEASURED - SMALL), SMALL, fleet, every_s)


def _insert(
    connection: psycopg.Connection[Any], tables: list[str], begin: int, rows: int, fleet: int, every_s: int
) -> list[int]:
    """Rows a second into each of ``tables``, which take turns batch by batch."""
    spent = dict.fromkeys(tables, 0.0)
    for body in batches(max(rows, 0), fleet, every_s, begin):
        for table in tables:
            started = time.perf_counter()
            with connection.transaction(), connection.cursor() as cursor:
                with cursor.copy(f"COPY arriving ({_COLUMNS}) FROM STDIN BINARY") as copy:
                    copy.write(body)
                cursor.execute(f"INSERT INTO {table} SELECT * FROM arriving ON CONFLICT DO NOTHING")
            spent[table] += time.perf_counter() - started
    return [round(rows / taken) if taken else 0 for taken in spent.values()]
