"""What the supervisor says to the person at the terminal."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

from parking.settings import Settings
from parking.speech import N_, translate

_COLOURS = {"good": "32", "bad": "31", "busy": "33"}


class Voice:
    """Speaks ``lang``; in colour when someone looks."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def say(self, mood: str, msgid: str, **facts: object) -> None:
        """One line; ``mood`` is good, busy or bad."""
        self._print(f"{_paint(mood, '●')} {translate(msgid, self.lang, **facts)}")

    def greet(self, settings: Settings, names: Sequence[str], took_s: float) -> None:
        """Everything runs: where to look, where to send, how to stop."""
        self._print("\n" + " ".join(_paint("good", f"● {name}") for name in names) + f"  ({took_s:.1f} s)\n")
        web = settings.public_url or f"http://{settings.host}:{settings.web_port}"
        gateway = f"{settings.host}:{settings.gateway_port}"
        for msgid, fact in (
            (N_("Pages:          {it}"), web),
            (N_("Terminals:      {it}   (JT/T 808 over TCP)"), gateway),
            (N_("Data and logs:  {it}"), settings.data),
            (N_("Passwords:      printed once, by the first run on this data folder"), ""),
            (N_("Stop:           Ctrl-C"), ""),
        ):
            self._print("  " + translate(msgid, self.lang, it=fact))

    def _print(self, line: str) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone while we stop
            print(line, flush=True)


def _paint(mood: str, text: str) -> str:
    return f"\033[{_COLOURS[mood]}m{text}\033[0m" if sys.stdout.isatty() else text
