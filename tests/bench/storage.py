"""``python tests/bench/storage.py tracks FOLDER | whole | insert | search``: what storing fixes costs.

tracks  bytes a fix on each CSV (id,t,lon,lat,speed_kmh) of FOLDER (or HAZPARK_TRACKS)
whole   bytes a fix of a synthetic fleet with speed, heading, altitude and items, as terminals send them
insert  rows a second as one partition grows to --rows
search  builds --fixes packed fixes (once, with --database FOLDER) and asks who passed where; writes
        build/passed.json
Figures of one machine and one moment: trust the ratios. Nothing here is a test.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import driving
import inserting
import numpy as np
from sqlalchemy import Engine, delete, func, select, text

from geo.passing import Place
from parking import db, schema
from parking.models import FixBlock
from parking.packed import block, grouping
from parking.packed.columns import NO_EXTRAS, KeptColumns, objects
from parking.queries import fixes, passing
from parking.services import packing
from workers.servers import both

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OUT = Path(__file__).parents[2] / "build" / "passed.json"
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
    done, days = _there(engine, vehicles)
    asked, spent, began = done * 5 // wanted, 0.0, done
    found: list[dict[str, Any]] = []
    while done < wanted:
        luck = np.random.default_rng([2, days])
        for first in range(1, vehicles + 1, TOGETHER):
            trucks = min(TOGETHER, vehicles + 1 - first)
            rows = driving.day(START + days * DAY, first, trucks, luck).by_vehicle()
            begin = time.perf_counter()
            _pack(engine, days, rows)
            spent += time.perf_counter() - begin
            done += len(rows)
        days += 1
        print(f"  {done:>11,} fixes packed, {(done - began) / spent:>9,.0f}/s", flush=True)
        if done < wanted and done * 5 // wanted > asked:
            asked = done * 5 // wanted
            found.append(_report(engine, done, days))
    found.append(_report(engine, done, days))
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"vehicles": vehicles, "machine": platform.platform(), "at": found}, indent=2))


def _there(engine: Engine, vehicles: int) -> tuple[int, int]:
    """(fixes, days) that an earlier run has packed; a day it did not finish is packed again."""
    fixes_of = func.sum(FixBlock.fixes)
    with db.transaction(engine) as session:
        held = session.execute(select(FixBlock.period_start, fixes_of).group_by(FixBlock.period_start)).all()
        expected = vehicles * driving.DAY_S // driving.EVERY_S
        whole = {day: int(count) for day, count in held if count == expected}
        session.execute(delete(FixBlock).where(FixBlock.period_start.not_in(whole)))
    return sum(whole.values()), len(whole)


def _pack(engine: Engine, day: int, rows: KeptColumns) -> None:
    with db.transaction(engine) as session:
        for piece, leads in grouping.pieces(rows, {}):
            packing.write_block(session, START + day * DAY, START + (day + 1) * DAY, piece, leads)


def _report(engine: Engine, done: int, days: int) -> dict[str, Any]:
    sizes = {
        "on_disk": "pg_total_relation_size('fix_block')",
        "indexes": "pg_indexes_size('fix_block')",
        "outlines": "(SELECT sum(length(outline)) FROM fix_block)",
    }
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("VACUUM ANALYZE fix_block"))
        each = {name: connection.scalar(text(f"SELECT {size}")) / done for name, size in sizes.items()}
    print(f"  {each['on_disk']:.2f} bytes a fix on disk, all told; {each['indexes']:.2f} of them indexes, "
          f"{each['outlines']:.2f} outlines")  # fmt: skip
    answers = [_ask(engine, *question) for question in _questions(days)]
    for what, since, until in (("a day", 0, 1), ("a week", 0, 7)):
        begin = time.perf_counter()
        with db.reading(engine) as session:
            found = fixes.of_vehicle(session, 77, START + since * DAY, START + until * DAY)
        print(f"  one vehicle, {what:<24}{len(found):>8} fixes {time.perf_counter() - begin:>7.3f} s")
    return {"fixes": done, "days": days, "bytes_a_fix": each, "questions": answers}


def _questions(days: int) -> Iterator[tuple[str, Place, datetime, datetime]]:
    """The hour in which the whole fleet stands at the gate; elsewhere the one in which it drives away."""
    park, field = Place(*driving.PARK, 500), Place(driving.PARK[0] + 0.2, driving.PARK[1] + 0.15, 500)
    middle = START + days // 2 * DAY
    for name, place, hour in (("gate of the park", park, 12), ("in the fields", field, 14)):
        yield f"{name}, an hour", place, middle + timedelta(hours=hour), middle + timedelta(hours=hour + 1)
        yield f"{name}, a day", place, middle, middle + DAY
        yield f"{name}, a week", place, middle - 3 * DAY, middle + 4 * DAY
        yield f"{name}, all {days} days", place, START, START + days * DAY


def _ask(engine: Engine, name: str, place: Place, since: datetime, until: datetime) -> dict[str, Any]:
    spent, worked = [], []
    for _ in range(3):
        begin, before = time.perf_counter(), time.process_time()
        with db.reading(engine) as session:
            found = passing.passed(session, place, since, until)
        spent.append(time.perf_counter() - begin)
        worked.append(time.process_time() - before)
    print(f"  {name:<36}{found.vehicles:>6} vehicles {found.blocks:>6} blocks first {spent[0]:>7.3f} s, "
          f"best {min(spent):>7.3f} s, this process {min(worked):.3f} s", flush=True)  # fmt: skip
    return {"question": name, "vehicles": found.vehicles, "blocks": found.blocks,
            "first_s": round(spent[0], 3), "best_s": round(min(spent), 3)}  # fmt: skip


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("what", choices=("tracks", "whole", "insert", "search"))
    options.add_argument("folder", nargs="?", default=os.environ.get("HAZPARK_TRACKS", ""))
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--fixes", type=int, default=5_000_000)
    options.add_argument("--vehicles", type=int, default=2_000)
    options.add_argument("--database", type=Path, help="search: a folder to build in once and keep")
    chosen = options.parse_args(argv)
    if chosen.what == "tracks":
        tracks(Path(chosen.folder))
    elif chosen.what == "whole":
        whole()
    else:
        with (
            tempfile.TemporaryDirectory(prefix="hzb") as folder,
            both(chosen.database or Path(folder)) as servers,
        ):
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
