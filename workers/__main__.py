"""``python -m workers COMMAND``: the processes of the house and the tools beside them.

Each command is a module of ``workers.cli`` with ``main(argv) -> exit status``, imported only when asked for.
"""

from __future__ import annotations

import contextlib
import sys
from importlib import import_module

from parking.settings import SettingWrong
from parking.speech import N_, translate
from workers.cli.language import spoken

#: Command → (module of workers.cli, what it does).
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("up", N_("Start everything and keep it running.")),
    "units": ("units", N_("Print systemd units for the same processes.")),
    "relay": ("relay", N_("Carry letters from the outbox to the broker.")),
    "gateway": ("gateway", N_("Receive JT/T 808 terminals over TCP.")),
    "demo": ("demo", N_("Play the recorded demo day through the real doors.")),
    "replay": ("replay", N_("Send a file of tracks through the real gateway.")),
    "areas": ("areas", N_("Show what a terminal would hold of a park, and what is lost by it.")),
    "decode": ("decode", N_("Decode JT/T 808 frames given as hex, one per line, to JSON.")),
}


def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    _write_utf8()
    lang = spoken(argv)
    name = next((a for a in argv if not a.startswith("-")), None)
    if name in COMMANDS and argv[0] == name:
        return _run(name, argv[1:])
    if argv[:1] in (["-h"], ["--help"]):
        print(_help(lang))
        return 0
    print(_help(lang), file=sys.stderr)
    return 2


def _write_utf8() -> None:
    """Chinese fits every locale, also the plain C one of a service or a cron job."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]


def _run(name: str, argv: list[str]) -> int:
    module = import_module(f"workers.cli.{COMMANDS[name][0]}")
    try:
        return int(module.main(argv) or 0)
    except SettingWrong as wrong:
        print(translate(wrong.sentence, spoken(argv), **wrong.facts), file=sys.stderr)
        return 2


def _help(lang: str) -> str:
    lines = [translate("Usage: python -m workers COMMAND [--help] [--lang zh|en]", lang), ""]
    lines += [f"  {name:<9} {translate(about, lang)}" for name, (_, about) in COMMANDS.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
