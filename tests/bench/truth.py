"""The rules held to truth: real tracks whose true routes are known, with detours and zones put in.

``python tests/bench/truth.py --tracks FOLDER`` (or HAZPARK_TRACKS); FOLDER holds ``routed_tracks.csv`` and
``routed_routes.csv``, which are not part of this repository. Prints tables and writes build/truth.json; the
exit status is 1 when something promised does not hold. Without a folder only geo.crossing is checked.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import slow
from injecting import Detour, Drive, detour, drive_of, found, ground, zones

from parking import routesfile
from parking.rules.monitor import Finding
from parking.trackfiles import fleet

OUT = Path(__file__).parents[2] / "build" / "truth.json"
EVERY = (1, 10, 30, 60)
OFF, LONG = (150.0, 250.0, 400.0), (400.0, 800.0, 1500.0)
RADII = (30.0, 50.0, 100.0)
#: The tracks are of cars, some on motorways; the park's limit of belief is meant for trucks.
CARS: dict[str, float] = {"fastest_kmh": 250.0}
ACCUSED = 1 / 70
FOUND_AT_30_S = 0.93


def innocent(drives: Sequence[Drive]) -> dict[str, Any]:
    """Every driver followed the route: whoever is accused is accused falsely."""
    rows: dict[str, Any] = {}
    for every in EVERY:
        told = {d.code: _offences(d.thinned(every)) for d in drives}
        accused = {code: facts for code, facts in told.items() if facts}
        peers = sum(_peer_accuses(d.thinned(every)) for d in drives)
        rows[str(every)] = {
            "vehicles": len(drives), "accused": len(accused), "why": accused, "peer_25m_single_fix": peers,
        }  # fmt: skip
    return rows


def _offences(drive: Drive) -> list[dict[str, Any]]:
    return [{"kind": f.kind, **f.facts} for f in found(ground(drive), drive) if f.offence]


def _peer_accuses(drive: Drive) -> bool:
    """A peer's default: any single fix more than 25 m off the route."""
    return bool((shapely.distance(drive.route, shapely.points(drive.xy)) > 25).any())


def detours(drives: Sequence[Drive], luck: random.Random) -> dict[str, Any]:
    put_in = [d for drive in drives for off in OFF for long in LONG if (d := _one(drive, off, long, luck))]
    rows: dict[str, Any] = {"injected": len(put_in)}
    for every in EVERY:
        rows[str(every)] = _score(put_in, every)
    return rows


def _one(drive: Drive, off: float, long: float, luck: random.Random) -> Detour | None:
    tries = (detour(drive, off, long, luck) for _ in range(80))
    return next((d for d in tries if d), None)


def _score(put_in: Iterable[Detour], every: float) -> dict[str, Any]:
    hits, false, wrong, errors = 0, 0, [], []
    many = list(put_in)
    for one in many:
        drive = _around(one, every)
        told = [f for f in found(ground(drive, **CARS), drive) if f.offence]
        mine = [f for f in told if _overlaps(f, one)]
        false += len(told) - len(mine)
        hits += bool(mine)
        if len(mine) == 1:
            errors.append(_misplaced(mine[0], one))
        if every == 1 and (len(mine) != 1 or not _placed(mine[0], one, every)):
            wrong.append({"track": drive.code, "off_m": one.off_m, "long_m": one.long_m, "told": len(mine)})
    metres = [m for begins, ends in errors for m, _ in (begins, ends)]
    return {
        "recall": round(hits / len(many), 3), "precision": round(hits / max(1, hits + false), 3),
        "start_end_error_m": {"median": round(float(np.median(metres)), 1), "p95": _p95(metres)},
        "wrong": wrong,
    }  # fmt: skip


def _p95(values: Sequence[float]) -> float:
    return round(float(np.percentile(values, 95)), 1)


def _around(one: Detour, every: float) -> Drive:
    """Four minutes before and after, thinned."""
    drive = one.drive.thinned(every)
    near = (drive.at >= one.left[0] - 240) & (drive.at <= one.back[0] + 240)
    return replace(drive, at=drive.at[near], xy=drive.xy[near])


