"""``python -m parking COMMAND``: the park's tools.

Each command is a module of ``parking.cli`` with ``main(argv) -> exit status``, imported only when asked for.
"""

from __future__ import annotations

import sys
from importlib import import_module

from sqlalchemy.exc import ArgumentError, OperationalError

from parking import running
from parking.cli.language import spoken
from parking.speech import N_, translate

#: Command → (module of parking.cli, what it does).
COMMANDS: dict[str, tuple[str, str]] = {
    "park": ("park", N_("Check a folder of layers, or load it.")),
    "judge": ("judge", N_("Judge a file of tracks by the live rules.")),
    "replay": (
        "replay",
        N_("Judge a past period under another version of a layer, and show the difference."),
    ),
    "tracks": ("tracks", N_("Import a file of old tracks of one vehicle (CSV or GPX).")),
    "goods": ("goods", N_("Check a list of dangerous goods row by row, and enter it.")),
    "verdict": ("verdict", N_("Say whether two dangerous goods may stand side by side, and how far apart.")),
    "plan": ("plan", N_("Plan a day: who stands where, and why.")),
    "passed": ("passed", N_("Which vehicles passed near a place, packed and new positions alike.")),
    "pack": ("pack", N_("Pack closed periods of positions now.")),
    "retention": ("retention", N_("Let go what need not be kept any longer; resumable, with progress.")),
    "hold": ("hold", N_("Keep everything of a vehicle while a case is open.")),
    "db": ("db", N_("Bring the database to this version's schema.")),
    "seed": ("seed", N_("Load park and goods into an empty database and make the first accounts.")),
    "staff": ("staff", N_("Make an account or give it a new password.")),
}


def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    lang = spoken(argv)
    if argv and argv[0] in COMMANDS:
        running.adopt()  # a tool beside a running house works on that house
        module = import_module(f"parking.cli.{COMMANDS[argv[0]][0]}")
        try:
            return int(module.main(argv[1:]) or 0)
        except (ArgumentError, OperationalError):
            said = N_("No database answers. Start hazpark (make run) or set DATABASE_URL.")
            print(translate(said, lang), file=sys.stderr)
            return 1
    asked = argv[:1] in (["-h"], ["--help"])
    print(_help(lang), file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


def _help(lang: str) -> str:
    lines = [translate("Usage: python -m parking COMMAND [--help] [--lang zh|en]", lang), ""]
    lines += [f"  {name:<9} {translate(about, lang)}" for name, (_, about) in COMMANDS.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
