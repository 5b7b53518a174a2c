"""``python -m parking plan``: the best plan for a day, printed; it changes nothing."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from parking import clock, speech
from parking.cli.language import parser, spoken
from parking.db import reading
from parking.queries import lot as lots
from parking.rules.plan import Plan
from parking.services import planning
from parking.speech import N_, translate
from parking.vocabulary import Advice

ABOUT = N_("Plan a day: who stands in which bay, and why. Nothing is changed.")
AFTER = N_("Exit status: 0 everybody has a bay, 1 somebody has none.")


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("parking", "plan", ABOUT, lang, AFTER)
    options.add_argument(
        "--day", type=date.fromisoformat, help=translate("Day, e.g. 2026-03-02; today.", lang)
    )
    options.add_argument(
        "--budget", type=float, default=30.0, help=translate("Longest computing time, s.", lang)
    )
    options.add_argument("--json", action="store_true", help=translate("As JSON.", lang))
    chosen = options.parse_args(argv)
    now = clock.now()
    with reading() as session:
        lot_id = lots.current(session)
        zone = lots.rules_of(session, lot_id).zone
        day = planning.read_day(session, lot_id, chosen.day or now.astimezone(zone).date(), now)
    made = planning.make(day, chosen.budget, None if chosen.json else lambda p: _better(p, lang))
    result = planning.as_json(day, made)
    print(json.dumps(result, ensure_ascii=False, indent=1) if chosen.json else text(result, lang, zone))
    return 1 if result["without"] else 0


def _better(made: Plan, lang: str) -> None:
    said = translate(
        "{seconds} s: {placed} placed, {without} without a bay",
        lang,
        seconds=f"{made.seconds:.1f}",
        placed=len(made.at) - made.worth.unplaced,
        without=made.worth.unplaced,
    )
    print(said, file=sys.stderr)


def text(result: dict[str, Any], lang: str, zone: ZoneInfo) -> str:
    """A plan as people read it, one vehicle after another."""
    lines = [planning.quality(result, lang), ""]
    for row in result["placed"]:
        when = f"{_clock(row['from'], zone)}-{_clock(row['to'], zone)}"
        moved = f" ({row['before']} →)" if row["before"] not in (None, row["bay"]) else ""
        reasons = " ".join(speech.say(Advice(r["word"]), r["facts"], lang) for r in row["reasons"])
        lines.append(f"{row['plate']}  {when}  {row['bay']}{moved}  {reasons}")
    for row in result["unplaced"]:
        lines.append(f"{row['plate']}  {_clock(row['from'], zone)}  -  {planning.why_not(row, lang)}")
    return "\n".join(lines)


def _clock(instant: str, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(instant).astimezone(zone).strftime("%H:%M")