def _seconds(moment: Any, one: Detour) -> float:
    return float((moment - one.drive.begins).total_seconds())


def _overlaps(told: Finding, one: Detour) -> bool:
    ends = told.ended_at or told.started_at
    return _seconds(told.started_at, one) < one.back[0] and _seconds(ends, one) > one.left[0]


def _misplaced(told: Finding, one: Detour) -> tuple[tuple[float, float], tuple[float, float]]:
    """(metres, seconds) by which start and end are wrong; an end nobody saw is infinitely wrong."""
    begins = _error(told.lon, told.lat, told.started_at, one.left, one)
    if told.ended_at is None or "end_lon" not in told.facts:
        return begins, (math.inf, math.inf)
    return begins, _error(told.facts["end_lon"], told.facts["end_lat"], told.ended_at, one.back, one)


def _error(lon: Any, lat: Any, at: Any, true: tuple[float, ...], one: Detour) -> tuple[float, float]:
    x, y = one.drive.frame.metres([lon], [lat])
    return math.dist((float(x[0]), float(y[0])), true[1:]), abs(_seconds(at, one) - true[0])


def _placed(told: Finding, one: Detour, every: float) -> bool:
    return all(metres <= 50 or seconds <= every for metres, seconds in _misplaced(told, one))


def crossed(drives: Sequence[Drive], luck: random.Random, count: int) -> list[dict[str, Any]]:
    seen: dict[tuple[bool, int, float], Counter[str]] = defaultdict(Counter)
    for drive in drives:
        for radius in RADII:
            placed = zones(drive, radius, count, luck)
            for route in (True, False):
                for every in EVERY[1:]:
                    thin = drive.thinned(every)
                    told = _by_zone(found(ground(thin, placed, route, **CARS), thin))
                    tally = seen[route, every, radius]
                    points = shapely.points(thin.xy)
                    for zone in placed:
                        truth = "on" if zone.crossed else "off"
                        tally[truth, _surest(told[zone.code])] += 1  # type: ignore[index]
                        tally[truth] += 1
                        tally["points"] += zone.crossed and bool(shapely.intersects(zone.shape, points).any())
    return [_row(*key, tally) for key, tally in sorted(seen.items(), key=lambda i: (-i[0][0], *i[0][1:]))]


def _by_zone(told: Iterable[Finding]) -> dict[str, set[str]]:
    by: dict[str, set[str]] = defaultdict(set)
    for finding in told:
        if finding.facts.get("line"):
            by[finding.facts["line"]].add(finding.certainty)
    return by


def _surest(certainties: set[str]) -> str:
    order = ("certain", "inferred", "somewhere_between")
    return next((c for c in order if c in certainties), "none")


def _row(route: bool, every: int, radius: float, tally: Any) -> dict[str, Any]:
    on, off = max(1, tally["on"]), max(1, tally["off"])
    shares = {c: round(tally["on", c] / on, 3) for c in ("certain", "inferred", "somewhere_between")}
    return {
        "route_known": route, "every_s": every, "radius_m": radius, "on": on, "off": off, **shares,
        "found": round((tally["on", "certain"] + tally["on", "inferred"]) / on, 3),
        "by_points_alone": round(tally["points"] / on, 3),
        "false_certain": tally["off", "certain"],
        "false_inferred": round(tally["off", "inferred"] / off, 4),
    }  # fmt: skip


