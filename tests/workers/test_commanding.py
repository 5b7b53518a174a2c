"""Commands on their way: claimed once, sent to who is connected, answered by serial, never forgotten."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import pytest
from sqlalchemy import select

from parking import clock
from parking.db import reading, transaction
from parking.models import Command, Terminal, TerminalProfile
from parking.rules import orders
from parking.rules.orders import Order
from parking.services import commands
from parking.vocabulary import CommandFault, CommandKind, CommandState
from tests.gateways import QUICK, RecordingSink, play, terminal
from tests.obedient import Manners, Obedient, until
from workers.gateway import commanding
from workers.gateway.command_store import CommandStore
from workers.gateway.server import Gateway
from workers.gateway.sink import ParkSink
from workers.jt808 import areas, general, parameters
from workers.jt808.header import Version
from workers.jt808.messages import frames

pytestmark = pytest.mark.servers


class Deaf:
    """No live stream is needed here."""

    def tell(self, news):
        return True


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(commanding, "TICK_S", 0.05)


@contextlib.asynccontextmanager
async def gateway(engine, folder, name="g1"):
    made = Gateway(
        ParkSink(engine, Deaf()), folder / f"{name}.jsonl", QUICK, commands=CommandStore(engine, name)
    )
    await made.start("127.0.0.1", 0)
    try:
        yield made
    finally:
        await made.stop()


def obedient(gate, manners=None, number=1, **more):
    return Obedient("127.0.0.1", gate.port, f"1390000{number:04d}", f"晋M{number:05d}", manners=manners,
                    patience=5.0, **more)  # fmt: skip


def ask(engine, order: Order, number=1, **more) -> int:
    with transaction(engine) as session:
        terminal = session.scalars(select(Terminal).where(Terminal.phone == f"1390000{number:04d}")).one()
        return commands.ask(session, terminal.id, order, clock.now(), "supervisor:li", "test", **more).id


def state(engine, command_id) -> Command:
    with reading(engine) as session:
        found = session.get(Command, command_id)
        session.expunge(found)
        return found


async def over(engine, command_id) -> Command:
    live = (CommandState.QUEUED, CommandState.SENT)

    def ended():
        found = state(engine, command_id)
        return found if found.state not in live else None

    return await until(ended)


@pytest.mark.parametrize("version", ["2011", "2013", "2019"])
def test_a_text_is_sent_in_the_terminals_edition_and_its_answer_ends_the_command(engine, tmp_path, version):
    async def story():
        async with gateway(engine, tmp_path) as gate, obedient(gate, version=version) as one:
            done = await over(engine, ask(engine, orders.text("请驶离", urgent=True)))
            assert (done.state, done.fault, done.attempts, done.gateway) == (
                "command_answered",
                None,
                1,
                "g1",
            )
            flag = 0b1110 if version == "2019" else 0b1101
            assert one.values == [general.Text("请驶离", flag, 1)]

    play(story())


def test_what_a_2011_terminal_is_told_has_the_layout_of_2011(engine, tmp_path):
    async def story():
        old = {"version": "2011", "read_as": Version.V2011}
        async with gateway(engine, tmp_path) as gate, obedient(gate, **old) as one:
            order = Order(CommandKind.SET_PARAMETERS, {"parameters": {"41": 30}})
            assert (await over(engine, ask(engine, order))).state == "command_answered"
            assert one.raw[0][12:] == bytes.fromhex("01 01 00000029 04 0000001E")
            failed = await over(engine, ask(engine, orders.plain(CommandKind.ASK_ATTRIBUTES)))
            assert (failed.state, failed.fault) == (CommandState.FAILED, CommandFault.EDITION)

    play(story())


@pytest.mark.parametrize(
    ("result", "fault"),
    [(1, CommandFault.REFUSED), (2, CommandFault.NOT_UNDERSTOOD), (3, CommandFault.NOT_SUPPORTED)],
)
def test_what_a_terminal_refuses_has_failed_and_says_why(engine, tmp_path, result, fault):
    async def story():
        async with gateway(engine, tmp_path) as gate, obedient(gate, Manners(result)):
            done = await over(engine, ask(engine, orders.track(5, 600)))
            assert (done.state, done.fault) == (CommandState.FAILED, fault)

    play(story())


def test_a_question_is_answered_by_its_own_message(engine, tmp_path):
    async def story():
        attributes = b"\0\2HAZPK" + b"T1".ljust(20, b"\0") + b"A000001" + bytes(10) + b"\2v1\3v20\7\x81"
        manners = Manners(replies={0x8107: (0x0107, attributes)})
        async with gateway(engine, tmp_path) as gate, obedient(gate, manners):
            where = await over(engine, ask(engine, orders.plain(CommandKind.LOCATE_NOW)))
            assert where.reply["lat"] == 35.68 and where.reply["lon"] == 110.92
            asked = await over(engine, ask(engine, orders.plain(CommandKind.ASK_PARAMETERS)))
            assert asked.reply["settings"] == {"41": 30, "131": "晋M12345"}
            told = await over(engine, ask(engine, orders.plain(CommandKind.ASK_ATTRIBUTES)))
            assert told.reply["firmware"] == "v20"
            with reading(engine) as session:
                known = session.scalars(select(TerminalProfile)).one()
                assert (known.firmware, known.dangerous_goods) == ("v20", True)

    play(story())


def test_a_general_answer_to_a_question_does_not_end_it(engine, tmp_path):
    async def story():
        manners = Manners(replies={0x8104: (0x0001, general.encode_general(0, 0x8104, 0))})
        async with gateway(engine, tmp_path) as gate, obedient(gate, manners) as one:
            command = ask(engine, orders.plain(CommandKind.ASK_PARAMETERS))
            await until(lambda: one.orders)
            await asyncio.sleep(0.3)
            assert state(engine, command).state == CommandState.SENT
            answer = parameters.ParametersAnswer(one.orders[0][2], {0x29: 5})
            one._say(0x0104, parameters.encode_answer(answer))
            assert (await over(engine, command)).reply["settings"] == {"41": 5}

    play(story())


@pytest.mark.parametrize("last", [False, True])
def test_of_a_divided_message_the_first_or_the_last_serial_is_answered(engine, tmp_path, last):
    async def story():
        vertices = [[35 + n / 1e4, 110 + (n % 7) / 1e4] for n in range(300)]
        payload = {"number": 8, "name": "A", "tell": ["platform_in"], "max_kmh": None, "seconds": 0,
                   "vertices": vertices}  # fmt: skip
        manners = Manners(last=last, lost={2})
        async with gateway(engine, tmp_path) as gate, obedient(gate, manners, version="2019") as one:
            done = await over(engine, ask(engine, Order(CommandKind.SET_AREA, payload)))
            assert done.state == "command_answered" and not manners.lost, "the lost package was sent again"
            (polygon,) = one.values
            assert isinstance(polygon, areas.Polygon) and len(polygon.vertices) == 300
            assert [list(v) for v in polygon.vertices] == vertices

    play(story())


def test_a_command_waits_for_its_terminal_and_the_order_of_commands_is_kept(engine, tmp_path):
    async def story():
        async with gateway(engine, tmp_path) as gate:
            one = obedient(gate)
            await one.sign_on()
            await one.close()
            asked = [ask(engine, orders.text(f"第{n}条")) for n in range(4)]
            await asyncio.sleep(0.3)
            assert {state(engine, n).state for n in asked} == {CommandState.QUEUED}
            await one.sign_on()
            for command in asked:
                assert (await over(engine, command)).state == "command_answered"
            assert [v.text for v in one.values] == ["第0条", "第1条", "第2条", "第3条"]
            await one.close()

    play(story())


def test_silence_is_answered_by_sending_again_with_the_same_serial_and_at_last_by_giving_up(
    engine, tmp_path, monkeypatch
):
    monkeypatch.setattr("parking.rules.retrying.FIRST", timedelta(milliseconds=60))

    async def story():
        async with gateway(engine, tmp_path) as gate, obedient(gate, Manners(None)) as one:
            done = await over(engine, ask(engine, orders.text("在吗")))
            assert (done.state, done.fault) == (CommandState.FAILED, CommandFault.NO_ANSWER)
            assert len(one.orders) == 4 and len({serial for _, _, serial in one.orders}) == 1

    play(story())


def test_who_comes_back_is_told_again_what_he_did_not_answer(engine, tmp_path):
    async def story():
        async with gateway(engine, tmp_path) as gate:
            async with obedient(gate, Manners(None)) as one:
                command = ask(engine, orders.text("请驶离"))
                await until(lambda: one.orders)
            async with obedient(gate) as again:
                again.code = one.code
                assert (await over(engine, command)).sendings == 2
                assert len(again.orders) == 1

    play(story())


def test_of_two_gateways_the_one_that_holds_the_terminal_sends_it_once(engine, tmp_path):
    async def story():
        async with (
            gateway(engine, tmp_path, "g1") as one,
            gateway(engine, tmp_path, "g2") as two,
            obedient(one, number=1) as here,
            obedient(two, number=2) as there,
        ):
            asked = [ask(engine, orders.text("一"), 1), ask(engine, orders.text("二"), 2)]
            done = [await over(engine, n) for n in asked]
            assert [d.gateway for d in done] == ["g1", "g2"]
            assert [v.text for v in here.values + there.values] == ["一", "二"]

    play(story())


def test_of_two_that_claim_at_the_same_instant_one_gets_each(engine, tmp_path):
    import threading

    async def enrolled():
        async with gateway(engine, tmp_path) as gate:
            for n in range(1, 21):
                async with obedient(gate, number=n):
                    pass

    play(enrolled())
    asked = {ask(engine, orders.text("一"), n) for n in range(1, 21)}
    phones = [f"1390000{n:04d}" for n in range(1, 21)]
    together, got = threading.Barrier(4), []

    def claim(name):
        together.wait()
        got.extend(c.id for c in CommandStore(engine, name).claim(phones))

    claiming = [threading.Thread(target=claim, args=(f"g{n}",)) for n in range(4)]
    for one in claiming:
        one.start()
    for one in claiming:
        one.join()
    while more := CommandStore(engine, "late").claim(phones):
        got.extend(c.id for c in more)
    assert sorted(got) == sorted(asked)


def test_the_edition_a_terminal_speaks_now_is_remembered(engine, tmp_path):
    async def story():
        async with gateway(engine, tmp_path) as gate:
            async with obedient(gate, version="2011") as one:
                await asyncio.sleep(0.2)
                assert version() == "2011", "a header of 2011 looks like one of 2013"
            renewed = obedient(gate, version="2019")
            renewed.code = one.code
            async with renewed:
                await until(lambda: version() == "2019")

    def version():
        with reading(engine) as session:
            return session.scalars(select(Terminal.version)).one()

    play(story())


def test_a_terminal_that_tells_of_itself_unasked_is_believed(engine, tmp_path):
    async def story():
        attributes = b"\0\2HAZPK" + b"T1".ljust(20, b"\0") + b"A000001" + bytes(10) + b"\2v1\3v21\7\x81"
        async with gateway(engine, tmp_path) as gate, obedient(gate) as one:
            (frame,) = frames(0x0107, one.phone, 700, attributes, one.version)
            assert await one.send_raw(frame) == 0
            await until(lambda: firmware() == "v21")

    def firmware():
        with reading(engine) as session:
            return session.scalar(select(TerminalProfile.firmware))

    play(story())


def test_a_database_that_is_away_costs_a_command_nothing_but_time(engine, tmp_path):
    class Away(CommandStore):
        fails = 3

        def settle(self, outcomes):
            if self.fails:
                self.fails -= 1
                raise ConnectionRefusedError("away")
            super().settle(outcomes)

    async def story():
        made = Gateway(ParkSink(engine, Deaf()), tmp_path / "d.jsonl", QUICK, commands=Away(engine, "g"))
        await made.start("127.0.0.1", 0)
        async with obedient(made) as one:
            done = await over(engine, ask(engine, orders.text("请驶离")))
            assert done.state == "command_answered" and len(one.orders) == 1
        await made.stop()

    play(story())


def test_a_gateway_without_a_store_takes_no_commands_and_minds_no_answer(tmp_path):
    async def story():
        made = Gateway(RecordingSink(), tmp_path / "d.jsonl", QUICK)
        await made.start("127.0.0.1", 0)
        async with obedient(made) as one:
            one._say(0x0001, general.encode_general(0, 0x8300, 0))
            assert await one.heartbeat() == 0
        await made.stop()

    play(story())


def test_an_answer_nobody_waits_for_and_one_to_another_message_change_nothing(engine, tmp_path):
    async def story():
        async with gateway(engine, tmp_path) as gate, obedient(gate, Manners(None)) as one:
            command = ask(engine, orders.text("请驶离"))
            serial = (await until(lambda: one.orders))[0][2]
            for wrong in ((serial + 7, 0x8300), (serial, 0x8103)):
                one._say(0x0001, general.encode_general(*wrong, 0))
            await asyncio.sleep(0.3)
            assert state(engine, command).state == CommandState.SENT
            one._say(0x0001, general.encode_general(serial, 0x8300, 0))
            assert (await over(engine, command)).state == "command_answered"

    play(story())


def test_encoders_of_every_kind_are_there():
    from workers.gateway.orders import _ENCODERS

    assert set(_ENCODERS) == set(CommandKind)


def test_the_simulated_terminal_shows_texts_and_says_of_all_else_that_it_cannot(engine, tmp_path):
    async def story():
        async with gateway(engine, tmp_path) as gate, terminal(gate):
            assert (await over(engine, ask(engine, orders.text("请驶离")))).state == "command_answered"
            cannot = await over(engine, ask(engine, orders.track(5, 60)))
            assert cannot.fault == CommandFault.NOT_SUPPORTED

    play(story())


def test_a_terminal_that_comes_to_another_gateway_is_let_go_by_the_first(engine, tmp_path):
    async def story():
        async with (
            gateway(engine, tmp_path, "g1") as one,
            gateway(engine, tmp_path, "g2") as two,
            obedient(one) as here,
        ):
            there = obedient(two)
            there.code = here.code
            await there.sign_on()
            await until(lambda: not here.connected)
            command = await over(engine, ask(engine, orders.text("请驶离")))
            assert command.gateway == "g2" and there.connected and not here.orders
            back = obedient(one)
            back.code = here.code
            await back.sign_on()
            await until(lambda: not there.connected)
            await asyncio.sleep(0.3)
            assert back.connected, "the newest stays"
            await back.close()

    play(story())
