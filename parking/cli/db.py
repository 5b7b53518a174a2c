"""``python -m parking db upgrade``."""

from __future__ import annotations

from parking import clock, db, schema
from parking.cli.language import parser, spoken
from parking.services import partitions
from parking.settings import Settings
from parking.speech import N_, translate

ABOUT = N_("Bring the database to this version's schema.")


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("parking", "db", ABOUT, lang)
    options.add_argument("action", choices=("upgrade",), help=translate("What to do.", lang))
    options.parse_args(argv)
    schema.upgrade(db.engine())
    width = partitions.WIDTHS[Settings.from_env().fix_partition]
    with db.transaction() as session:  # before the first fix comes: what lands elsewhere has to be moved
        partitions.sweep(session, clock.now(), width)
    return 0
