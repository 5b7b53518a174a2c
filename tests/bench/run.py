"""``make bench``: measures the rivers side by side with a peer in the same run; writes build/bench.json.

Figures of one machine and one moment: trust the ratios. Nothing here is a test.
"""

from __future__ import annotations

import json
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asking
import geopandas
import numpy as np
import planning
import shapely
from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from geo.fix import Fix
from geo.layers import read_park
from geo.shapes import LayerKind, Park
from parking import db, schema
from parking.models import FixRow
from parking.rules.ground import Ground
from parking.rules.monitor import Journey, State, judge
from parking.seed import load_park
from parking.services import terminals, tracking
from workers.demo import day
from workers.jt808.framing import Frame, Splitter
from workers.jt808.location import Location
from workers.jt808.messages import decode
from workers.servers import both

ROOT = Path(__file__).parents[2]
OUT = ROOT / "build" / "bench.json"
NOW = datetime(2026, 3, 3, tzinfo=UTC)
LUCK = random.Random(1)


def seconds(work: Callable[[], Any], repeat: int = 3) -> float:
    """The best of ``repeat`` runs."""
    best = float("inf")
    for _ in range(repeat):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best


def recorded() -> tuple[list[bytes], dict[str, list[Fix]]]:
    """The demo day's frames, and its fixes by vehicle."""
    frames: list[bytes] = []
    fixes: dict[str, list[Fix]] = {}
    for truck in day.read(ROOT / day.FOLDER).trucks:
        for said in truck.said:
            frames.append(said.frame)
            value = decode(_content(said.frame)).value
            if isinstance(value, Location):
                fixes.setdefault(truck.plate, []).append(_fix(value))
    return frames, fixes


def _content(frame: bytes) -> bytes:
    inside = Splitter().feed(frame)[0]
    assert isinstance(inside, Frame)
    return inside.content


def _fix(value: Location) -> Fix:
    return Fix(
        value.time, value.lon, value.lat, value.speed_kmh, value.heading, value.altitude_m,
        bool(value.status & 2), value.alarm, value.status,
    )  # fmt: skip


def bench_decode(frames: list[bytes]) -> dict[str, Any]:
    stream = b"".join(frames)

    def work() -> None:
        for inside in Splitter().feed(stream):
            if isinstance(inside, Frame):
                decode(inside.content)

    return {"frames_per_s": round(len(frames) / seconds(work)), "frames": len(frames)}


def bench_judge(park: Park, fixes: dict[str, list[Fix]]) -> dict[str, Any]:
    ground = Ground(park)
    journey = Journey(booked=True, loaded=True)
    count = sum(map(len, fixes.values()))

    def ours() -> None:
        for track in fixes.values():
            judge(ground, State.new(), track, lambda _: journey, NOW)

    return {"fixes_per_s": round(count / seconds(ours)), "fixes": count}


def bench_membership(park: Park) -> dict[str, Any]:
    """Which of the park's areas hold each of 5,000 points: our prepared areas, geopandas, a plain loop."""
    areas = [f for k in (LayerKind.ZONE, LayerKind.GATE, LayerKind.DOCK, LayerKind.BAY) for f in park.of(k)]
    west, south, east, north = park.of(LayerKind.BOUNDARY)[1].geometry.bounds
    lon = np.array([LUCK.uniform(west, east) for _ in range(5000)])
    lat = np.array([LUCK.uniform(south, north) for _ in range(5000)])
    shapes = np.array([f.geometry for f in areas], dtype=object)
    tree = shapely.STRtree(shapes)
    points = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(lon, lat), crs="EPSG:4326")
    polygons = geopandas.GeoDataFrame(geometry=list(shapes), crs="EPSG:4326")

    def indexed() -> int:
        return int(tree.query(shapely.points(lon, lat), predicate="intersects").shape[1])

    def joined() -> int:
        return len(geopandas.sjoin(points, polygons, predicate="intersects"))

    def looped() -> int:
        return sum(s.intersects(p) for p in shapely.points(lon[:500], lat[:500]) for s in shapes)

    ours, theirs, loop = seconds(indexed), seconds(joined), seconds(looped, 1) * 10
    assert indexed() == joined()
    return {
        "areas": len(areas), "points_per_s": round(5000 / ours),
        "times_geopandas_sjoin": round(theirs / ours, 1), "times_plain_loop": round(loop / ours, 1),
    }  # fmt: skip


def bench_take(url: str, fixes: dict[str, list[Fix]]) -> dict[str, Any]:
    """Decoded fixes into PostgreSQL by the live service, judged and committed, in batches of 200."""
    engine = db.make_engine(url)
    schema.upgrade(engine)
    load_park(ROOT / "fixtures" / "park", NOW, "bench", engine)
    batch = []
    with db.transaction(engine) as session:
        for n, (plate, track) in enumerate(fixes.items()):
            phone = f"1390000{n:04d}"
            terminals.register(session, phone, plate, 2, NOW)
            batch += [tracking.TerminalFix(phone, i, 0, f) for i, f in enumerate(track)]
    batch.sort(key=lambda entry: entry.fix.time)

    def work() -> None:
        with db.transaction(engine) as session:
            _empty(session)
        for n in range(0, len(batch), 200):
            with db.transaction(engine) as session:
                tracking.take(session, batch[n : n + 200], NOW)

    spent = seconds(work)
    engine.dispose()
    return {"fixes_per_s": round(len(batch) / spent), "fixes": len(batch)}


def _empty(session: Session) -> None:
    session.execute(delete(FixRow))
    session.execute(text("DELETE FROM watch"))


def main() -> int:
    park, report = read_park(ROOT / "fixtures" / "park")
    if park is None or report.errors:
        return 1
    frames, fixes = recorded()
    results: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "decode": bench_decode(frames),
        "membership": bench_membership(park),
        "judge": bench_judge(park, fixes),
    }
    with tempfile.TemporaryDirectory(prefix="hzb") as folder, both(Path(folder)) as servers:
        results["take"] = bench_take(servers[0].url, fixes)
    with tempfile.TemporaryDirectory(prefix="hzb") as folder, both(Path(folder)) as servers:
        results["suggest"] = asking.bench_suggest(servers[0].url)
    results["plan"] = planning.bench_plan()
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))
    print(planning.table(results["plan"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
