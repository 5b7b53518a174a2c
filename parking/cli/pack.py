"""``python -m parking pack``: what the sweep does every five minutes, now, with progress."""

from __future__ import annotations

from datetime import timedelta

from parking import clock
from parking.cli.language import parser, spoken
from parking.db import transaction
from parking.services import outlining, packing
from parking.services.packing import Done
from parking.settings import Settings
from parking.speech import N_, translate

ABOUT = N_("Pack closed periods of positions now.")
AFTER = N_("Each period is packed whole or not at all; stop it anywhere and start it again.")


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    parser("parking", "pack", ABOUT, lang, AFTER).parse_args(argv)
    after = timedelta(hours=Settings.from_env().pack_after_h)

    def tell(one: Done) -> None:
        print(_line(one, lang), flush=True)

    done = packing.pack_closed(transaction, clock.now(), after, tell)
    fixes, size = sum(d.fixes for d in done), sum(d.size for d in done)
    said = N_("{periods} periods, {fixes} positions, {bytes} bytes each.")
    each = f"{size / fixes:.2f}" if fixes else "0"
    print(translate(said, lang, periods=len(done), fixes=fixes, bytes=each))
    outlined = N_("{blocks} blocks of an earlier version outlined")
    outlining.outline_plain(
        transaction, tell=lambda blocks: print(translate(outlined, lang, blocks=blocks), flush=True)
    )
    return 0


def _line(done: Done, lang: str) -> str:
    span = f"{done.period.start:%Y-%m-%d %H:%M} – {done.period.end:%Y-%m-%d %H:%M} UTC"
    if not done.fixes:
        return translate("{span}: in use, left for the next time", lang, span=span)
    said = N_("{span}: {fixes} positions in {blocks} blocks, {bytes} bytes")
    return translate(said, lang, span=span, fixes=done.fixes, blocks=done.blocks, bytes=done.size)
