"""``python -m workers areas FOLDER``: what a terminal would hold of a park, and what that loses."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from geo.datum import LocalFrame
from geo.layers import read_park
from geo.shapes import LayerKind, Park
from parking import clock
from parking.rules import fences
from parking.rules.fences import Plan, Source
from parking.rules.policy import Policy, PolicyWrong
from parking.speech import N_, translate
from parking.vocabulary import CommandKind
from workers.cli.language import parser, spoken
from workers.gateway import orders
from workers.jt808.header import LONGEST_BODY, Version

ABOUT = N_("Show what a terminal would hold of a park, and what is lost by it.")
AFTER = N_(
    "Each line gives one JSON object: layer, code, message, bytes, packages, lost (points, of_points, "
    "farthest_m, added_m2, holes, narrower_m), and with --hex the body; at last what no terminal can hold. "
    "Ids are counted from 1 here; in terminals they follow the layer versions of the database. Exit status: "
    "0 all held, 1 not all, 2 the park cannot be read."
)
_KINDS = {fences.POLYGON: CommandKind.SET_AREA, fences.ROUTE: CommandKind.SET_ROUTE}


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("areas", ABOUT, lang, AFTER)
    options.add_argument(
        "folder", metavar="FOLDER", type=Path, help=translate("Folder with park.json and layers.", lang)
    )
    options.add_argument("--edition", choices=list(Version), default=Version.V2013,
                         help=translate(N_("Edition of JT/T 808 the terminal speaks."), lang))  # fmt: skip
    options.add_argument("--hex", action="store_true", help=translate(N_("Show the bodies too."), lang))
    given = options.parse_args(argv)
    park, report = read_park(given.folder)
    try:
        policy = Policy.from_mapping(park.policy if park else {})
    except PolicyWrong as wrong:
        print(wrong, file=sys.stderr)
        return 2
    if park is None or report.errors:
        print(translate(N_("{folder} has errors: see python -m parking park check."), lang,
                        folder=given.folder), file=sys.stderr)  # fmt: skip
        return 2
    plan = planned(park, policy, clock.now())
    for line in lines(plan, Version(given.edition), given.hex):
        print(json.dumps(line, ensure_ascii=False))
    if plan.not_held:
        print(json.dumps({"not_held": list(plan.not_held)}, ensure_ascii=False))
    return 1 if plan.not_held else 0


def planned(park: Park, policy: Policy, at: datetime) -> Plan:
    """The plan for the lines in force; versions are counted from 1."""
    told = (LayerKind.BOUNDARY, LayerKind.CONTROL_LINE, LayerKind.ZONE, LayerKind.ROUTE)
    features = [f for kind in told for f in park.in_force(kind, at)]
    sources = [
        Source(n, f.kind, f.code, f.name_zh, f.geometry, f.attributes) for n, f in enumerate(features, 1)
    ]
    return fences.plan(sources, LocalFrame(park.metric_crs), policy)


def lines(plan: Plan, version: Version, bodies: bool) -> Iterator[dict[str, Any]]:
    for fence in plan.fences:
        message_id, body = orders.encode(_KINDS[fence.kind], fence.payload, version)
        said: dict[str, Any] = {
            "layer": str(fence.layer), "code": fence.code, "message": f"0x{message_id:04X}",
            "bytes": len(body), "packages": -(-len(body) // LONGEST_BODY),
            "lost": fences.loss_facts(fence.loss),
        }  # fmt: skip
        yield {**said, "body": body.hex()} if bodies else said
