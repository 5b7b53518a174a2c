"""``python tests/bench/storage.py tracks FOLDER | whole | insert | search``: what storing fixes costs.

tracks  bytes a fix on each CSV (id,t,lon,lat,speed_kmh) of FOLDER (or HAZPARK_TRACKS)
whole   bytes a fix of a synthetic fleet with speed, heading, altitude and items, as terminals send them
insert  rows a second as one partition grows to --rows
search  builds --fixes packed fixes and asks who passed where
Figures of one machine and one moment: trust the ratios. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import driving
import inserting
import numpy as np
from sqlalchemy import Engine, text

from geo.passing import Place
from parking import db, schema
from parking.packed import block, grouping
from parking.packed.columns import NO_EXTRAS, KeptColumns, objects
from parking.queries import fixes, passing
from parking.services import packing
from workers.servers import both

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
#: Trucks packed together: as many as fill a run of packing (services/packing.CHUNK).
TOGETHER = 340


def tracks(folder: Path) -> None:
    """Positions are rounded to 1e-6 degree first, as a terminal's message does."""
    print(f"{'file':<24}{'fixes':>9}{'bytes a fix':>13}{'as found':>10}")
    for file in sorted(folder.glob("*.csv")):
        with file.open(newline="") as lines:
            given = list(csv.DictReader(lines))
        if not given or not {"id", "t", "lon", "lat"} <= set(given[0]):
            continue
        exact = _columns(given)
        rounded = replace(exact, lon=np.round(exact.lon, 6), lat=np.round(exact.lat, 6))
        print(f"{file.name:<24}{len(exact):>9}{_each(rounded):>13.2f}{_each(exact):>10.2f}")


def _columns(given: list[dict[str, str]]) -> KeptColumns:
    numbers: dict[str, int] = {}
    serials: dict[str, int] = {}
    rows = []
    for line in given:
        who = line["id"]
        vehicle = numbers.setdefault(who, len(numbers) + 1)
        serials[who] = serials.get(who, -1) + 1
        at = datetime.fromisoformat(line["t"])
        speed = float(line["speed_kmh"]) if line.get("speed_kmh") else None
        rows.append((at, at, vehicle, vehicle, serials[who] % 65536, 0, float(line["lon"]),
                     float(line["lat"]), speed, None, None, True, False, 0, 3, None, None))  # fmt: skip
    return KeptColumns.of(rows).once()


def _each(rows: KeptColumns) -> float:
    return sum(block.pack(*piece).size for piece in grouping.pieces(rows, {})) / len(rows)


