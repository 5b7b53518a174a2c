"""How fast the park judges: membership, full judging, replay, side by side with peers in the same run."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
from datetime import UTC, datetime
from itertools import repeat
from typing import Any

import geopandas
import numpy as np
import parkland
import shapely
from numpy.typing import NDArray
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from geo.fix import FixColumns
from geo.shapes import LayerKind
from geo.zonemap import Areas, ZoneMap
from parking.rules.ground import Ground
from parking.rules.monitor import State, judge_many
from parking.rules.sight import Journey, Timeline

BATCH = 20_000
PARTS = 20
_grounds: list[Ground] = []
BOOKED = Timeline((0.0,), (Journey(booked=True, loaded=True),))


def best(work: Any, repeats: int = 5) -> float:
    """Seconds of this core in the quickest run; what else the machine does counts little."""
    spent = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        spent.append(time.process_time() - begin)
    return min(spent)


def areas(tenfold: bool) -> list[BaseGeometry]:
    """The 609 areas; ``tenfold``: as many again, nine times, farther out in the watched land."""
    made: list[BaseGeometry] = []
    for kind, many in parkland.shapes().items():
        made += [s.buffer(50) if kind is LayerKind.ROUTE else s for s in many]
    luck = np.random.default_rng(7)
    far = [
        translate(
            made[n % len(made)].envelope.buffer(0), *luck.choice((-1, 1), 2) * luck.uniform(5000, 12000, 2)
        )
        for n in range(9 * len(made) if tenfold else 0)
    ]
    return made + far


def bench_membership() -> dict[str, Any]:
    luck = np.random.default_rng(2)
    x, y = luck.uniform(-2600, 2600, (2, BATCH))
    found: dict[str, Any] = {"fixes": BATCH}
    for name, tenfold in (("609_areas", False), ("6090_areas", True)):
        made = areas(tenfold)
        begin = time.perf_counter()
        index = ZoneMap(Areas(made))
        built = time.perf_counter() - begin
        begin = time.perf_counter()
        points, held = index.pairs(x, y)
        cold = time.perf_counter() - begin
        warm = best(lambda index=index: index.pairs(x, y))
        polygons = geopandas.GeoDataFrame(geometry=made)
        joined = best(lambda polygons=polygons: _joined(x, y, polygons), 2)
        same = set(zip(points.tolist(), held.tolist(), strict=True)) == _pairs(_joined(x, y, polygons))
        found[name] = {
            "areas": len(made), "build_s": round(built, 3), "first_batch_s": round(cold, 3),
            "batch_ms": round(1000 * warm, 2), "fixes_per_s": round(BATCH / warm),
            "times_geopandas_sjoin": round(joined / warm, 1),
            "times_plain_loop": round(_looped(x, y, made) / warm), "same_hits_as_sjoin": same,
        }  # fmt: skip
    found["tenfold_costs"] = round(found["6090_areas"]["batch_ms"] / found["609_areas"]["batch_ms"], 2)
    return found


def _joined(x: NDArray[np.float64], y: NDArray[np.float64], polygons: geopandas.GeoDataFrame) -> Any:
    points = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(x, y))
    return geopandas.sjoin(points, polygons, predicate="intersects")


def _pairs(joined: Any) -> set[tuple[int, int]]:
    return set(zip(joined.index.tolist(), joined["index_right"].tolist(), strict=True))


def _looped(x: NDArray[np.float64], y: NDArray[np.float64], made: list[BaseGeometry]) -> float:
    """Seconds of the loop peers run, each point against each fence; measured on 100 points."""
    shapely.prepare(made)
    points = shapely.points(x[:100], y[:100])
    return best(lambda: [s.intersects(p) for p in points for s in made], 1) * len(x) / 100


def bench_judging() -> dict[str, Any]:
    """Everything the park judges, one core."""
    ground, found = Ground(parkland.park()), {}
    for name, vehicles, fixes, every in (
        ("2,000 vehicles, 10 fixes each", 2000, 20, 10.0),
        ("200 vehicles, 100 fixes each", 200, 200, 10.0),
        ("20,000 vehicles, 1 fix each", BATCH, 2, 30.0),
    ):
        found[name] = _judged(ground, parkland.traffic(vehicles, fixes, every), vehicles)
    return found


def _judged(ground: Ground, columns: FixColumns, vehicles: int) -> dict[str, Any]:
    """The second half of each vehicle's fixes: what is measured is the river, not its first drop."""
    journeys = [BOOKED] * vehicles
    each = len(columns) // vehicles
    second = np.arange(len(columns)) % each >= each // 2
    states = [State.new()] * vehicles
    states = judge_many(ground, states, _rows(columns, ~second), journeys, parkland.NOW).states
    later = _rows(columns, second)
    result = judge_many(ground, states, later, journeys, parkland.NOW)
    spent = best(lambda: judge_many(ground, states, later, journeys, parkland.NOW), 3)
    return {"fixes_per_s": round(len(later) / spent), "fixes": len(later), "findings": len(result.findings)}


def _rows(columns: FixColumns, chosen: NDArray[np.bool_]) -> FixColumns:
    return FixColumns(*(getattr(columns, f.name)[chosen] for f in fields(columns)))


def bench_replay(vehicles: int = 2000, fixes: int = 2500, processes: int = 2) -> dict[str, Any]:
    """Tracks from files judged anew, in as many processes as there are cores, with a progress bar."""
    parts = [vehicles // PARTS] * PARTS
    with tempfile.TemporaryDirectory(prefix="hzr") as folder, ProcessPoolExecutor(processes) as pool:
        files = list(pool.map(_made, repeat(folder), range(PARTS), parts, repeat(fixes)))
        begin, done, found, memory = time.perf_counter(), 0, 0, [0] * processes
        for count, findings, most in pool.map(_replayed, files):
            done, found = done + count, found + findings
            memory = sorted([*memory, most])[-processes:]
            print(f"\r{_bar(done / (vehicles * fixes))} {done:,} fixes", end="", file=sys.stderr, flush=True)
        spent = time.perf_counter() - begin
    print(file=sys.stderr)
    return {
        "fixes": done, "vehicles": vehicles, "findings": found, "seconds": round(spent, 1),
        "fixes_per_s": round(done / spent), "memory_mb_all_processes": sum(memory) // 1024,
    }  # fmt: skip


def _bar(share: float) -> str:
    return "[" + ("#" * round(40 * share)).ljust(40, ".") + "]"


def _made(folder: str, number: int, vehicles: int, fixes: int) -> str:
    columns = parkland.traffic(vehicles, fixes, 30.0, seed=100 + number)
    file = f"{folder}/{number}.npz"
    np.savez(file, **{f.name: getattr(columns, f.name) for f in fields(columns)})
    return file


def _replayed(file: str) -> tuple[int, int, int]:
    if not _grounds:
        _grounds.append(Ground(parkland.park()))
    with np.load(file) as kept:
        columns = FixColumns(**{f.name: kept[f.name] for f in fields(FixColumns)})
    vehicles = int(columns.vehicle[-1]) + 1
    now = datetime.fromtimestamp(float(columns.at.max()), UTC)
    result = judge_many(_grounds[0], [State.new()] * vehicles, columns, [BOOKED] * vehicles, now)
    return len(columns), len(result.findings), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    parkland.tell(
        "judging", {"membership": bench_membership(), "judging": bench_judging(), "replay": bench_replay()}
    )
