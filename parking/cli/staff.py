"""``python -m parking staff add|password USERNAME``: for whoever runs the machine."""

from __future__ import annotations

import sys

from sqlalchemy import select

from parking import clock, speech
from parking.cli.language import parser, spoken
from parking.db import transaction
from parking.models import Staff
from parking.refused import Refused
from parking.services import staff
from parking.speech import N_, translate
from parking.vocabulary import Role

ABOUT = N_("Make an account or give it a new password.")
OPERATOR = "operator"


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("parking", "staff", ABOUT, lang)
    options.add_argument("action", choices=("add", "password", "off"), help=translate("What to do.", lang))
    options.add_argument("username")
    options.add_argument("--role", choices=[r.value for r in Role], default=Role.GUARD.value)
    chosen = options.parse_args(argv)
    try:
        password = _do(chosen.action, chosen.username, Role(chosen.role))
    except Refused as refused:
        for reason in refused.reasons:
            print(speech.say(reason.word, reason.facts, lang), file=sys.stderr)
        return 1
    if password:
        print(password)
    return 0


def _do(action: str, username: str, role: Role) -> str:
    now = clock.now()
    with transaction() as session:
        if action == "add":
            return staff.add(session, username, username, role, now, OPERATOR, "local")
        found = session.scalars(select(Staff).where(Staff.username == username)).one()
        if action == "password":
            return staff.set_password(session, found.id, None, now, OPERATOR, "local")
        staff.set_active(session, found.id, False, now, OPERATOR, "local")
        return ""
