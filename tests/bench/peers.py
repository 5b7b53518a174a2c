"""The same question put to PyMEOS, MovingPandas and PostGIS: who went over which line, in the same run.

A peer that is not there is left out with a sentence: PostGIS comes from Debian's postgresql-15-postgis-3.
We are measured with all of our judging, they with finding the crossings alone.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import parkland
import psycopg
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.fix import FixColumns
from geo.shapes import LayerKind
from parking.rules.ground import Ground
from parking.rules.monitor import State, judge_many
from parking.rules.sight import Journey, Timeline

#: Where Debian puts the programs of a PostgreSQL that PostGIS was built for.
DEBIAN = Path("/usr/lib/postgresql/15/bin")
BOOKED = Timeline((0.0,), (Journey(booked=True, loaded=True),))
Floats = NDArray[np.float64]


def bench_peers(vehicles: int = 200, fixes: int = 100) -> dict[str, Any]:
    columns = parkland.traffic(vehicles, fixes, 10.0)
    x, y = parkland.FRAME.metres(columns.lon, columns.lat)
    x, y = x - parkland.ORIGIN[0], y - parkland.ORIGIN[1]
    made = parkland.shapes()
    lines = [*made[LayerKind.BOUNDARY], *made[LayerKind.CONTROL_LINE], *made[LayerKind.ZONE]]
    ours = _ours(columns, vehicles)
    found: dict[str, Any] = {
        "fixes": len(columns), "lines": len(lines), "all_our_judging_fixes_per_s": round(len(columns) / ours),
    }  # fmt: skip
    for name, peer in (("pymeos", _pymeos), ("movingpandas", _movingpandas), ("postgis", _postgis)):
        try:
            theirs = peer(columns, x, y, lines)
        except NotThere as gone:
            found[name] = str(gone)
            continue
        found[name] = {"fixes_per_s": round(len(columns) / theirs), "times_slower": round(theirs / ours, 1)}
    return found


class NotThere(Exception):
    """A peer that is not installed."""


def _spent(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _ours(columns: FixColumns, vehicles: int) -> float:
    ground = Ground(parkland.park())

    def work() -> None:
        judge_many(ground, [State.new()] * vehicles, columns, [BOOKED] * vehicles, parkland.NOW)

    return min(_spent(work) for _ in range(3))


def _instants(columns: FixColumns) -> list[datetime]:
    return [datetime.fromtimestamp(t, UTC) for t in columns.at.tolist()]


def _needs(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        raise NotThere(f"not installed: pip install {name}")


def _pymeos(columns: FixColumns, x: Floats, y: Floats, lines: list[BaseGeometry]) -> float:
    _needs("pymeos")
    import pymeos

    pymeos.pymeos_initialize()
    instants = _instants(columns)
    ways = []
    for vehicle in range(int(columns.vehicle.max()) + 1):
        spots = [
            f"POINT({x[n]} {y[n]})@{instants[n].isoformat()}"
            for n in np.flatnonzero(columns.vehicle == vehicle).tolist()
        ]
        ways.append(pymeos.TGeomPointSeq("[" + ", ".join(spots) + "]"))

    def work() -> None:
        for way in ways:
            for line in lines:
                inside = way.at(line)
                if inside is not None:
                    inside.time()

    return _spent(work)


def _movingpandas(columns: FixColumns, x: Floats, y: Floats, lines: list[BaseGeometry]) -> float:
    _needs("movingpandas")
    import geopandas
    import movingpandas

    table = geopandas.GeoDataFrame(
        {"vehicle": columns.vehicle, "t": pandas.to_datetime(columns.at, unit="s")},
        geometry=geopandas.points_from_xy(x, y),
        crs="EPSG:32649",
    )
    logging.getLogger("movingpandas").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ways = movingpandas.TrajectoryCollection(table, "vehicle", t="t")

        def work() -> None:
            for line in lines:
                ways.clip(line)

        return _spent(work)


def _postgis(columns: FixColumns, x: Floats, y: Floats, lines: list[BaseGeometry]) -> float:
    from workers.servers import both

    if not (DEBIAN / "postgres").exists():
        raise NotThere("not installed: apt-get install postgresql-15-postgis-3")
    os.environ["HAZPARK_PG_BIN"] = str(DEBIAN)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="hzp") as folder,
            both(Path(folder)) as servers,
            psycopg.connect(servers[0].url) as connection,
        ):
            return _in_postgis(connection, columns, x, y, lines)
    finally:
        del os.environ["HAZPARK_PG_BIN"]


def _in_postgis(
    connection: psycopg.Connection, columns: FixColumns, x: Floats, y: Floats, lines: list[BaseGeometry]
) -> float:
    try:
        connection.execute("CREATE EXTENSION postgis")
    except psycopg.Error as error:
        raise NotThere(f"PostGIS cannot be used: {str(error).splitlines()[0]}") from error
    connection.execute("CREATE TABLE area (id int, shape geometry)")
    connection.execute("CREATE TABLE spot (vehicle int, at float8, place geometry)")
    with connection.cursor() as writing:
        writing.executemany(
            "INSERT INTO area VALUES (%s, ST_GeomFromWKB(%s))",
            [(n, shapely.to_wkb(s)) for n, s in enumerate(lines)],
        )
        with writing.copy("COPY spot (vehicle, at, place) FROM STDIN") as copy:
            for row in zip(columns.vehicle.tolist(), columns.at.tolist(), shapely.points(x, y), strict=True):
                copy.write_row((row[0], row[1], shapely.to_wkb(row[2], hex=True)))
    connection.execute("CREATE INDEX ON area USING gist (shape)")
    connection.execute("ANALYZE")
    question = (
        "SELECT count(*) FROM (SELECT vehicle, at, place, lag(place) OVER way AS before FROM spot"
        " WINDOW way AS (PARTITION BY vehicle ORDER BY at)) AS leg"
        " JOIN area ON ST_Intersects(ST_MakeLine(leg.before, leg.place), area.shape)"
        " AND ST_Intersects(ST_Boundary(area.shape), ST_MakeLine(leg.before, leg.place))"
    )
    return min(_spent(lambda: connection.execute(question).fetchone()) for _ in range(2))


if __name__ == "__main__":
    parkland.tell("peers", bench_peers())
