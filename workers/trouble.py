"""A reason why the house cannot start, as one sentence in the operator's language."""

from __future__ import annotations

from typing import Any

from parking.speech import translate


class Trouble(Exception):
    """``sentence`` is an English message id; ``facts`` fill it. Shown without a traceback."""

    def __init__(self, sentence: str, **facts: Any) -> None:
        super().__init__(translate(sentence, "en", **facts))
        self.sentence = sentence
        self.facts = facts

    def say(self, lang: str) -> str:
        return translate(self.sentence, lang, **self.facts)
