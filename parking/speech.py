"""Finds the sentence for a word and its facts, in Chinese (the default) or English.

English sentences are the message ids; Chinese ones live in ``locale/zh_CN/*.po``, all merged at the
first use. A sentence without a translation is shown in English and fails the house's own test.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from parking import words

LANGUAGES = ("zh", "en")
DEFAULT = "zh"
LOCALES = Path(__file__).parent / "locale"


def N_(msgid: str) -> str:  # noqa: N802 - the customary name of this marker
    """Mark a sentence for translation where it is only stored."""
    return msgid


@lru_cache
def catalogue() -> Catalog:
    """All zh_CN messages, merged."""
    merged = Catalog(locale="zh_CN")
    for path in sorted((LOCALES / "zh_CN").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="zh_CN"):
                if message.id:
                    merged.add(message.id, message.string)
    return merged


@lru_cache
def _translations() -> gettext.GNUTranslations:
    buffer = io.BytesIO()
    write_mo(buffer, catalogue())
    buffer.seek(0)
    return gettext.GNUTranslations(buffer)


def language_of(tag: str | None) -> str:
    """``zh`` or ``en`` from any language tag or Accept-Language header; Chinese unless English leads."""
    for part in (tag or "").lower().split(","):
        code = part.split(";")[0].strip()
        if code.startswith("zh"):
            return "zh"
        if code.startswith("en"):
            return "en"
    return DEFAULT


def translate(msgid: str, lang: str = DEFAULT, **facts: Any) -> str:
    """The sentence in ``lang`` with ``{facts}`` filled in."""
    text = msgid if lang == "en" or not msgid else _translations().gettext(msgid)
    return text.format_map(_Facts(_spoken(facts, lang))) if "{" in text else text


def say(word: StrEnum, facts: Mapping[str, Any] | None = None, lang: str = DEFAULT) -> str:
    """The sentence for a word of the vocabulary."""
    return translate(words.SENTENCES[word], lang, **(facts or {}))


def name(word: StrEnum, lang: str = DEFAULT) -> str:
    """The short name of a state, role, kind or mark."""
    return translate(words.NAMES[word], lang)


def clock_time(moment: datetime, lang: str = DEFAULT, zone: str = "Asia/Shanghai") -> str:
    """Date and time in the park's time zone: 2026-03-02 07:30:05."""
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def duration(span: timedelta, lang: str = DEFAULT) -> str:
    """95 minutes → 1 小时 35 分 / 1 h 35 min. Seconds only below two minutes."""
    seconds = int(span.total_seconds())
    if seconds < 120:
        return f"{seconds} 秒" if lang == "zh" else f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    parts = ([f"{hours} 小时", f"{minutes} 分"], [f"{hours} h", f"{minutes} min"])[lang == "en"]
    return " ".join(p for p, n in zip(parts, (hours, minutes), strict=True) if n)


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "—"


def _spoken(facts: Mapping[str, Any], lang: str) -> dict[str, Any]:
    return {key: _fact(value, lang) for key, value in facts.items()}


def _fact(value: Any, lang: str) -> Any:
    if isinstance(value, StrEnum) and value in words.NAMES:
        return name(value, lang)
    if isinstance(value, datetime):
        return clock_time(value, lang)
    if isinstance(value, timedelta):
        return duration(value, lang)
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1 else f"{value:.1f}".rstrip("0").rstrip(".")
    if isinstance(value, (list, tuple)):
        return _listed(value, lang)
    return value


def _listed(values: Iterable[Any], lang: str) -> str:
    return ("、" if lang == "zh" else ", ").join(str(_fact(v, lang)) for v in values)
