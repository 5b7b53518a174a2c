"""``python -m parking passed``: which vehicles passed near a place between two times."""

from __future__ import annotations

import json
import math
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from geo.passing import Place
from parking import speech
from parking.cli.language import parser, spoken
from parking.db import reading
from parking.queries import passing
from parking.queries.passing import Answer, Passed
from parking.speech import N_, translate

ABOUT = N_("Which vehicles passed near a place, packed and new positions alike.")
AFTER = N_(
    "Times are ISO 8601; without an offset, Beijing time. Ways between positions count too: certain (a "
    "position lies within the distance), inferred (the way between two positions does, at most 60 s apart), "
    "somewhere_between (further apart, up to an hour). Exit status: 0 answered, 2 wrong usage."
)
PARK_ZONE = ZoneInfo("Asia/Shanghai")


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("parking", "passed", ABOUT, lang, AFTER)
    options.add_argument("--lon", required=True, type=_number(-180, 180))
    options.add_argument("--lat", required=True, type=_number(-90, 90))
    options.add_argument("--radius", type=_number(1, 50_000), default=500.0, metavar="M")
    options.add_argument("--from", required=True, type=_moment, dest="since")
    options.add_argument("--to", required=True, type=_moment, dest="until")
    options.add_argument("--json", action="store_true", help=translate("One JSON object per vehicle.", lang))
    chosen = options.parse_args(argv)
    if chosen.until < chosen.since:
        print(translate("The end lies before the beginning.", lang), file=sys.stderr)
        return 2
    begin = time.perf_counter()
    with reading() as session:
        answer = passing.passed(
            session, Place(chosen.lon, chosen.lat, chosen.radius), chosen.since, chosen.until
        )
    for one in answer.passed:
        print(json.dumps(_facts(one), ensure_ascii=False) if chosen.json else _line(one, lang))
    print(_cost(answer, time.perf_counter() - begin, lang), file=sys.stderr)
    return 0


def _facts(one: Passed) -> dict[str, object]:
    return {
        "vehicle_id": one.vehicle_id, "plate": one.plate, "terminal_phone": one.terminal_phone,
        "first": one.first.isoformat(), "last": one.last.isoformat(), "closest_m": round(one.closest_m, 1),
        "certainty": str(one.certainty), "gap_s": one.gap_s, "lon": round(one.lon, 6),
        "lat": round(one.lat, 6),
    }  # fmt: skip


def _line(one: Passed, lang: str) -> str:
    who = one.plate or translate("terminal {phone}", lang, phone=one.terminal_phone or "?")
    first, last = (m.astimezone(PARK_ZONE).strftime("%Y-%m-%d %H:%M:%S") for m in (one.first, one.last))
    return f"{who}  {first} – {last}  {one.closest_m:.0f} m  {speech.name(one.certainty, lang)}"


def _cost(answer: Answer, seconds: float, lang: str) -> str:
    said = N_("{count} vehicles; {blocks} blocks opened, {hot} new positions looked at, {seconds} s.")
    return translate(
        said, lang, count=answer.vehicles, blocks=answer.blocks, hot=answer.hot, seconds=f"{seconds:.2f}"
    )


def _number(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        if not (math.isfinite(value) and least <= value <= most):
            raise ArgumentTypeError(f"{text}: {least} … {most}")
        return value

    return read


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    found = (read if read.tzinfo else read.replace(tzinfo=PARK_ZONE)).astimezone(UTC)
    if not datetime(1971, 1, 1, tzinfo=UTC) <= found <= datetime(9990, 1, 1, tzinfo=UTC) - timedelta(days=1):
        raise ArgumentTypeError(text)
    return found
