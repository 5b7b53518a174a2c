"""Chinese plate numbers (车牌号): written in one way, checked, never a reason to lock a vehicle out.

A plate that does not match is refused on a form, but staff may confirm it as it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

#: The 31 province characters.
PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"

#: Plate colours by their JT/T 808 number: 1 blue, 2 yellow, 3 black, 4 white, 5 green, 9 other; the rest
#: are the further numbers terminals send. Design default: the numbers above 4 were not read in the standard.
COLOURS = frozenset({1, 2, 3, 4, 5, 9, 91, 92, 93, 94})

_AREA = f"[{PROVINCES}][A-HJ-NP-Z]"
_MARK = "[A-HJ-NP-Z0-9]"
_SHAPES = re.compile(
    f"{_AREA}{_MARK}{{5}}"  # ordinary
    f"|{_AREA}{_MARK}{{4}}[挂学警港澳]"  # trailer, learner, police, cross-border
    f"|{_AREA}{_MARK}{{3,4}}应急"  # emergency service
    f"|{_AREA}[0-9]{{5}}[A-HJK]"  # new energy, large
    f"|{_AREA}[A-HJK]{_MARK}[0-9]{{4}}"  # new energy, small
)
_SEPARATORS = re.compile(r"[\s·•・.\-_—–:,，。]+")
_LOOKALIKE = str.maketrans({"O": "0", "I": "1"})


def normalise(text: str) -> str:
    """The plate as the park writes it: NFKC, upper case, no separators, O→0 and I→1 after the area letter."""
    return settled(_once, text)


def settled(change: Callable[[str], str], text: str) -> str:
    """``change`` applied until nothing changes: what is taken out may let its neighbours grow together."""
    for _ in range(8):
        before, text = text, change(text)
        if text == before:
            break
    return text


def _once(text: str) -> str:
    plate = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()
    return plate[:2] + plate[2:].translate(_LOOKALIKE)


def valid(plate: str) -> bool:
    """Whether a normalised plate has one of the known shapes."""
    return _SHAPES.fullmatch(plate) is not None
