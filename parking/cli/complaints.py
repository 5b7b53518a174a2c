"""What is wrong with a file, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from parking.refused import Reason, Refused
from parking.speech import say, translate


def of_file(refused: Refused, lang: str, name: str) -> None:
    """Why the whole file cannot be used."""
    for reason in refused.reasons:
        print(f"{name}: {say(reason.word, reason.facts, lang)}", file=sys.stderr)


def of_rows(faults: Iterable[tuple[int, Reason]], lang: str) -> None:
    """Why single rows cannot be used."""
    for line, reason in faults:
        where = translate("Line {line}: ", lang, line=line)
        print(where + say(reason.word, reason.facts, lang), file=sys.stderr)
