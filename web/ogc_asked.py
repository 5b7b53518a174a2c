"""What a request to the OGC API asks for, read strictly: a parameter nobody knows or can read is an error."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import request

from parking.queries.features import Box, Span

#: Items answered when no limit is given, and at most.
USUAL, MOST = 100, 5_000
PARAMETERS = frozenset({"bbox", "datetime", "limit", "offset", "token", "f", "lang"})
PLAIN = frozenset({"token", "f", "lang"})


class Odd(Exception):
    """A parameter that cannot be meant; its name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a request for items."""

    box: Box | None
    span: Span | None
    limit: int
    offset: int


def known(names: frozenset[str]) -> None:
    """Core, requirement 8: a parameter nobody knows is an error, never ignored."""
    for name in request.args:
        if name not in names:
            raise Odd(name)
    if request.args.get("f", "json") not in ("json", "geojson"):
        raise Odd("f")


def asked() -> Asked:
    return Asked(_box(request.args.get("bbox")), _span(request.args.get("datetime")), _limit(), _offset())


def _limit() -> int:
    text = request.args.get("limit", str(USUAL))
    if not text.isascii() or not text.isdigit() or int(text[:9]) == 0:
        raise Odd("limit")
    return min(int(text[:9]), MOST)


def _offset() -> int:
    text = request.args.get("offset", "0")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Odd("offset")
    return int(text)


def _box(text: str | None) -> Box | None:
    """``west,south,east,north``; heights of a box with six numbers are not looked at."""
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise Odd("bbox") from None
    if len(numbers) == 6:
        numbers = [*numbers[:2], *numbers[3:5]]
    if (
        len(numbers) != 4
        or not all(abs(n) <= 180 for n in numbers)
        or not -90 <= numbers[1] <= numbers[3] <= 90
    ):
        raise Odd("bbox")
    return (numbers[0], numbers[1], numbers[2], numbers[3])


def _span(text: str | None) -> Span | None:
    """An instant, or two of them with a slash; ``..`` or nothing is open."""
    if text is None:
        return None
    begin, slash, end = text.partition("/")
    if not slash:
        return Span(_instant(begin), _instant(begin, last=True))
    open_ends = ("", "..")
    span = Span(
        None if begin in open_ends else _instant(begin),
        None if end in open_ends else _instant(end, last=True),
    )
    if span == Span() or (span.since and span.until and span.since > span.until):
        raise Odd("datetime")
    return span


def _instant(text: str, last: bool = False) -> datetime:
    """RFC 3339; a day alone is its first instant, or its last."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Odd("datetime") from None
    if len(text) == 10 and last:
        read += timedelta(days=1, microseconds=-1)
    return read if read.tzinfo else read.replace(tzinfo=UTC)
