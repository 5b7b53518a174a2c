"""``python -m parking replay``: what another version of a layer would have caught. Writes nothing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from geo.declared import Declared
from geo.layers import Report, read_layer
from geo.shapes import LayerKind, Park
from parking import db, speech
from parking.cli.language import parser, spoken
from parking.cli.spread import Stalled, spread
from parking.layer_words import sentence
from parking.queries import park as parks
from parking.refused import Refused
from parking.rules import whatif
from parking.rules.whatif import Period
from parking.services import whatif as service
from parking.services.whatif import Replay
from parking.speech import N_, translate
from parking.vocabulary import ViolationKind

ABOUT = N_("Judge a past period under another version of a layer, and show the difference.")
AFTER = N_(
    "Times are Beijing time (2026-03-01 or 2026-03-01T08:00). --layer reads a file as the whole layer of its "
    "kind; --version takes the number of a stored version, --drawing of one handed in. No violation is "
    "written. Exit status: 0 judged, 1 refused, 2 wrong usage."
)
_ZONE = ZoneInfo("Asia/Shanghai")
_SIGNS = {"only_old": "−", "only_new": "+", "both": "="}


class _Unreadable(Exception):
    """The layer's file has errors; they are printed."""


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = _options(lang)
    chosen = options.parse_args(argv)
    if chosen.spread and chosen.layer is not None:
        options.error(translate(N_("--spread needs --version or --drawing: workers see no file."), lang))
    try:
        with db.reading() as session:
            asked = Period(chosen.since, chosen.until)
            if asked.since >= asked.until:
                print(translate(N_("--from must lie before --to."), lang), file=sys.stderr)
                return 2
            if not chosen.spread:
                after = _after(session, chosen, lang)
                found = as_json(service.replay(session, asked, after, done=_progress(chosen.json)))
        if chosen.spread:
            found = spread(asked, chosen.version, chosen.drawing, _progress(chosen.json))
    except Stalled as stalled:
        said = N_("Workers stopped after {done} of {parts} parts. Is hazpark running? Replay {run}.")
        print(translate(said, lang, **asdict(stalled.progress), run=stalled.run_id), file=sys.stderr)
        return 1
    except Refused as refused:
        for reason in refused.reasons:
            print(speech.say(reason.word, reason.facts, lang), file=sys.stderr)
        return 1
    except parks.NoPark:
        print(translate("No park has been loaded.", lang), file=sys.stderr)
        return 1
    except _Unreadable:
        return 1
    print(json.dumps(found, ensure_ascii=False)) if chosen.json else _print(found, lang)
    return 0


def _options(lang: str) -> argparse.ArgumentParser:
    options = parser("parking", "replay", ABOUT, lang, AFTER)
    options.add_argument("--from", dest="since", required=True, type=_moment, metavar="TIME")
    options.add_argument("--to", dest="until", required=True, type=_moment, metavar="TIME")
    which = options.add_mutually_exclusive_group(required=True)
    which.add_argument("--layer", type=Path, metavar="FILE")
    which.add_argument("--version", type=int, metavar="ID")
    which.add_argument("--drawing", type=int, metavar="ID")
    options.add_argument(
        "--kind",
        choices=[str(kind) for kind in LayerKind],
        help=translate(N_("What the file shows; else its name says it."), lang),
    )
    options.add_argument(
        "--crs", default="", metavar="EPSG:N", help=translate(N_("Of a file that states none."), lang)
    )
    options.add_argument(
        "--spread",
        action="store_true",
        help=translate(N_("Let all workers of the running hazpark share the work."), lang),
    )
    options.add_argument("--json", action="store_true", help=translate(N_("Print JSON."), lang))
    return options


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo else read.replace(tzinfo=_ZONE)).astimezone(UTC)


def _after(session: Session, chosen: Any, lang: str) -> Park:
    if chosen.version is not None:
        return service.park_with_version(session, chosen.version)
    if chosen.drawing is not None:
        return service.park_with_drawing(session, chosen.drawing)
    park, path = parks.current(session), chosen.layer
    kind = chosen.kind or path.stem
    if kind not in list(LayerKind):
        print(translate(N_("Say with --kind what {file} shows."), lang, file=path.name), file=sys.stderr)
        raise _Unreadable
    report = Report()
    shapes = read_layer(LayerKind(kind), path, Declared(crs=chosen.crs), park, report)
    for item in report.items:
        print(sentence(item, lang), file=sys.stderr)
    if report.errors or not shapes:
        raise _Unreadable
    return whatif.with_layer(park, LayerKind(kind), shapes)


def _progress(quiet: bool) -> Callable[[int, int], None]:
    def told(done: int, every: int) -> None:
        if not quiet and sys.stderr.isatty():
            bar = "#" * (40 * done // max(1, every))
            end = "\n" if done == every else ""
            print(f"\r[{bar:.<40}] {done}/{every}", end=end, file=sys.stderr, flush=True)

    return told


def as_json(found: Replay) -> dict[str, Any]:
    """A replay as plain data: counts by kind, and per vehicle every finding with where it was found."""
    return {
        "since": found.period.since.isoformat(),
        "until": found.period.until.isoformat(),
        "vehicles": found.judged,
        "fixes": found.fixes,
        "counts": found.counts(),
        "differences": service.told(found),
    }


def _print(found: Mapping[str, Any], lang: str) -> None:
    said = N_(
        "{vehicles} vehicle(s), {fixes} position(s) judged twice. "
        "− only then, + only under the other version, = both."
    )
    print(translate(said, lang, vehicles=found["vehicles"], fixes=found["fixes"]))
    for kind, row in found["counts"].items():
        print("  ".join([kind, *(f"{_SIGNS[name]}{row[name]}" for name in _SIGNS)]))
    for one in found["differences"]:
        for sign, name in (("−", "only_old"), ("+", "only_new")):
            for f in one[name]:
                when = speech.clock_time(datetime.fromisoformat(f["start"]), lang)
                kind = speech.name(ViolationKind(f["kind"]), lang)
                print(f"{sign} {one['plate']}  {when}  {kind}  {f['subject']}")