def independent(segments: int) -> dict[str, Any]:
    done: Counter[str] = Counter()
    wrong: list[str] = []
    begin = time.perf_counter()
    for seed in range(max(1, segments // 50_000)):
        more, bad = slow.check(min(segments, 50_000), 1000 + seed)
        done += more
        wrong += bad
    return {**done, "differences": wrong, "seconds": round(time.perf_counter() - begin)}


def broken(results: dict[str, Any]) -> list[str]:
    """What was promised and does not hold."""
    found_wrong = [f"crossing: {w}" for w in results["independent"]["differences"][:5]]
    for every, row in results.get("innocent", {}).items():
        if row["accused"] > ACCUSED * row["vehicles"]:
            found_wrong.append(f"{row['accused']} of {row['vehicles']} innocent accused at {every} s")
    found_wrong += [f"detour {w}" for w in results.get("detours", {}).get("1", {}).get("wrong", [])]
    for row in results.get("crossings", []):
        what = f"{row['radius_m']:g} m zones at {row['every_s']} s, route known: {row['route_known']}"
        if row["false_certain"]:
            found_wrong.append(f"{row['false_certain']} certain crossings that never were: {what}")
        if (row["route_known"], row["every_s"], row["radius_m"]) == (True, 30, 50.0) and (
            row["found"] < FOUND_AT_30_S
        ):
            found_wrong.append(f"only {row['found']:.1%} found: {what}")
    return found_wrong


def table(results: dict[str, Any]) -> str:
    lines = [_independent_line(results["independent"])]
    if "innocent" in results:
        lines += ["", "every s  innocent  accused  a peer's 25 m single fix"]
        for every, r in results["innocent"].items():
            lines.append(f"{every:>7}  {r['vehicles']:>8}  {r['accused']:>7}  {r['peer_25m_single_fix']:>10}")
        lines += [
            "",
            f"{results['detours']['injected']} detours put in",
            "every s  recall  precision  start/end m",
        ]
        for every in map(str, EVERY):
            r = results["detours"][every]
            error = r["start_end_error_m"]
            errors = f"median {error['median']}, p95 {error['p95']}"
            lines.append(f"{every:>7}  {r['recall']:>6.1%}  {r['precision']:>9.1%}  {errors}")
        lines += [
            "",
            "route  every s  radius  certain  inferred  found  points alone  false: certain inferred",
        ]
        lines += [
            f"{'known' if r['route_known'] else 'no':>5}  {r['every_s']:>7}  {r['radius_m']:>6g}  "
            f"{r['certain']:>7.1%}  {r['inferred']:>8.1%}  {r['found']:>6.1%}  "
            f"{r['by_points_alone']:>12.1%}  {r['false_certain']:>14}  {r['false_inferred']:>7.2%}"
            for r in results["crossings"]
        ]
    return "\n".join(lines)


def _independent_line(r: dict[str, Any]) -> str:
    return (
        f"geo.crossing beside a slow check: {r['segments']:,} segments, {r['points']:,} points "
        f"({r['on an edge']:,} on an edge), {len(r['differences'])} differences, {r['seconds']} s"
    )


def read(folder: Path) -> list[Drive]:
    tracks, _ = fleet.read(folder / "routed_tracks.csv")
    routes = {r.code: r.geometry for r in routesfile.read(folder / "routed_routes.csv")}
    return [drive_of(code, track, routes[code]) for code, track in tracks.items() if code in routes]


def main() -> int:
    parser = argparse.ArgumentParser(description="The rules held to truth.")
    parser.add_argument("--tracks", type=Path, default=os.environ.get("HAZPARK_TRACKS"), metavar="FOLDER")
    parser.add_argument("--segments", type=int, default=100_000, help="segments for the independent check")
    parser.add_argument("--zones", type=int, default=12, help="zones on and beside each track")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    results: dict[str, Any] = {"independent": independent(chosen.segments)}
    if chosen.tracks is None or not Path(chosen.tracks).is_dir():
        print("Skipped: no tracks. Name their folder with --tracks FOLDER or HAZPARK_TRACKS.")
    else:
        drives = read(Path(chosen.tracks))
        luck = random.Random(chosen.seed)
        results["innocent"] = innocent(drives)
        results["detours"] = detours(drives, luck)
        results["crossings"] = crossed(drives, luck, chosen.zones)
    results["broken"] = broken(results)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(results, indent=1, default=str) + "\n")
    print(table(results))
    print("\n".join(["", *results["broken"]]) if results["broken"] else "\nEverything promised holds.")
    return 1 if results["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
