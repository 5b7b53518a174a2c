"""A "no" is a word with facts; the edge finds the sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a word that has a sentence; ``facts`` fill it, ``field`` names the form field."""

    word: StrEnum
    facts: Mapping[str, Any] = field(default_factory=dict)
    field: str | None = None


class Refused(Exception):
    """Raised by services when the answer is no. Carries every reason, not the first."""

    def __init__(self, *reasons: Reason) -> None:
        super().__init__(", ".join(r.word for r in reasons))
        self.reasons = reasons


def no(word: StrEnum, field: str | None = None, **facts: Any) -> Reason:
    return Reason(word, facts, field)