def whole() -> None:
    luck = np.random.default_rng(1)
    bare = driving.day(START, 1, 60, luck)
    km = np.round(np.repeat(np.arange(60) * 1000.0, len(bare) // 60) + np.tile(np.arange(2880) * 0.2, 60), 1)
    items = [{"mileage_km": float(k), "satellites": int(n), "signal_strength": int(s)}
             for k, n, s in zip(km, luck.integers(8, 13, len(bare)), luck.integers(20, 32, len(bare)),
                                strict=True)]  # fmt: skip
    full = replace(bare, extras=objects(items), nulls=bare.nulls & ~NO_EXTRAS)
    for name, rows in (("without items", bare), ("with three items", full)):
        rows = rows.once()
        begin = time.perf_counter()
        size = _each(rows)
        spent = time.perf_counter() - begin
        print(f"{name:<20}{size:>6.2f} bytes a fix, {len(rows) / spent:>9,.0f} fixes/s packed and verified")
        for piece, leads in list(grouping.pieces(rows, {}))[:1]:
            packed = block.pack(piece, leads)
            print(
                f"{'':<20}path {len(packed.path) / len(piece):.2f}, rest {len(packed.rest) / len(piece):.2f}"
            )


def insert(url: str, rows: int) -> None:
    marks = [m for m in (2_000_000, 5_000_000, 10_000_000, 20_000_000, 35_000_000, 50_000_000) if m <= rows]
    inserting.fill(url, marks, fleet=400_000, every_s=30)


def search(url: str, wanted: int, vehicles: int) -> None:
    """Pack day after day of the fleet; ask at a fifth of ``wanted`` and at the end."""
    engine = db.make_engine(url)
    luck = np.random.default_rng(2)
    done = days = asked = 0
    spent = 0.0
    while done < wanted:
        for first in range(1, vehicles + 1, TOGETHER):
            trucks = min(TOGETHER, vehicles + 1 - first)
            rows = driving.day(START + days * DAY, first, trucks, luck).by_vehicle()
            begin = time.perf_counter()
            _pack(engine, days, rows)
            spent += time.perf_counter() - begin
            done += len(rows)
        days += 1
        print(f"  {done:>11,} fixes packed, {done / spent:>9,.0f}/s", flush=True)
        if done * 5 // wanted > asked:
            asked = done * 5 // wanted
            _report(engine, done, days)


def _pack(engine: Engine, day: int, rows: KeptColumns) -> None:
    with db.transaction(engine) as session:
        for piece, leads in grouping.pieces(rows, {}):
            packing.write_block(session, START + day * DAY, START + (day + 1) * DAY, piece, leads)


def _report(engine: Engine, done: int, days: int) -> None:
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("VACUUM ANALYZE fix_block"))
        size = connection.scalar(text("SELECT pg_total_relation_size('fix_block')"))
        index = connection.scalar(text("SELECT pg_indexes_size('fix_block')"))
    print(f"  {size / done:.2f} bytes a fix on disk, all told; {index / done:.2f} of them indexes")
    for name, place, since, until in _questions(days):
        _ask(engine, name, place, since, until)
    for what, since, until in (("a day", 0, 1), ("a week", 0, 7)):
        begin = time.perf_counter()
        with db.reading(engine) as session:
            found = fixes.of_vehicle(session, 77, START + since * DAY, START + until * DAY)
        print(f"  one vehicle, {what:<24}{len(found):>8} fixes {time.perf_counter() - begin:>7.3f} s")


def _questions(days: int) -> Iterator[tuple[str, Place, datetime, datetime]]:
    park, field = Place(*driving.PARK, 500), Place(driving.PARK[0] + 0.2, driving.PARK[1] + 0.15, 500)
    middle = START + days // 2 * DAY
    for name, place in (("gate of the park", park), ("in the fields", field)):
        yield f"{name}, an hour", place, middle + timedelta(hours=12), middle + timedelta(hours=13)
        yield f"{name}, a day", place, middle, middle + DAY
        yield f"{name}, a week", place, middle - 3 * DAY, middle + 4 * DAY
        yield f"{name}, all {days} days", place, START, START + days * DAY


def _ask(engine: Engine, name: str, place: Place, since: datetime, until: datetime) -> None:
    spent, worked = [], []
    for _ in range(3):
        begin, before = time.perf_counter(), time.process_time()
        with db.reading(engine) as session:
            found = passing.passed(session, place, since, until)
        spent.append(time.perf_counter() - begin)
        worked.append(time.process_time() - before)
    print(f"  {name:<36}{found.vehicles:>6} vehicles {found.blocks:>6} blocks "
          f"{min(spent):>7.3f} s, of it {min(worked):.3f} s this process's work", flush=True)  # fmt: skip


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("what", choices=("tracks", "whole", "insert", "search"))
    options.add_argument("folder", nargs="?", default=os.environ.get("HAZPARK_TRACKS", ""))
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--fixes", type=int, default=5_000_000)
    options.add_argument("--vehicles", type=int, default=2_000)
    chosen = options.parse_args(argv)
    if chosen.what == "tracks":
        tracks(Path(chosen.folder))
    elif chosen.what == "whole":
        whole()
    else:
        with tempfile.TemporaryDirectory(prefix="hzb") as folder, both(Path(folder)) as servers:
            engine = db.make_engine(servers[0].url)
            schema.upgrade(engine)
            engine.dispose()
            if chosen.what == "insert":
                insert(servers[0].url, chosen.rows)
            else:
                search(servers[0].url, chosen.fixes, chosen.vehicles)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
