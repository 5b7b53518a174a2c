"""``python -m workers replay FILE.csv``: tracks as terminals through the gateway's TCP port."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from geo.fix import Fix
from geo.layers import read_park
from parking import clock
from parking.cli import complaints
from parking.refused import Refused
from parking.settings import Settings
from parking.speech import N_, translate
from parking.trackfiles import fleet
from workers.cli.language import parser, spoken
from workers.plan import reachable
from workers.replay import centre, onto, replay

AFTER = N_(
    "FILE.csv has id,t,lon,lat,speed_kmh (t in UTC, speed may be empty). Each id becomes a terminal that "
    "registers, authenticates and reports; then a JSON summary is printed: vehicles, fixes, acknowledged, "
    "refused, unanswered, unusable_rows, seconds. Exit status: 0 every fix acknowledged, 1 not every, "
    "2 nothing could be sent."
)


def main(argv: list[str]) -> int:
    lang, settings = spoken(argv), Settings.from_env()
    options = parser("replay", N_("Send a file of tracks through the real gateway."), lang, AFTER)
    options.add_argument("file", type=Path, metavar="FILE.csv")
    options.add_argument(
        "--onto-park", action="store_true",
        help=translate(N_("Move each track to the middle of the park, its last fix to now."), lang),
    )  # fmt: skip
    options.add_argument("--park", type=Path, default=settings.park, metavar="FOLDER")
    options.add_argument("--host", default=reachable(settings.host))
    options.add_argument("--port", type=int, default=settings.gateway_port)
    options.add_argument(
        "--rate", type=_rate, metavar="N",
        help=translate(N_("At most N fixes a second; without it, as fast as they are acknowledged."), lang),
    )  # fmt: skip
    chosen = options.parse_args(argv)
    try:
        tracks, faults = fleet.read(chosen.file)
    except Refused as refused:
        complaints.of_file(refused, lang, chosen.file.name)
        return 2
    complaints.of_rows(faults, lang)
    ready = _moved(tracks, chosen.park) if chosen.onto_park else tracks
    if ready is None:
        said = N_("{folder}: no park can be read there.")
        print(translate(said, lang, folder=chosen.park), file=sys.stderr)
        return 2
    summary = asyncio.run(replay(ready, chosen.host, chosen.port, chosen.rate))
    print(json.dumps({**summary, "unusable_rows": len({line for line, _ in faults})}))
    if summary["unanswered"] == summary["fixes"]:
        print(
            translate(N_("No gateway answers on {host}:{port}."), lang, host=chosen.host, port=chosen.port),
            file=sys.stderr,
        )
        return 2
    return 0 if summary["acknowledged"] == summary["fixes"] else 1


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"N > 0: {text!r}")
    return value


def _moved(tracks: Mapping[str, Sequence[Fix]], folder: Path) -> dict[str, list[Fix]] | None:
    park, _ = read_park(folder)
    if park is None:
        return None
    middle, now = centre(park), clock.now()
    return {vehicle: onto(track, middle, now) for vehicle, track in tracks.items()}
