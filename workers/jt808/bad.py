"""What cannot be read, and where: every refusal of the codec names a reason and a byte offset."""

from __future__ import annotations

from typing import Any


class BadMessage(ValueError):
    """A frame or body that breaks the letter of JT/T 808.

    ``reason`` is an English sentence (a message id for translation, ``{facts}`` in braces); ``offset``
    counts bytes of the un-escaped frame, its first 7E being byte 0.
    """

    def __init__(self, reason: str, offset: int, **facts: Any) -> None:
        self.reason, self.offset, self.facts = reason, offset, facts
        super().__init__(f"byte {offset}: {reason.format_map(facts)}")
