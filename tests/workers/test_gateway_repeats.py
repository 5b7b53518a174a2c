"""Terminals that send again what waits: answered where they are now, stored once, and at little cost."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from dataclasses import replace
from ipaddress import ip_network

import pytest
from sqlalchemy import text

from parking.db import transaction
from parking.services import park as parks
from parking.services import watches
from tests import land
from tests.gateways import QUICK, RecordingSink, at, play, running, terminal, until
from workers.channels.live import LiveStream
from workers.gateway.sink import ParkSink
from workers.jt808.header import Version
from workers.jt808.location import encode
from workers.jt808.messages import frames


@pytest.fixture
def loaded(engine, database_url):
    with transaction(engine) as session:
        parks.load(session, land.park(), [], land.START, "test")
    return engine


def _sink(engine):
    return ParkSink(engine, LiveStream("redis://127.0.0.1:1"))


def _stored(engine):
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT t.phone, f.serial, f.item FROM fix f JOIN terminal t ON t.id = f.terminal_id")
        )
        return [tuple(row) for row in rows]


def _hang_up(gateway):
    for session in list(gateway._sessions):
        session.abort()


def test_reports_sent_again_while_the_first_ones_wait_are_stored_once_and_answered_after(
    loaded, tmp_path, monkeypatch
):
    """Cut off twice with everything queued; the answers come over the third connection."""

    async def story():
        async with running(_sink(loaded), tmp_path) as gateway, AsyncExitStack() as stack:
            many = [await stack.enter_async_context(terminal(gateway, n)) for n in range(10)]
            first = {one.phone: _frames(one.phone, 0, 5) for one in many}
            for _ in range(2):
                await _all_answered(many, first)
            monkeypatch.setattr(watches, "_locked", None)  # no vehicle is held: it costs what new ones cost
            made = {one.phone: _frames(one.phone, 5, 10) for one in many}
            with loaded.connect() as other:
                other.execute(text("LOCK TABLE fix IN ACCESS EXCLUSIVE MODE"))
                for _ in range(2):
                    before = gateway.counts["frames"]
                    for one in many:
                        await one.write(b"".join(made[one.phone]))
                    await until(lambda before=before: gateway.counts["frames"] >= before + 50)
                    _hang_up(gateway)
                    await asyncio.gather(*(one.sign_on() for one in many))
                sending = asyncio.create_task(_all_answered(many, made))
                await asyncio.sleep(0.3)
                assert not sending.done()
            await sending
            assert gateway.counts["halved"] == 0

    play(story())
    stored = _stored(loaded)
    assert len(stored) == len(set(stored)) == 100
    assert not (tmp_path / "dead.jsonl").exists()


def _frames(phone, first, last):
    return [frames(0x0200, phone, n, encode(at(n)), Version.V2013)[0] for n in range(first, last)]


async def _all_answered(many, made):
    sent = [one.send_raw(frame) for one in many for frame in made[one.phone]]
    assert set(await asyncio.gather(*sent)) == {0}


@pytest.mark.parametrize("seed", [1, 2])
def test_any_of_the_reports_in_any_order_over_any_connection(loaded, tmp_path, seed):
    """Every frame is sent at least once, many more often, in pieces cut anywhere; each is stored once."""
    dice = random.Random(seed)

    async def story():
        limits = replace(QUICK, batch=37, queue=120)
        async with running(_sink(loaded), tmp_path, limits) as gateway:
            many = [terminal(gateway, n) for n in range(6)]
            made = {one.phone: _frames(one.phone, 0, 60) for one in many}
            for _ in range(4):
                await asyncio.gather(*(one.sign_on() for one in many))
                for one in many:
                    own = made[one.phone]
                    chosen = dice.choices(own, k=dice.randrange(20, 200))
                    data, cut = b"".join(chosen), 0
                    while cut < len(data):
                        length = dice.randrange(1, 3000)
                        await one.write(data[cut : cut + length])
                        cut += length
                await asyncio.sleep(dice.uniform(0, 0.1))
                if dice.random() < 0.5:
                    _hang_up(gateway)
            await asyncio.gather(*(one.sign_on() for one in many))
            await _all_answered(many, made)
            await asyncio.gather(*(one.close() for one in many))

    play(story())
    stored = _stored(loaded)
    assert len(stored) == len(set(stored)) == 360


def test_who_comes_back_signs_on_though_the_queue_is_full(tmp_path):
    """Else a terminal that had to reconnect waits behind everything, loses patience and reconnects again."""

    async def story():
        sink = RecordingSink()
        sink.away.set()
        limits = replace(QUICK, queue=50, share=1.0)
        async with (
            running(sink, tmp_path, limits) as gateway,
            terminal(gateway, 1) as loud,
            terminal(gateway, 2) as back,
        ):
            await loud.write(b"".join(_frames(loud.phone, 10, 3000)))
            await until(lambda: gateway.batcher.queue.full)
            await asyncio.wait_for(back.sign_on(), 2)
            fresh = asyncio.create_task(back.send_fix(at(0)))
            await asyncio.sleep(0.1)
            assert not fresh.done()
            sink.away.clear()
            assert await fresh == 0

    play(story())


def test_a_sign_on_read_after_its_connection_was_lost_takes_nothing_from_the_new_one(tmp_path):
    async def story():
        async with running(RecordingSink(), tmp_path) as gateway, terminal(gateway, 1) as new:
            await terminal(gateway, 2).connect()
            await until(lambda: gateway.connections == 2)
            (old,) = [s for s in gateway._sessions if not s.phones]
            old.abort()
            await until(lambda: gateway.connections == 1)
            old.sign(bytes.fromhex(new.phone.zfill(12)))  # read late
            assert await new.send_fix(at(0)) == 0
        assert gateway.stats()["live"] == 0

    play(story())


def test_a_relays_old_connection_goes_once_all_its_terminals_came_back_over_another(tmp_path):
    """What lies unread in it is sent again over the new one; nobody has to refuse it frame by frame."""

    async def story():
        async with (
            running(RecordingSink(), tmp_path, relays=[ip_network("127.0.0.0/8")]) as gateway,
            terminal(gateway, 1) as one,
            terminal(gateway, 2) as other,
        ):
            (old,) = [s for s in gateway._sessions if s.phone == one.phone.lstrip("0")]
            old.sign(bytes.fromhex(other.phone.zfill(12)))  # both over one connection
            again = [terminal(gateway, n) for n in (1, 2)]
            await again[0].sign_on()
            await asyncio.sleep(0.05)
            assert old in gateway._sessions
            await again[1].sign_on()
            await until(lambda: old not in gateway._sessions)
            for each in again:
                assert await each.send_fix(at(0)) == 0
                await each.close()

    play(story())
