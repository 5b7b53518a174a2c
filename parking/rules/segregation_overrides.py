"""A park's own word on two goods: stricter freely, laxer only for two UN numbers with an approval."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from parking.rules.substance import Substance

_UN = re.compile(r"[0-9]{4}")
_CLASS = re.compile(r"[1-9](\.[1-9])?")
_RULINGS = ("allowed", "distance", "forbidden")


class RuleWrong(ValueError):
    """A rule of the park cannot be used; ``where`` names it, such as ``segregation[2].distance_m``."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"rules.{where}: {reason}")
        self.where, self.reason = where, reason


@dataclass(frozen=True, slots=True)
class Override:
    """One entry: two goods (UN number, or class with its divisions), the ruling, and the paper behind it."""

    a: str
    b: str
    ruling: str
    distance_m: float
    document: str
    approved_on: date | None = None
    remark: str = ""

    def covers(self, one: Substance, other: Substance) -> bool:
        """Whether the entry speaks of these two, in either order."""
        return (_names(self.a, one) and _names(self.b, other)) or (
            _names(self.b, one) and _names(self.a, other)
        )

    @property
    def may_relax(self) -> bool:
        """Only two named UN numbers, and only with a dated approval, may be ruled laxer than the table."""
        named = bool(_UN.fullmatch(self.a) and _UN.fullmatch(self.b))
        return named and bool(self.document) and self.approved_on is not None


def read(entries: Any, today: date) -> tuple[Override, ...]:
    """The entries of ``rules.segregation``, most specific first. Raises RuleWrong naming the field."""
    if not isinstance(entries, list):
        raise RuleWrong("segregation", "expected a list")
    found = [_read(f"segregation[{i}]", entry, today) for i, entry in enumerate(entries)]
    pairs = [frozenset((o.a, o.b)) for o in found]
    for i, pair in enumerate(pairs):
        if pair in pairs[:i]:
            raise RuleWrong(f"segregation[{i}]", "this pair is already ruled on")
    return tuple(sorted(found, key=_specific, reverse=True))


def _names(subject: str, substance: Substance) -> bool:
    if _UN.fullmatch(subject):
        return substance.un_number == subject
    return any(h == subject or h.startswith(subject + ".") for h in substance.hazards)


def _specific(override: Override) -> tuple[int, float]:
    """UN numbers before classes; among equals the farther one, so that the stricter is met first."""
    return sum(bool(_UN.fullmatch(s)) for s in (override.a, override.b)), override.distance_m


def _read(where: str, entry: Any, today: date) -> Override:
    if not isinstance(entry, Mapping):
        raise RuleWrong(where, "expected an object")
    extra = set(entry) - {"a", "b", "ruling", "distance_m", "document", "approved_on", "remark"}
    if extra:
        raise RuleWrong(f"{where}.{sorted(extra)[0]}", "no such field")
    a, b = (_subject(f"{where}.{k}", entry.get(k)) for k in ("a", "b"))
    ruling = entry.get("ruling")
    if ruling not in _RULINGS:
        raise RuleWrong(f"{where}.ruling", f"expected one of {', '.join(_RULINGS)}")
    metres = _metres(f"{where}.distance_m", entry.get("distance_m", 0), ruling)
    document, remark = (_text(f"{where}.{k}", entry.get(k, "")) for k in ("document", "remark"))
    if not document:
        raise RuleWrong(f"{where}.document", "name the paper that says so")
    approved = _day(f"{where}.approved_on", entry.get("approved_on"), today)
    return Override(a, b, ruling, metres, document, approved, remark)


def _subject(where: str, value: Any) -> str:
    text = str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""
    if not (_UN.fullmatch(text) or _CLASS.fullmatch(text)):
        raise RuleWrong(where, "expected a UN number of four digits or a class such as 3 or 5.1")
    return text


def _metres(where: str, value: Any, ruling: str) -> float:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not 0 <= value <= 500:
        raise RuleWrong(where, "expected metres from 0 to 500")
    if ruling != "allowed" and value <= 0:
        raise RuleWrong(where, "a distance above 0 is needed")
    return float(value)


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > 300:
        raise RuleWrong(where, "expected a text of at most 300 characters")
    return value.strip()


def _day(where: str, value: Any, today: date) -> date | None:
    if value is None:
        return None
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise RuleWrong(where, "expected a date such as 2026-03-01") from None
    if day > today:
        raise RuleWrong(where, "lies in the future")
    return day
