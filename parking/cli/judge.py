"""``python -m parking judge``: a file of tracks judged by exactly the live rules."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from shapely import box

from geo.fix import Fix
from geo.layers import read_park
from geo.shapes import Feature, LayerKind, Park
from parking.cli.language import parser, spoken
from parking.layer_words import sentence
from parking.rules.ground import Ground
from parking.rules.monitor import Finding, Journey, Judged, rejudge
from parking.rules.policy import Policy
from parking.speech import N_, translate
from parking.tracksfile import Trouble, read_routes, read_tracks

ABOUT = N_("Judge a file of tracks by the live rules.")
AFTER = N_(
    "Tracks: CSV with id,t,lon,lat,speed_kmh (t in UTC, speed may be empty). Routes: CSV id,…,WKT line or "
    "GeoJSON lines with id; a vehicle named there may take that route only, wherever it lies. Every vehicle "
    "counts as booked and loaded unless --unbooked. Prints one JSON object per violation, then a summary. "
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
        help=translate("Judge route and speed of tracks from outside the park's watch area too.", lang),
    )
    options.add_argument("--passages", action="store_true", help=translate("Print passages too.", lang))
    chosen = options.parse_args(argv)
    park, report = read_park(chosen.park)
    if park is None or report.errors:
        for item in report.items:
            print(sentence(item, lang), file=sys.stderr)
        return 2
    try:
        tracks, troubles = read_tracks(chosen.tracks)
        routes = read_routes(chosen.routes) if chosen.routes else []
    except Trouble as trouble:
        print(translate(trouble.sentence, lang, **trouble.facts), file=sys.stderr)
        return 2
    for row in troubles:
        print(translate(row.sentence, lang, **row.facts), file=sys.stderr)
    _judge(Grounds(park, routes, chosen.anywhere), tracks, chosen, len(troubles))
    return 1 if troubles else 0


class Grounds:
    """The park's ground, or for a vehicle whose route lies elsewhere, a ground around that route."""

    def __init__(self, park: Park, routes: list[Feature], anywhere: bool) -> None:
        self._routes = {r.code: r for r in routes}
        self._policy = replace(Policy.from_mapping(park.policy), oldest_h=float("inf"))
        self._area = box(*park.watch_area)
        self._anywhere = anywhere
        own = [r for r in routes if self._area.covers(r.geometry)]
        drawn = [f for f in park.features if not (own and f.kind is LayerKind.ROUTE)]
        self._park = replace(park, features=(*drawn, *own))
        self._home = Ground(self._park, self._policy)

    def of(self, vehicle: str, track: Sequence[Fix]) -> tuple[Ground, tuple[str, ...]]:
        """Where to judge a vehicle and which routes it may take (empty: the park's)."""
        route = self._routes.get(vehicle)
        codes = (vehicle,) if route else ()
        if not self._anywhere and (route is None or self._area.covers(route.geometry)):
            return self._home, codes
        middle = track[len(track) // 2]
        west, south = max(-180.0, middle.lon - 5), max(-90.0, middle.lat - 5)
        park = replace(
            self._park,
            features=(route,) if route else (),
            watch_area=(west, south, west + 10, south + 10),
            metric_crs=f"+proj=aeqd +lat_0={middle.lat} +lon_0={middle.lon} +units=m",
        )
        return Ground(park, self._policy, everywhere=True), codes


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
        "facts": dict(finding.facts),
    }


def _iso(moment: Any) -> str:
    return str(moment.isoformat().replace("+00:00", "Z"))
