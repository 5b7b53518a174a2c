"""In which language a command speaks: ``--lang``, else HAZPARK_LANGUAGE, else LANG; Chinese by default."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from parking.speech import LANGUAGES, language_of, translate


def spoken(argv: Sequence[str] = ()) -> str:
    for n, word in enumerate(argv):
        if word.startswith("--lang="):
            return language_of(word.removeprefix("--lang="))
        if word == "--lang" and n + 1 < len(argv):
            return language_of(argv[n + 1])
    named = (os.environ.get(name) for name in ("HAZPARK_LANGUAGE", "LC_ALL", "LANG"))
    return language_of(next(filter(None, named), None))


def parser(module: str, command: str, about: str, lang: str, after: str = "") -> argparse.ArgumentParser:
    """An argument parser that speaks ``lang`` and knows ``--lang`` and ``--help``."""
    made = argparse.ArgumentParser(
        prog=f"python -m {module} {command}",
        description=translate(about, lang),
        epilog=translate(after, lang),
        add_help=False,
    )
    made.add_argument("-h", "--help", action="help", help=translate("Show this help.", lang))
    made.add_argument("--lang", choices=LANGUAGES, default=lang, help=translate("Language: zh or en.", lang))
    return made
