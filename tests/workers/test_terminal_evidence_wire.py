"""From the park's lines into a terminal, and from its alarm back to evidence, over the real gateway."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from parking import clock
from parking.db import reading, transaction
from parking.models import Command, Terminal, TerminalConflict, TerminalEvidence, TerminalFence
from parking.services import fences
from parking.services import park as parks
from parking.vocabulary import CommandState
from tests import land
from tests.gateways import play
from tests.obedient import until
from tests.workers.test_commanding import gateway, obedient, quick  # noqa: F401 - quick is a fixture
from workers.jt808 import areas, orders, routes
from workers.jt808.location import Location

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("version", ["2013", "2019"])
def test_a_line_pushed_comes_back_as_the_terminals_own_alarm(engine, tmp_path, version):
    with transaction(engine) as session:
        parks.load(session, land.park(), [], land.START, "test")

    def rows(model):
        with reading(engine) as session:
            found = session.scalars(select(model).order_by(model.id)).all()
            session.expunge_all()
            return found

    def calm():
        return all(c.state == CommandState.ANSWERED for c in rows(Command))

    async def story():
        async with gateway(engine, tmp_path) as gate, obedient(gate, version=version) as one:
            with transaction(engine) as session:
                fences.push(session, session.scalars(select(Terminal.id)).one(), clock.now(), "test", "test")
            await until(lambda: len(one.orders) == 5 and calm(), 20)
            told = {type(v) for v in one.values}
            assert told == {areas.Polygon, routes.Route}
            line = next(f for f in rows(TerminalFence) if f.code == "CL")
            polygon = next(v for v in one.values if getattr(v, "number", 0) == line.number)
            assert polygon.attributes == 0b101100 and polygon.name == ("CL CL" if version == "2019" else "")
            item = {0x12: b"\3" + line.number.to_bytes(4, "big") + b"\0"}
            now = clock.now().replace(microsecond=0)
            assert await one.send_fix(Location(now, 35.68, 110.92, 20.0, alarm=1 << 20), item) == 0
            (seen,) = rows(TerminalEvidence)
            assert (seen.alarm, seen.code, seen.direction, seen.first_at) == (
                "terminal_area_crossed", "CL", "in", now,
            )  # fmt: skip
            await until(lambda: isinstance(one.values[-1], orders.ConfirmAlarm))
            assert one.values[-1] == orders.ConfirmAlarm(0, 1 << 20)

    play(story())


def test_two_devices_that_throw_each_other_out_are_told_of(engine, tmp_path):
    def conflicts():
        with reading(engine) as session:
            return list(session.scalars(select(TerminalConflict.kind)))

    async def story():
        async with gateway(engine, tmp_path) as gate:
            one, two = obedient(gate), obedient(gate)
            await one.sign_on()
            two.code = one.code
            for n in range(4):
                await (two, one)[n % 2].sign_on()
                await asyncio.sleep(0.1)
            await until(conflicts)
            assert conflicts() == ["two_places"]
            await one.close()
            await two.close()

    play(story())
