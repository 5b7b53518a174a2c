"""A terminal in the little park, and what stories about terminals need again and again."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from parking.models import (
    Command,
    Letter,
    TerminalConflict,
    TerminalEvidence,
    TerminalFence,
    TerminalRequest,
)
from parking.rules import orders
from parking.services import (
    commands,
    terminals,
    tracking,
)
from parking.services.commands import Outcome
from parking.services.tracking import TerminalFix
from parking.vocabulary import (
    FenceState,
)
from tests import land

NOW = land.START + timedelta(minutes=10)
WHO = ("supervisor:li", "10.0.0.4")
PHONE = "13900000001"


def ask(session, terminal, order=None, now=NOW, **more) -> Command:
    return commands.ask(session, terminal.id, order or orders.text("请驶离"), now, *WHO, **more)


def claim(session, now=NOW, phone=PHONE):
    return [c.id for c in commands.claim(session, [phone], "g", now)]


def words(refused) -> list:
    return [r.word for r in refused.value.reasons]


def answer_all(session, result=0, now=NOW):
    """The terminal takes everything it is sent."""
    done = []
    while claimed := commands.claim(session, [PHONE], "g", now):
        done += claimed
        commands.settle(session, [Outcome(c.id, result) for c in claimed], now)
    return [(c.kind, c.payload.get("number") or c.payload.get("numbers")) for c in done]


def held(session):
    session.expire_all()
    rows = session.scalars(select(TerminalFence).order_by(TerminalFence.kind, TerminalFence.number))
    return {(r.layer, r.code): FenceState(r.state) for r in rows}


def report(session, second, alarm=0, item=None, x=0.0, y=-1800.0, serial=None):
    fix = land.fix(x, y, second, 0.0, alarm=alarm)
    entry = TerminalFix(PHONE, second if serial is None else serial, 0, fix, item)
    tracking.take(session, [entry], fix.time)


def kept(session):
    session.expire_all()
    rows = session.scalars(select(TerminalEvidence).order_by(TerminalEvidence.first_at, TerminalEvidence.id))
    return [
        (r.alarm, r.direction, int((r.first_at - land.START).total_seconds()),
         int((r.last_at - land.START).total_seconds()))
        for r in rows
    ]  # fmt: skip


def crossing(number, direction="in", kind=3):
    return {"area_crossing": {"kind": kind, "id": number, "direction": direction}}


def waiting(session):
    return session.scalars(select(TerminalRequest).order_by(TerminalRequest.id)).all()


def register(session, phone="13900000009", plate="晋M99999", now=NOW, enrolment_="known", **more):
    return terminals.register(session, phone, plate, 2, now, enrolment=enrolment_, **more).result


def open_conflicts(session):
    rows = session.scalars(select(TerminalConflict).order_by(TerminalConflict.id))
    return [(r.kind, r.phone, r.other, r.times, r.state) for r in rows]


def told(session):
    return [n for n in session.scalars(select(Letter.name)) if n == "terminals_disagree"]
