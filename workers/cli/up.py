"""``python -m workers up``: start everything and keep it running."""

from __future__ import annotations

import os
import sys

from parking.settings import ENV, Settings, SettingWrong
from parking.speech import N_, translate
from workers.cli.language import parser, spoken
from workers.supervisor import Supervisor
from workers.trouble import Trouble

_FLAGS = {
    "--port": ("web_port", N_("Port of the pages (8080).")),
    "--live-port": ("live_port", N_("Port of the live event stream (8081).")),
    "--gateway-port": ("gateway_port", N_("Port for JT/T 808 terminals (8808).")),
    "--host": ("host", N_("Address to listen on (127.0.0.1).")),
    "--data": ("data", N_("Folder for data and logs (var).")),
}
_AFTER = N_(
    "Every flag is also an environment variable; DATABASE_URL and REDIS_URL name servers of your own."
)


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    try:
        settings = _settings(argv, lang)
        return Supervisor(settings, lang, demo_asked=os.environ.get(ENV["demo"]) is not None).run()
    except (Trouble, SettingWrong) as wrong:
        said = translate(wrong.sentence, lang, **wrong.facts)
        print(translate(N_("hazpark does not start: {why}"), lang, why=said), file=sys.stderr)
        return 1


def _settings(argv: list[str], lang: str) -> Settings:
    """Flags are written into the environment, so that there is one way in."""
    made = parser("up", N_("Start everything and keep it running."), lang, _AFTER)
    for flag, (field, about) in _FLAGS.items():
        made.add_argument(flag, dest=field, help=translate(about, lang))
    made.add_argument("--no-demo", action="store_true", help=translate(N_("Start an empty system."), lang))
    made.add_argument("--demo", action="store_true", help=translate(
        N_("Play the demo day on an empty database, also on one named by DATABASE_URL."), lang))  # fmt: skip
    given = made.parse_args(argv)
    for field, _ in _FLAGS.values():
        if getattr(given, field) is not None:
            os.environ[ENV[field]] = getattr(given, field)
    if given.no_demo or given.demo:
        os.environ[ENV["demo"]] = "0" if given.no_demo else "1"
    return Settings.from_env()
