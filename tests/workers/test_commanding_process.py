"""A gateway that is killed between sending a command and its answer loses neither."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from parking import clock
from parking.db import reading, transaction
from parking.models import Command, Terminal
from parking.rules import orders
from parking.services import commands
from parking.vocabulary import CommandState
from tests.obedient import Manners, Obedient, until
from tests.workers.test_gateway_process import process  # noqa: F401 - a fixture

pytestmark = pytest.mark.servers


def test_kill_9_costs_no_command(process, engine):  # noqa: F811 - the fixture
    def ask(words):
        with transaction(engine) as session:
            terminal = session.scalars(select(Terminal.id)).one()
            return commands.ask(session, terminal, orders.text(words), clock.now(), "test", "test").id

    def states():
        with reading(engine) as session:
            return list(session.scalars(select(Command.state).order_by(Command.id)))

    async def story():
        gateway = await asyncio.to_thread(process)
        one = Obedient(
            "127.0.0.1", process.port, "13900000001", "晋M00001", manners=Manners(None), patience=5
        )
        await one.sign_on()
        ask("已下发")
        await until(lambda: one.orders)
        ask("排队中")
        gateway.kill()
        gateway.wait()
        assert states() == [CommandState.SENT, CommandState.QUEUED]
        ask("网关不在时")
        await asyncio.to_thread(process)
        one.manners.result = 0
        await one.reconnect()
        await until(lambda: states() == [CommandState.ANSWERED] * 3, 20)
        assert [v.text for v in one.values] == ["已下发", "已下发", "排队中", "网关不在时"]
        await one.close()

    asyncio.run(story())
