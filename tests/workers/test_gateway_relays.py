"""A declared relay carries many terminals over one connection; each still shows its own code."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network

import pytest

from tests.gateways import QUICK, RecordingSink, at, play, running, terminal, until
from workers.jt808.framing import Frame, Splitter
from workers.jt808.general import Result
from workers.jt808.header import Version, split
from workers.jt808.identity import Authentication, encode_authentication
from workers.jt808.location import encode
from workers.jt808.messages import decode, frames

LOOPBACK = [ip_network("127.0.0.0/8")]


class Relay:
    """One connection; answers by (phone, message answered, serial)."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.answers = {}

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.gateway.port)
        self.listening = asyncio.create_task(self.listen())
        return self

    async def __aexit__(self, *_):
        self.listening.cancel()
        self.writer.close()

    async def listen(self):
        splitter = Splitter()
        while data := await self.reader.read(65536):
            for item in splitter.feed(data):
                assert isinstance(item, Frame)
                value = decode(item.content).value
                key = split(item.content)[0].phone.lstrip("0"), value.answered_id, value.answered
                self.answers[key] = value.result

    def say(self, message, phone, serial, body, version=Version.V2013):
        self.writer.write(frames(message, phone, serial, body, version)[0])

    def show(self, phone, serial=1, code=None, version=Version.V2013):
        given = Authentication(f"code-{phone}" if code is None else code)
        self.say(0x0102, phone, serial, encode_authentication(given, version), version)

    async def told(self, *keys):
        await until(lambda: all(key in self.answers for key in keys))
        return [self.answers[key] for key in keys]


def phones(count):
    return [f"1380000{n:04d}" for n in range(count)]


@pytest.mark.parametrize("version", list(Version)[1:])
def test_many_terminals_sign_on_and_report_over_one_connection(tmp_path, version):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path, relays=LOOPBACK) as gateway, Relay(gateway) as relay:
            for phone in phones(300):
                relay.show(phone, version=version)
            assert set(await relay.told(*((p, 0x0102, 1) for p in phones(300)))) == {0}
            assert gateway.stats()["live"] == 300 and gateway.stats()["open"] == 1
            for n, phone in enumerate(phones(300)):
                relay.say(0x0200, phone, n, encode(at(n)), version)
            assert set(await relay.told(*((p, 0x0200, n) for n, p in enumerate(phones(300))))) == {0}
        assert {(f.terminal_phone, f.serial) for f in sink.stored} == {
            (p, n) for n, p in enumerate(phones(300))
        }
        assert sink.sign_ons and max(sink.sign_ons) > 100  # many in one question

    play(story())


def test_code_and_report_in_one_piece_are_heard_in_their_order(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path, relays=LOOPBACK) as gateway, Relay(gateway) as relay:
            for n, phone in enumerate(phones(20)):
                relay.say(0x0200, phone, 7, encode(at(0)))  # before its code: refused
                relay.show(phone)
                relay.say(0x0200, phone, 8, encode(at(n)))
                relay.say(0x0002, phone, 9, b"")
            keys = [
                [(p, m, s) for p in phones(20)] for m, s in ((0x0200, 7), (0x0102, 1), (0x0200, 8), (2, 9))
            ]
            assert [set(await relay.told(*k)) for k in keys] == [{Result.FAILED}, {0}, {0}, {0}]
        assert len(sink.stored) == 20

    play(story())


def test_one_wrong_code_costs_the_others_nothing(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path, relays=LOOPBACK) as gateway, Relay(gateway) as relay:
            right, wrong = phones(20)[::2], phones(20)[1::2]
            for phone in right:
                relay.show(phone)
            for phone in wrong:
                relay.show(phone, code="guessed")
            assert set(await relay.told(*((p, 0x0102, 1) for p in right))) == {0}
            assert set(await relay.told(*((p, 0x0102, 1) for p in wrong))) == {Result.FAILED}
            for phone in phones(20):
                relay.say(0x0200, phone, 2, encode(at(0)))
            assert set(await relay.told(*((p, 0x0200, 2) for p in right))) == {0}
            assert set(await relay.told(*((p, 0x0200, 2) for p in wrong))) == {Result.FAILED}
        assert len(sink.stored) == 10

    play(story())


def test_who_is_no_declared_relay_is_one_terminal(tmp_path):
    async def story():
        elsewhere = [ip_network("10.0.0.0/8")]
        async with running(RecordingSink(), tmp_path, relays=elsewhere) as gateway, Relay(gateway) as relay:
            relay.show("13800000001")
            await relay.told(("13800000001", 0x0102, 1))
            relay.show("13800000002")
            assert await relay.told(("13800000002", 0x0102, 1)) == [Result.FAILED]
            assert gateway.stats()["live"] == 1

    play(story())


def test_a_terminal_that_moves_leaves_its_relay_alone(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path, relays=LOOPBACK) as gateway, Relay(gateway) as relay:
            for phone in ("13900000001", "13900000002"):
                relay.show(phone)
            await relay.told(("13900000001", 0x0102, 1), ("13900000002", 0x0102, 1))
            async with terminal(gateway, 1) as own:
                assert await own.send_fix(at(0)) == 0
                relay.say(0x0200, "13900000001", 5, encode(at(1)))
                relay.say(0x0200, "13900000002", 5, encode(at(1)))
                keys = ("13900000001", 0x0200, 5), ("13900000002", 0x0200, 5)
                assert await relay.told(*keys) == [Result.FAILED, 0]
                assert gateway.stats()["superseded"] == 1

    play(story())


def test_without_the_database_nobody_is_told_a_wrong_thing(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path, relays=LOOPBACK) as gateway, Relay(gateway) as relay:
            relay.show("13800000001")
            await relay.told(("13800000001", 0x0102, 1))
            sink.silent.set()
            relay.show("13800000002", serial=3)
            await until(lambda: sink.asked_silent > 0)
            sink.silent.clear()
            relay.show("13800000002", serial=4)
            assert await relay.told(("13800000002", 0x0102, 4)) == [0]
            assert ("13800000002", 0x0102, 3) not in relay.answers

    play(story())


def test_a_relay_is_heard_whatever_rubbish_stands_between(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path, QUICK, relays=LOOPBACK) as gateway, Relay(gateway) as relay:
            for phone in phones(30):
                relay.show(phone)
            await relay.told(*((p, 0x0102, 1) for p in phones(30)))
            for phone in phones(30):
                relay.writer.write(b"rubbish")
                relay.say(0x0200, phone, 2, encode(at(0)))
                relay.writer.write(b"\x7e\x7d\x7d\x7e")
            assert set(await relay.told(*((p, 0x0200, 2) for p in phones(30)))) == {0}
        assert len(sink.stored) == 30

    play(story())
