"""``python -m parking hold place|lift|list``: a case keeps everything of a vehicle."""

from __future__ import annotations

import sys

from sqlalchemy import select

from parking import clock
from parking.cli.language import parser, spoken
from parking.db import reading, transaction
from parking.models import LegalHold, Vehicle
from parking.rules import plate as plates
from parking.services import holds
from parking.speech import N_, translate

ABOUT = N_("Keep everything of a vehicle while a case is open.")
OPERATOR = "operator"


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("parking", "hold", ABOUT, lang)
    options.add_argument("action", choices=("place", "lift", "list"), help=translate("What to do.", lang))
    options.add_argument("plate", nargs="?", default="")
    options.add_argument("--reason", default="", help=translate("Why, e.g. the number of the case.", lang))
    chosen = options.parse_args(argv)
    if chosen.action == "list":
        return _list()
    if not chosen.plate or (chosen.action == "place" and not chosen.reason):
        print(translate("Name the plate and, to place a hold, the reason.", lang), file=sys.stderr)
        return 2
    plate = plates.normalise(chosen.plate)
    try:
        with transaction() as session:
            if chosen.action == "place":
                count = holds.place(session, plate, chosen.reason, clock.now(), OPERATOR)
            else:
                count = holds.lift(session, plate, clock.now(), OPERATOR)
    except holds.NoSuchVehicle:
        print(translate("No vehicle has the plate {plate}.", lang, plate=plate), file=sys.stderr)
        return 1
    print(translate("{count} holds of {plate}.", lang, count=count, plate=plate))
    return 0


def _list() -> int:
    with reading() as session:
        rows = session.execute(
            select(Vehicle.plate, LegalHold.placed_at, LegalHold.placed_by, LegalHold.reason)
            .join(Vehicle, Vehicle.id == LegalHold.vehicle_id)
            .where(LegalHold.lifted_at.is_(None))
            .order_by(LegalHold.placed_at)
        )
        for plate, at, by, reason in rows:
            print(f"{plate}  {at:%Y-%m-%d}  {by}  {reason}")
    return 0
