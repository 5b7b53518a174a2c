"""``python -m workers demo``: the recorded day, played through the real forms and the real TCP port."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from contextlib import suppress
from pathlib import Path

from sqlalchemy import func, select

from parking import clock, running
from parking.clock import DemoClock
from parking.db import reading, transaction
from parking.models import Passage, Staff, Violation, Visit
from parking.refused import Refused
from parking.services import staff
from parking.settings import Settings
from parking.speech import N_, translate
from parking.vocabulary import Role
from workers.cli.language import parser, spoken
from workers.demo import day
from workers.demo.people import Dispatcher, Enterprise, Guard
from workers.demo.player import RATE, Crew, Doors, Player, Tally

ABOUT = N_("Play the recorded demo day through the real doors.")
AFTER = N_(
    "hazpark must be running with a demo clock (make run). Park time runs faster while the day plays and "
    "keeps its lead. Exit status: 0 played, 1 played with troubles, 2 cannot play."
)


def main(argv: list[str]) -> int:
    lang = spoken(argv)
    options = parser("demo", ABOUT, lang, AFTER)
    options.add_argument(
        "--rate", type=float, default=RATE, help=translate("Park seconds in one second.", lang)
    )
    options.add_argument(
        "--folder", type=Path, default=day.FOLDER, help=translate("Folder of the recorded day.", lang)
    )
    chosen = options.parse_args(argv)
    running.adopt()
    settings = Settings.from_env()
    if not settings.clock_file:
        print(
            translate("This installation has no demo clock; start it with make run.", lang), file=sys.stderr
        )
        return 2
    tally = Tally()
    began = time.monotonic()
    _play(settings, day.read(chosen.folder), tally, chosen.rate)
    _report(tally, time.monotonic() - began)
    return 1 if tally.troubles else 0


def _play(settings: Settings, recorded: day.Day, tally: Tally, rate: float) -> None:
    path = Path(settings.clock_file)
    now = time.time()
    running_clock = clock.demo_clock() or DemoClock(now, now, 1.0, now)
    running_clock.write(path)
    doors = Doors(f"http://{settings.host}:{settings.web_port}", settings.host, settings.gateway_port)
    crew, names = _accounts(doors.base, recorded)
    try:
        asyncio.run(Player(recorded, doors, crew, tally).play(path, running_clock, rate))
    finally:
        _close(names)


def _accounts(base: str, recorded: day.Day) -> tuple[Crew, list[str]]:
    """Accounts for this playing only, made as the operator makes accounts; closed afterwards."""
    tag = secrets.token_hex(3)
    who = sorted({b["enterprise"] for b in recorded.bookings()})
    crew = Crew(Dispatcher(base), Guard(base), {name: Enterprise(base) for name in who})
    wanted = [
        (crew.dispatcher, Role.DISPATCHER, "演示调度员", None),
        (crew.guard, Role.GUARD, "演示门卫", None),
        *((crew.enterprises[name], Role.ENTERPRISE, f"演示{name}", name) for name in who),
    ]
    names = []
    for n, (person, role, shown, enterprise) in enumerate(wanted):
        username = f"demo-{role.value}-{tag}" + (f"-{n}" if enterprise else "")
        with transaction() as session:
            password = staff.add(session, username, shown, role, clock.now(), "operator", "demo", enterprise)
        person.sign_in(username, password)
        names.append(username)
    return crew, names


def _close(names: list[str]) -> None:
    with suppress(Refused), transaction() as session:
        for row in session.scalars(select(Staff).where(Staff.username.in_(names))).all():
            staff.set_active(session, row.id, False, clock.now(), "operator", "demo")


def _report(tally: Tally, seconds: float) -> None:
    with reading() as session:
        kinds = session.execute(select(Violation.kind, func.count()).group_by(Violation.kind)).all()
        passages = session.scalar(select(func.count(Passage.id)))
        visits = session.execute(select(Visit.state, func.count()).group_by(Visit.state)).all()
    said = {
        "seconds": round(seconds, 1),
        "done": dict(sorted(tally.counts.items())),
        "violations": dict(sorted((k, n) for k, n in kinds)),
        "passages": passages,
        "visits": dict(sorted((state, n) for state, n in visits)),
        "troubles": tally.troubles,
    }
    print(json.dumps(said, ensure_ascii=False, indent=1))
