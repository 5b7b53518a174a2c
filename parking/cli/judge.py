"""``python -m parking judge``: a file of tracks judged by exactly the live rules."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from shapely import Point, box

from geo.fix import Fix
from geo.layers import read_park
from geo.shapes import Feature, LayerKind, Park
from parking import routesfile
from parking.cli import complaints
from parking.cli.language import parser, spoken
from parking.layer_words import sentence
from parking.refused import Refused
from parking.rules.ground import Ground
from parking.rules.monitor import Finding, Journey, Judged, rejudge
from parking.rules.policy import Policy
from parking.speech import N_, translate
from parking.trackfiles import fleet

ABOUT = N_("Judge a file of tracks by the live rules.")
AFTER = N_(
    "Tracks: CSV with id,t,lon,lat,speed_kmh (t in UTC, speed may be empty). Routes: CSV id,…,WKT line or "
    "GeoJSON lines with id; a vehicle named there may take that route only, wherever it lies. Every vehicle "
    "counts as booked and loaded unless --unbooked. Prints one JSON object per violation, with its "
    "certainty, the gap between positions and the interval it lies in, then a summary. "
    "Exit status: 0 judged, 1 judged but some rows unusable, 2 nothing could be judged."
)


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("parking", "judge", ABOUT, lang, AFTER)
    options.add_argument("--park", required=True, type=Path, metavar="FOLDER")
    options.add_argument("--tracks", required=True, type=Path, metavar="FILE.csv")
    options.add_argument("--routes", type=Path, metavar="FILE")
    options.add_argument("--unbooked", action="store_true", help=translate("Vehicles have no booking.", lang))
    options.add_argument(
        "--anywhere",
        action="store_true",
        help=translate(
            "Judge tracks from outside the park's watch area too, without the park's lines and limits.", lang
        ),
    )
    options.add_argument("--passages", action="store_true", help=translate("Print passages too.", lang))
    chosen = options.parse_args(argv)
    park, report = read_park(chosen.park)
    if park is None or report.errors:
        for item in report.items:
            print(sentence(item, lang), file=sys.stderr)
        return 2
    file = chosen.tracks
    try:
        tracks, faults = fleet.read(file)
        file = chosen.routes
        routes = routesfile.read(file) if file else []
    except Refused as refused:
        complaints.of_file(refused, lang, file.name)
        return 2
    complaints.of_rows(faults, lang)
    _judge(Grounds(park, routes, chosen.anywhere), tracks, chosen, len({line for line, _ in faults}))
    return 1 if faults else 0


class Grounds:
    """Where a vehicle is judged: on the park's ground, or, when it never came near, around its track."""

    def __init__(self, park: Park, routes: list[Feature], anywhere: bool) -> None:
        self._routes = {r.code: r for r in routes}
        self._policy = replace(Policy.from_mapping(park.policy), oldest_h=float("inf"))
        self._area = box(*park.watch_area)
        self._anywhere = anywhere
        self._park = park
        self._home = Ground(park, self._policy)

    def of(self, vehicle: str, track: Sequence[Fix]) -> tuple[Ground, tuple[str, ...]]:
        """Where to judge a vehicle and which routes it may take (empty: the park's)."""
        route, places = self._routes.get(vehicle), _places(track)
        if not places or (route is None and not self._anywhere):
            return self._home, ()
        middle = Point(median(p.x for p in places), median(p.y for p in places))
        came = any(self._area.covers(p) for p in places)
        park = self._widened(route, middle) if came else self._elsewhere(middle)
        if route is None:
            return Ground(park, self._policy), ()
        park = replace(park, features=(*park.features, route))
        return Ground(park, self._policy, everywhere=True), (vehicle,)

    def _elsewhere(self, middle: Point) -> Park:
        """A world of 10 degrees around the track, without the park's lines: they mean nothing there."""
        return replace(self._park, features=(), watch_area=_world(middle), metric_crs=_around(middle))

    def _widened(self, route: Feature | None, middle: Point) -> Park:
        """The park with all its lines, watched as far as the track goes; an own route replaces its routes."""
        drawn = tuple(f for f in self._park.features if route is None or f.kind is not LayerKind.ROUTE)
        near = self._area.covers(middle) and (route is None or self._area.covers(route.geometry))
        crs = self._park.metric_crs if near else _around(self._area.centroid)
        world = self._area.union(box(*_world(middle))).bounds
        return replace(self._park, features=drawn, watch_area=world, metric_crs=crs)


def _places(track: Sequence[Fix]) -> list[Point]:
    """The fixes that lie on this earth and not at 0, 0."""
    return [
        Point(f.lon, f.lat)
        for f in track
        if abs(f.lon) <= 180 and abs(f.lat) <= 90 and (f.lon, f.lat) != (0, 0)
    ]


def _world(middle: Point) -> tuple[float, float, float, float]:
    west, south = max(-180.0, middle.x - 5), max(-90.0, middle.y - 5)
    return (west, south, west + 10, south + 10)


def _around(middle: Point) -> str:
    return f"+proj=aeqd +lat_0={middle.y} +lon_0={middle.x} +units=m"


def _judge(grounds: Grounds, tracks: dict[str, list[Fix]], chosen: Any, unusable: int) -> None:
    fixes: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for vehicle, track in tracks.items():
        ground, codes = grounds.of(vehicle, track)
        journey = Journey(not chosen.unbooked, True, codes)
        judged = rejudge(ground, track, lambda _, j=journey: j, max(f.time for f in track))  # type: ignore[misc]
        fixes.update(str(m) if m else "believed" for m in judged.marks)
        kinds.update(f.kind.value for f in judged.findings)
        _print(vehicle, judged, chosen.passages)
    believed = fixes.pop("believed", 0)
    summary = {
        "vehicles": len(tracks),
        "fixes": believed + sum(fixes.values()),
        "believed": believed,
        "marks": dict(sorted(fixes.items())),
        "findings": dict(sorted(kinds.items())),
        "unusable_rows": unusable,
    }
    print(json.dumps({"summary": summary}, ensure_ascii=False))


def _print(vehicle: str, judged: Judged, passages: bool) -> None:
    for finding in sorted(judged.findings, key=lambda f: (f.started_at, f.kind)):
        if finding.offence or passages:
            print(json.dumps(_line(vehicle, finding), ensure_ascii=False))


def _line(vehicle: str, finding: Finding) -> dict[str, Any]:
    return {
        "id": vehicle,
        "kind": finding.kind.value,
        "offence": finding.offence,
        "subject": finding.subject,
        "start": _iso(finding.started_at),
        "end": _iso(finding.ended_at) if finding.ended_at else None,
        "lon": finding.lon,
        "lat": finding.lat,
        "certainty": finding.certainty.value,
        "gap_s": finding.facts.get("gap_s"),
        "interval": _interval(finding),
        "facts": dict(finding.facts),
    }


def _interval(finding: Finding) -> list[str | None]:
    """The earliest instant it can have begun and the latest it can have ended (None: it goes on)."""
    earliest, latest = (
        datetime.fromisoformat(finding.facts[k]) if k in finding.facts else None
        for k in ("earliest_at", "latest_at")
    )
    begins = min(earliest or finding.started_at, finding.started_at)
    ends = finding.ended_at and max(latest or finding.ended_at, finding.ended_at)
    return [_iso(begins), _iso(ends) if ends else None]


def _iso(moment: Any) -> str:
    return str(moment.isoformat().replace("+00:00", "Z"))
