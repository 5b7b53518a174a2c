"""The request's language: Chinese unless the reader chose or prefers English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flask import Flask, g, has_request_context, request, session

from parking import speech
from web.store import is_own_file, settings


def init_app(app: Flask) -> None:
    app.before_request(_choose)
    app.jinja_env.globals.update(
        _=_,
        name=name,
        say=say,
        clock_time=clock_time,
        short_time=short_time,
        window=window,
        duration=duration,
        span=span,
        lang=lang,
        html_lang=html_lang,
    )


def lang() -> str:
    """``zh`` or ``en``."""
    chosen: str = g.lang if has_request_context() and "lang" in g else speech.DEFAULT
    return chosen


def html_lang() -> str:
    return {"zh": "zh-CN", "en": "en"}[lang()]


def _(msgid: str, **facts: Any) -> str:
    """The sentence in the request's language."""
    return speech.translate(msgid, lang(), **facts)


def name(word: StrEnum | str | None) -> str:
    """The short name of a state, role, kind or mark; a word nobody named is shown as it is."""
    if word is None:
        return "—"
    try:
        return speech.name(word, lang())  # type: ignore[arg-type] # a stored word equals its enum member
    except KeyError:
        return str(word)


def say(word: StrEnum, facts: Mapping[str, Any] | None = None) -> str:
    """The sentence for a refusal or violation in the request's language."""
    return speech.say(word, facts, lang())


def clock_time(moment: datetime | None) -> str:
    return speech.clock_time(moment, lang()) if moment else "—"


def short_time(moment: datetime | None) -> str:
    """Month, day, hour, minute: 03-02 07:30."""
    return clock_time(moment)[5:16] if moment else "—"


def window(start: datetime | None, end: datetime | None) -> str:
    """A stretch of time, the day said once when it is one: 03-02 07:30–11:30."""
    first, last = short_time(start), short_time(end)
    return f"{first}–{last[6:]}" if first[:5] == last[:5] and end else f"{first} – {last}"


def duration(span: timedelta | None) -> str:
    return speech.duration(span, lang()) if span is not None else "—"


def span(seconds: float | None) -> str:
    """A number of seconds as people say it."""
    return duration(None if seconds is None else timedelta(seconds=seconds))


def _choose() -> None:
    if is_own_file(request.path):
        return
    asked = request.args.get("lang")
    if asked in speech.LANGUAGES:
        if session.get("lang") != asked:
            session["lang"] = asked
        g.lang = asked
    elif session.get("lang") in speech.LANGUAGES:
        g.lang = session["lang"]
    else:
        header = request.headers.get("Accept-Language")
        g.lang = speech.language_of(header) if header else settings().language
