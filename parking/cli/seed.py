"""``python -m parking seed``: the first run."""

from __future__ import annotations

import sys

from parking import clock, seed
from parking.cli.language import parser, spoken
from parking.db import reading
from parking.layer_words import sentence
from parking.queries.park import NoPark, stamp
from parking.settings import Settings
from parking.speech import N_, translate

ABOUT = N_("Load park and goods into an empty database and make the first accounts.")


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    parser("parking", "seed", ABOUT, lang).parse_args(argv)
    settings = Settings.from_env()
    if not _has_park():
        try:
            seed.load_park(settings.park, clock.now(), "first run")
        except seed.ParkUnusable as unusable:
            for item in unusable.report.items:
                print(sentence(item, lang), file=sys.stderr)
            return 1
    _accounts(lang)
    return 0


def _has_park() -> bool:
    with reading() as session:
        try:
            stamp(session)
        except NoPark:
            return False
    return True


def _accounts(lang: str) -> None:
    made = seed.first_accounts(clock.now())
    if made:
        print(translate("First accounts (shown only now, please note them down):", lang))
        for username, password in made:
            print(f"  {username:<12} {password}")
