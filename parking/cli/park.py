"""``python -m parking park check|load FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path

from geo.layers import read_park
from geo.report import Report
from geo.shapes import LayerKind, Park
from parking import clock
from parking.cli.language import parser, spoken
from parking.goodsfile import read_goods
from parking.layer_words import sentence
from parking.rules import park_rules
from parking.rules.park_rules import RuleWrong
from parking.rules.policy import Policy, PolicyWrong
from parking.speech import N_, translate

ABOUT = N_("Check a folder of layers, or load it.")
AFTER = N_("Exit status: 0 no errors, 1 errors, 2 wrong usage.")


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("parking", "park", ABOUT, lang, AFTER)
    options.add_argument("action", choices=("check", "load"), help=translate("What to do.", lang))
    options.add_argument(
        "folder", metavar="FOLDER", type=Path, help=translate("Folder with park.json and layers.", lang)
    )
    chosen = options.parse_args(argv)
    park, report = read_park(chosen.folder)
    goods = read_goods(chosen.folder, report)
    wrong_policy = _policy_fault(park)
    _print(chosen.folder, park, report, len(goods), wrong_policy, lang)
    if report.errors or park is None or wrong_policy:
        return 1
    return _load(chosen.folder, lang) if chosen.action == "load" else 0


def _policy_fault(park: Park | None) -> str:
    try:
        if park is not None:
            Policy.of_park(park)
        park_rules.read(park.rules if park else {}, clock.now().date())
    except (PolicyWrong, RuleWrong) as wrong:
        return str(wrong)
    return ""


def _print(folder: Path, park: Park | None, report: Report, goods: int, wrong_policy: str, lang: str) -> None:
    for item in report.items:
        print(sentence(item, lang))
    if wrong_policy:
        print(translate("error", lang), "park.json", wrong_policy, sep="  ")
    if park is not None:
        counts = [f"{kind} {len(park.of(kind))}" for kind in LayerKind]
        print(", ".join([*counts, f"goods {goods}"]))
    errors = len(report.errors) + bool(wrong_policy)
    print(
        translate(
            "{folder}: {errors} error(s), {warnings} warning(s).",
            lang,
            folder=str(folder),
            errors=errors,
            warnings=len(report.warnings),
        )
    )


def _load(folder: Path, lang: str) -> int:
    from parking import seed  # needs a database, which a check does not

    seed.load_park(folder, clock.now(), "operator")
    print(translate("Loaded.", lang), file=sys.stdout)
    return 0
