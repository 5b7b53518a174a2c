"""``python -m parking retention [--dry-run]``: let go what need not be kept any longer."""

from __future__ import annotations

from datetime import timedelta

from parking import clock
from parking.cli.language import parser, spoken
from parking.db import transaction
from parking.services import packing, retention
from parking.services.retention import Progress
from parking.settings import ENV, Settings
from parking.speech import N_, translate

ABOUT = N_("Let go what need not be kept any longer; resumable, with progress.")
AFTER = N_(
    "Run it nightly. Each step is one transaction: stop it anywhere and start it again. Held vehicles, open "
    "violations and what violations that are kept speak of stay; the positions a violation is rebuilt from "
    "are kept with it. Exit status: 0."
)


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("parking", "retention", ABOUT, lang, AFTER)
    options.add_argument("--dry-run", action="store_true", help=translate("Only count what would go.", lang))
    chosen = options.parse_args(argv)
    settings, now = Settings.from_env(), clock.now()
    if not chosen.dry_run:
        packing.pack_closed(transaction, now, timedelta(hours=settings.pack_after_h))
    for progress in retention.run(transaction, settings, now, chosen.dry_run):
        if progress.done == 0:
            print(_head(progress, settings, lang), flush=True)
        else:
            print(f"  {progress.done}/{progress.total}", flush=True)
    return 0


def _head(progress: Progress, settings: Settings, lang: str) -> str:
    kind = progress.kind
    said = N_("{kind}: {total} due, from before {cutoff} ({setting}={days}; {source})")
    return translate(
        said, lang, kind=translate(kind.name, lang), total=progress.total, setting=ENV[kind.days],
        cutoff=f"{progress.cutoff:%Y-%m-%d}", days=getattr(settings, kind.days),
        source=translate(kind.source, lang),
    )  # fmt: skip
