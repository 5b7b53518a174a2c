"""A "no" is a word with facts; the edge finds the sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from parking.vocabulary import Advice, Refusal


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason; ``facts`` fill the sentence, ``field`` names the form field."""

    word: Refusal | Advice
    facts: Mapping[str, Any] = field(default_factory=dict)
    field: str | None = None


class Refused(Exception):
    """Raised by services when the answer is no. Carries every reason, not the first."""

    def __init__(self, *reasons: Reason) -> None:
        super().__init__(", ".join(r.word for r in reasons))
        self.reasons = reasons


def no(word: Refusal | Advice, field: str | None = None, **facts: Any) -> Reason:
    return Reason(word, facts, field)
