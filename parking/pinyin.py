"""Pinyin initials of Chinese names, so that a name is found by its first letters (无水氨 → wsa)."""

from __future__ import annotations

from itertools import islice, product

from pypinyin import Style, pinyin

#: A name with several readings gives at most so many spellings.
READINGS = 8


def initials(name: str) -> str:
    """Every reading's initials, small letters, separated by spaces; Latin letters and digits stay."""
    spelled = dict.fromkeys("".join(some) for some in islice(product(*map(_letters, name)), READINGS))
    return " ".join(s for s in spelled if s)[:200]


def _letters(character: str) -> list[str]:
    """The initials a character may stand for; nothing for signs."""
    if character.isascii():
        return [character.lower() if character.isalnum() else ""]
    read = pinyin(character, style=Style.FIRST_LETTER, heteronym=True, errors="ignore")
    return list(dict.fromkeys(letter for one in read for letter in one)) or [""]
