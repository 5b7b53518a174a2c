"""How fast the park judges: membership, full judging, replay, side by side with peers in the same run."""

from __future__ import annotations

import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields
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
    """A month of tracks judged anew, in as many processes as there are cores."""
    parts = 40
    begin = time.perf_counter()
    with ProcessPoolExecutor(processes) as pool:
        results = pool.map(_part, range(parts), repeat(vehicles // parts), repeat(fixes))
        done, found, peak, cpu = 0, 0, 0, 0.0
        for count, findings, memory, spent in results:
            done, found, peak, cpu = done + count, found + findings, max(peak, memory), cpu + spent
            print(f"\rreplay {done:,} fixes", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {
        "fixes": done, "vehicles": vehicles, "findings": found, "wall_s_with_making_the_tracks": round(
            time.perf_counter() - begin, 1), "judging_s_on_these_cores": round(cpu / processes, 1),
        "fixes_per_s": round(done / (cpu / processes)), "memory_mb_of_a_process": peak // 1024,
    }  # fmt: skip


_grounds: list[Ground] = []


def _part(number: int, vehicles: int, fixes: int) -> tuple[int, int, int, float]:
    if not _grounds:
        _grounds.append(Ground(parkland.park()))
    columns = parkland.traffic(vehicles, fixes, 30.0, seed=100 + number)
    begin = time.process_time()
    result = judge_many(_grounds[0], [State.new()] * vehicles, columns, [BOOKED] * vehicles, parkland.NOW)
    spent = time.process_time() - begin
    return len(columns), len(result.findings), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, spent


if __name__ == "__main__":
    import json

    print(json.dumps(
        {"membership": bench_membership(), "judging": bench_judging(), "replay": bench_replay()}, indent=1
    ))  # fmt: skip
