"""``python -m parking park check|load FOLDER``."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from geo.layers import read_park, to_geojson
from geo.report import Report
from geo.shapes import LayerKind, Park
from parking import clock
from parking.cli.language import parser, spoken
from parking.goodsfile import read_goods
from parking.layer_words import repair_sentence, sentence
from parking.rules import park_rules
from parking.rules.park_rules import RuleWrong
from parking.rules.policy import Policy, PolicyWrong
from parking.speech import N_, translate

ABOUT = N_("Check a folder of layers, or load it.")
AFTER = N_(
    "Repairs are proposed and never made by themselves: --repair writes a repaired copy beside the folder "
    "(FOLDER-repaired), says the areas before and after, and checks the copy. Exit status: 0 no errors, "
    "1 errors, 2 wrong usage."
)


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("parking", "park", ABOUT, lang, AFTER)
    options.add_argument("action", choices=("check", "load"), help=translate("What to do.", lang))
    options.add_argument(
        "folder", metavar="FOLDER", type=Path, help=translate("Folder with park.json and layers.", lang)
    )
    options.add_argument(
        "--repair",
        action="store_true",
        help=translate(N_("I agree to the repairs proposed: make a repaired copy."), lang),
    )
    chosen = options.parse_args(argv)
    folder: Path = chosen.folder
    if chosen.repair:
        if chosen.action == "load":
            options.error(translate(N_("Check the repaired copy first, then load it."), lang))
        if folder.is_dir() and not _repair(folder, lang):
            return 1
        folder = _copy_of(folder)
    park, report = read_park(folder)
    goods = read_goods(folder, report)
    wrong_policy = _policy_fault(park)
    _print(folder, park, report, len(goods), wrong_policy, lang)
    if report.errors or park is None or wrong_policy:
        return 1
    return _load(folder, lang) if chosen.action == "load" else 0


def _copy_of(folder: Path) -> Path:
    return folder.resolve().with_name(f"{folder.resolve().name}-repaired")


def _repair(folder: Path, lang: str) -> bool:
    """Write the repaired copy: layers with repairs as GeoJSON, everything else as it is. False: no copy."""
    park, report = read_park(folder, consent=True)
    target = _copy_of(folder)
    if park is None or target.exists():
        said = N_("{folder} is there already; move it away first.")
        print(translate(said, lang, folder=str(target)) if park else sentence(report.items[0], lang))
        return False
    shutil.copytree(folder, target)
    for item in report.items:
        print(sentence(item, lang))
    for name in sorted({repair.file for repair in report.repairs}):
        if any(item.file == name for item in report.errors):
            continue  # what cannot be mended stays as it was handed in
        (target / name).unlink()
        kind = LayerKind(Path(name).stem)
        drawn = {"type": "FeatureCollection", "features": [to_geojson(f) for f in park.of(kind)]}
        (target / f"{kind}.geojson").write_text(json.dumps(drawn, ensure_ascii=False), encoding="utf-8")
    print(translate(N_("The repaired copy is {folder}; nothing in {original} was changed."), lang,
                    folder=str(target), original=str(folder)))  # fmt: skip
    return True


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
    for repair in report.repairs:
        print(repair_sentence(repair, lang))
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
