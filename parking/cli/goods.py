"""``python -m parking goods import FILE``."""

from __future__ import annotations

import sys
from pathlib import Path

from sqlalchemy.exc import ArgumentError, OperationalError

from geo.report import Report
from parking import clock
from parking.cli.language import parser, spoken
from parking.db import reading, transaction
from parking.goodsfile import read_file
from parking.layer_words import sentence
from parking.services import goods
from parking.services.goods import Change
from parking.speech import N_, translate

ABOUT = N_("Check a list of dangerous goods row by row, and enter it.")
AFTER = N_("Exit status: 0 no errors, 1 errors (nothing was entered), 2 wrong usage.")


#: A list is reported row by row, however many are wrong.
EVERY_ROW = 1_000_000


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("parking", "goods", ABOUT, lang, AFTER)
    options.add_argument("action", choices=("import",), help=translate("What to do.", lang))
    options.add_argument(
        "file", metavar="FILE", type=Path, help=translate("CSV (UTF-8) or XLSX with a header row.", lang)
    )
    options.add_argument("--check", action="store_true", help=translate("Only check and compare.", lang))
    chosen = options.parse_args(argv)
    report = Report(most=EVERY_ROW)
    rows = read_file(chosen.file, report)
    for item in report.items:
        print(sentence(item, lang))
    if report.errors:
        said = N_("{rows} rows are right, {errors} errors; nothing was entered.")
        print(translate(said, lang, rows=len(rows), errors=len(report.errors)), file=sys.stderr)
        return 1
    if chosen.check:
        try:
            with reading() as session:
                change = goods.compare(session, rows)
        except (ArgumentError, OperationalError):
            said = N_("{rows} rows are right; there is no running park to compare them with.")
            print(translate(said, lang, rows=len(rows)))
            return 0
        print(translate("Only compared, nothing was entered:", lang))
        _print(change, lang)
        return 0
    with transaction() as session:
        change = goods.enter(session, rows, chosen.file.name, clock.now(), "command line", "command line")
    _print(change, lang)
    return 0


def _print(change: Change, lang: str) -> None:
    said = N_("{new} new, {changed} changed, {same} as before.")
    print(translate(said, lang, new=len(change.new), changed=len(change.changed), same=change.same))
    if change.hazards:
        said = N_("Class or subsidiary hazards change for UN {numbers}.")
        print(translate(said, lang, numbers=", ".join(change.hazards)))
