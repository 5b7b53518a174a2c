"""``python -m parking verdict UN UN``: may these two stand side by side? What the board shows, in words."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from geo.layers import Report, read_park
from geo.shapes import Park
from parking import clock
from parking.cli.language import parser, spoken
from parking.db import transaction
from parking.goodsfile import read_goods
from parking.layer_words import sentence
from parking.queries import lot as lots
from parking.queries.park import NoPark
from parking.rules import park_rules
from parking.rules.matrices import TABLES, Matrix
from parking.rules.park_rules import RuleWrong
from parking.rules.policy import Policy, PolicyWrong
from parking.rules.segregation import Load, Rulebook, Ruling, Verdict, between
from parking.rules.substance import Substance, specific, state_of
from parking.speech import N_, say, translate
from parking.vocabulary import FireCategory, GoodsTrait, LoadState

ABOUT = N_("Say whether two dangerous goods may stand side by side, and how far apart.")
AFTER = N_(
    "UN: four digits; a ! behind one means its tank is empty but uncleaned (it counts in full), a - means "
    "cleaned. Asks the database of the running park; without one, or with --park, the files. Exit status: "
    "0 allowed, 1 a distance is needed or forbidden, 2 not known or a wrong question."
)
DATABASE = "database"
SHIPPED = Path(__file__).resolve().parents[2] / "fixtures"
_RULINGS: Mapping[Ruling, str] = {
    Ruling.ALLOWED: N_("may stand side by side"),
    Ruling.DISTANCE: N_("{metres} m apart at least"),
    Ruling.FORBIDDEN: N_("forbidden together: {metres} m apart at least"),
}


class FolderWrong(ValueError):
    """A park's folder that cannot be believed; a verdict from half of its rules would be a guess."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Goods by UN number with their names, the park's rulebook, and where both were read."""

    goods: Mapping[str, tuple[Substance, str, str]]
    book: Rulebook
    origin: str


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("parking", "verdict", ABOUT, lang, AFTER)
    options.add_argument("one", metavar="UN")
    options.add_argument("other", metavar="UN")
    options.add_argument("--json", action="store_true", help=translate("Print one JSON object.", lang))
    options.add_argument(
        "--park", type=Path, metavar="FOLDER", help=translate("Read this park's files.", lang)
    )
    options.add_argument(
        "--matrix", choices=list(Matrix), help=translate("Read this table, whatever the park chose.", lang)
    )
    chosen = options.parse_args(argv)
    try:
        known = _know(chosen.park, lang)
    except (PolicyWrong, RuleWrong, FolderWrong) as wrong:
        print(wrong, file=sys.stderr)
        return 2
    if chosen.matrix:
        known = replace(known, book=replace(known.book, matrix=Matrix(chosen.matrix)))
    loads = [_load(asked, known, lang) for asked in (chosen.one, chosen.other)]
    if loads[0] is None or loads[1] is None:
        return 2
    verdict = between(loads[0], loads[1], known.book)
    _print(chosen, known, verdict, lang)
    return 0 if verdict.ruling is Ruling.ALLOWED else 1


def _know(folder: Path | None, lang: str) -> Knowledge:
    """The running park's goods and rules, else those of a folder, else the shipped ones."""
    if folder is None:
        try:
            with transaction() as session:
                book = lots.rules_of(session, lots.current(session)).book
                goods = {
                    g.un_number: (lots.substance_of(g), g.name_zh, g.name_en) for g in lots.goods(session)
                }
            return Knowledge(goods, book, DATABASE)
        except (SQLAlchemyError, NoPark):
            folder = SHIPPED / "park"
    park, report = read_park(folder)
    goods = _from_file(folder, report)
    if park is None or report.errors:
        raise FolderWrong("; ".join(sentence(item, lang) for item in report.errors) or str(folder))
    return Knowledge(goods, _book(park, clock.now().date()), f"{folder}")


def _book(park: Park, today: date) -> Rulebook:
    return Rulebook.from_policy(
        Policy.from_mapping(park.policy), park_rules.read(park.rules, today).segregation
    )


def _from_file(folder: Path, report: Report) -> dict[str, tuple[Substance, str, str]]:
    found = {}
    for row in read_goods(folder, report):
        substance = Substance(
            hazard_class=row["hazard_class"],
            subsidiary=tuple(p.strip() for p in row["subsidiary"].split(",") if p.strip()),
            un_number=row["un_number"],
            specific=specific(row["name_en"]),
            packing_group=row["packing_group"] or None,
            traits=_traits(row),
            fire_category=FireCategory(row["fire_category"]) if row.get("fire_category") else None,
        )
        found[row["un_number"]] = (substance, row["name_zh"], row["name_en"])
    return found


def _traits(row: Mapping[str, str]) -> frozenset[GoodsTrait]:
    told = frozenset(GoodsTrait(t.strip()) for t in row.get("traits", "").split(",") if t.strip())
    return told | state_of(row["name_en"])


def _load(asked: str, known: Knowledge, lang: str) -> Load | None:
    un = asked.upper().removeprefix("UN").strip().rstrip("!-")
    if un not in known.goods:
        sentence = N_("UN {un} is not in the goods list ({origin}); unknown goods are never guessed.")
        print(translate(sentence, lang, un=un, origin=known.origin), file=sys.stderr)
        return None
    states = {"!": LoadState.EMPTY_UNCLEANED, "-": LoadState.EMPTY_CLEAN}
    return Load((known.goods[un][0],), states.get(asked[-1:], LoadState.LOADED))


def _print(chosen: Any, known: Knowledge, verdict: Verdict, lang: str) -> None:
    note = say(verdict.note, {}, lang) if verdict.note else ""
    if chosen.json:
        facts = {
            "one": chosen.one, "other": chosen.other, "ruling": verdict.ruling, "needed_m": verdict.needed_m,
            "symbol": verdict.symbol, "reason": verdict.reason, "source": verdict.source,
            "note": verdict.note, "note_text": note, "remark": verdict.remark, "matrix": known.book.matrix,
            "asked": known.origin,
        }  # fmt: skip
        print(json.dumps(facts, ensure_ascii=False))
        return
    for asked in (chosen.one, chosen.other):
        substance, name_zh, name_en = known.goods[asked.upper().removeprefix("UN").strip().rstrip("!-")]
        named = name_en if lang == "en" else name_zh
        print(f"UN {substance.un_number}  {named}  {' + '.join(substance.hazards)}")
    print("→", translate(_RULINGS[verdict.ruling], lang, metres=f"{verdict.needed_m:g}"))
    if verdict.reason:
        print("  ", translate("because of", lang), " × ".join(verdict.reason), f"[{verdict.symbol or '–'}]")
    print("  ", " ".join(filter(None, (verdict.source, note, verdict.remark))))
    if verdict.ruling is not Ruling.ALLOWED:
        print("  ", translate("The metres are the park's setting, not from a standard.", lang))
    origin = (
        translate(N_("the database of the running park"), lang) if known.origin == DATABASE else known.origin
    )
    print("  ", translate("Asked: {origin}; table: {table}.", lang, origin=origin, table=_table(known)))


def _table(known: Knowledge) -> str:
    return TABLES[known.book.matrix].source
