"""``python -m parking tracks import FILE --plate PLATE``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from geo.datum import Datum
from parking import clock, speech
from parking.cli.language import parser, spoken
from parking.db import transaction
from parking.models import TrackImport
from parking.refused import Refused
from parking.rules import plate as plates
from parking.services import imports
from parking.speech import N_, translate
from parking.trackfiles.rows import SPEED_UNITS
from parking.trackfiles.vehicle import Options, zone_of
from parking.vocabulary import FixFault, ImportState, Mark

ABOUT = N_("Import a file of old tracks of one vehicle (CSV or GPX).")
AFTER = N_(
    "A CSV needs a header with time, lon and lat; speed, heading, altitude and plate may follow; Chinese "
    "headings are understood. Importing a file again changes nothing. Exit status: 0 all rows imported, "
    "1 some rows unusable, 2 nothing imported."
)
_OPERATOR, _HERE = "operator", "local"


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("parking", "tracks", ABOUT, lang, AFTER)
    options.add_argument("action", choices=("import",), help=translate("What to do.", lang))
    options.add_argument("file", metavar="FILE", type=Path, help=translate("CSV or GPX file.", lang))
    options.add_argument("--plate", required=True, help=translate("The vehicle's plate number.", lang))
    datum_help = translate("What the coordinates mean; a CSV must say it, GPX is WGS-84.", lang)
    options.add_argument("--datum", choices=list(Datum), help=datum_help)
    zone_help = translate("Time zone of times without one, e.g. Asia/Shanghai.", lang)
    options.add_argument("--time-zone", default="", metavar="ZONE", help=zone_help)
    unit_help = translate("Unit of the speeds of a CSV; km/h unless said.", lang)
    options.add_argument("--speed-unit", choices=list(SPEED_UNITS), default="kmh", help=unit_help)
    chosen = options.parse_args(argv)
    try:
        done = _import(chosen, lang)
    except Refused as refused:
        for reason in refused.reasons:
            print(speech.say(reason.word, reason.facts, lang), file=sys.stderr)
        return 2
    except OSError as missing:
        print(f"{chosen.file}: {missing.strerror}", file=sys.stderr)
        return 2
    _print(done, lang)
    return 2 if done.state == ImportState.UNUSABLE else int(bool(done.report["unusable"]))


def _import(chosen: Any, lang: str) -> TrackImport:
    plate, zone = plates.normalise(chosen.plate), zone_of(chosen.time_zone)
    datum = Datum(chosen.datum) if chosen.datum else None
    data = chosen.file.read_bytes()
    with transaction() as session:
        made = imports.begin(
            session, chosen.file.name, data, Options(plate, datum, zone, chosen.speed_unit), clock.now(),
            _OPERATOR, _HERE,
        )  # fmt: skip
    more = made.state == ImportState.READING
    while more:
        with transaction() as session:
            more = imports.step(session, made.id, clock.now())
            made = session.get_one(TrackImport, made.id)
        said = translate("{done} of {total} positions", lang, done=made.done, total=made.total)
        print(said, file=sys.stderr)
    return made


def _print(done: TrackImport, lang: str) -> None:
    report = done.report
    for fault in report["faults"]:
        line = translate("Line {line}: ", lang, line=fault["line"])
        print(line + speech.say(FixFault(fault["word"]), fault["facts"], lang))
    if report["unusable"] > len(report["faults"]):
        print(translate("… {count} rows are unusable in all.", lang, count=report["unusable"]))
    said = N_(
        "{stored} stored, {secondary} stored beside a better source, {repeated} known, {unusable} unusable."
    )
    print(translate(said, lang, **report))
    for mark, count in report["marks"].items():
        print(f"  {speech.name(Mark(mark), lang)}: {count}")
    if report["marks"].get(Mark.TOO_OLD):
        print(translate("Positions that are too old are kept, but not judged.", lang))
