"""What the gateway says to a terminal that behaves, and to one that has not shown who it is."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.gateways import QUICK, RecordingSink, at, play, running, terminal, until
from workers.jt808 import assembly
from workers.jt808.framing import Frame, Splitter, wrap
from workers.jt808.general import Missing, Result
from workers.jt808.header import Header, Version
from workers.jt808.location import encode, encode_batch
from workers.jt808.messages import decode, frames
from workers.terminal import Rejected, Unanswered


@pytest.mark.parametrize("version", ["2011", "2013", "2019"])
def test_a_terminal_of_every_edition_registers_authenticates_and_reports(tmp_path, version):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway, terminal(gateway, version=version) as one:
            assert await one.heartbeat() == 0
            assert await one.send_fix(at(0, speed_kmh=36.5, heading=90)) == 0
            assert await one.send_fixes([at(n) for n in range(1, 71)], backfill=True) == 0
        assert [f.fix.speed_kmh for f in sink.stored[:1]] == [36.5]
        assert len(sink.stored) == 71
        assert [f.fix.backfill for f in sink.stored] == [False] + [True] * 70
        assert [f.item for f in sink.stored[1:32]] == [*range(30), 0]

    play(story())


def test_nobody_reports_before_he_has_shown_the_code_issued_to_him(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway:
            one = terminal(gateway)
            await one.connect()
            assert await one.send_fix(at(0)) == Result.FAILED
            assert await one.heartbeat() == Result.FAILED
            with pytest.raises(Rejected):
                await one.authenticate("guessed")
            await one.register()
            assert await one.send_fix(at(0)) == Result.FAILED
            await one.authenticate()
            assert await one.send_fix(at(0)) == 0
            await one.close()
        assert len(sink.stored) == 1

    play(story())


def test_who_guesses_codes_is_shown_the_door(tmp_path):
    async def story():
        async with running(RecordingSink(), tmp_path) as gateway:
            one = terminal(gateway)
            await one.connect()
            for _ in range(QUICK.failures):
                with pytest.raises(Rejected):
                    await one.authenticate("guessed")
            with pytest.raises(Unanswered):
                await one.authenticate("guessed")
            await one.close()

    play(story())


def test_a_terminal_cannot_report_in_the_name_of_another(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway, terminal(gateway, 1) as one:
            (forged,) = frames(0x0200, "13900000002", 9, encode(at(0)), Version.V2013)
            assert await one.send_raw(forged) == Result.FAILED
        assert not sink.stored

    play(story())


def test_the_newer_connection_of_a_phone_supersedes_the_older(tmp_path):
    async def story():
        async with (
            running(RecordingSink(), tmp_path) as gateway,
            terminal(gateway) as old,
            terminal(gateway) as new,
        ):
            await until(lambda: not old.connected)
            assert await new.send_fix(at(0)) == 0
            assert gateway.counts["superseded"] == 1

    play(story())


def test_an_unknown_message_is_unsupported_and_the_connection_stays(tmp_path):
    async def story():
        async with running(RecordingSink(), tmp_path) as gateway, terminal(gateway) as one:
            for number, body in ((0x0F01, b"?"), (0x0702, b"\1"), (0x0900, b"\0abc")):
                (frame,) = frames(number, one.phone, 700, body, Version.V2013)
                assert await one.send_raw(frame) in (Result.UNSUPPORTED, Result.BAD)
            (padded,) = frames(0x0002, one.phone, 701, bytes(17), Version.V2013)
            assert await one.send_raw(padded) == 0
            assert await one.send_fix(at(0)) == 0

    play(story())


def test_a_report_that_cannot_be_read_is_answered_bad_and_kept_as_it_came(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway, terminal(gateway) as one:
            too_short = encode(at(0))[:25]
            (frame,) = frames(0x0200, one.phone, 800, too_short, Version.V2013)
            assert await one.send_raw(frame) == Result.BAD
            encrypted = Header(0x0200, one.phone, 801, encryption=1).encode(encode(at(0)))
            assert await one.send_raw(wrap(encrypted)) == Result.UNSUPPORTED
            kept = (tmp_path / "dead.jsonl").read_text()
            assert frame.hex() in kept and wrap(encrypted).hex() in kept
        assert not sink.stored

    play(story())


def test_one_bad_item_of_a_batch_does_not_cost_the_others(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway, terminal(gateway) as one:
            bodies = [encode(at(0)), b"short", encode(at(2))]
            body = b"\0\3\1" + b"".join(len(b).to_bytes(2, "big") + b for b in bodies)
            (frame,) = frames(0x0704, one.phone, 810, body, Version.V2013)
            assert await one.send_raw(frame) == 0
            assert frame.hex() in (tmp_path / "dead.jsonl").read_text()
        assert [f.item for f in sink.stored] == [0, 2]

    play(story())


def test_the_evidence_of_a_divided_batch_is_all_of_its_packages(tmp_path):
    async def story():
        async with running(RecordingSink(), tmp_path) as gateway, terminal(gateway) as one:
            body = encode_batch([b"no report", *(encode(at(n)) for n in range(100))])
            parts = frames(0x0704, one.phone, 900, body, Version.V2013)
            assert set(await asyncio.gather(*(one.send_raw(part) for part in parts))) == {0}
            assert b"".join(parts).hex() in (tmp_path / "dead.jsonl").read_text()

    play(story())


def test_what_could_not_even_be_kept_as_evidence_is_not_answered_well(tmp_path):
    (tmp_path / "dead.jsonl").mkdir()  # nobody can write there

    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway, terminal(gateway) as one:
            (frame,) = frames(0x0704, one.phone, 9, encode_batch([encode(at(0)), b"?"]), Version.V2013)
            assert await one.send_raw(frame) == Result.FAILED
        assert len(sink.stored) == 1

    play(story())


def test_a_batch_that_miscounts_does_not_cost_its_alarms(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway, terminal(gateway) as one:
            body = encode_batch([encode(at(0, alarm=1)), encode(at(1))])
            for serial, sent in ((810, body + b"\0"), (811, body[:-3])):
                (frame,) = frames(0x0704, one.phone, serial, sent, Version.V2013)
                assert await one.send_raw(frame) == 0
                assert frame.hex() in (tmp_path / "dead.jsonl").read_text()
        assert [f.fix.alarm for f in sink.stored] == [1, 0, 1]

    play(story())


def test_packages_of_a_divided_batch_are_joined_and_each_is_answered(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway, terminal(gateway) as one:
            bodies = [encode(at(n)) for n in range(600)]
            body = b"\2\x58\1" + b"".join(b"\0\x1c" + b for b in bodies)
            parts = frames(0x0704, one.phone, 65530, body, Version.V2013)
            assert len(parts) > 10
            answers = await asyncio.gather(*(one.send_raw(part) for part in reversed(parts)))
            assert set(answers) == {0}
        assert len(sink.stored) == 600

    play(story())


@pytest.mark.parametrize("version", ["2013", "2019"])
def test_a_package_that_did_not_arrive_is_asked_for(tmp_path, monkeypatch, version):
    monkeypatch.setattr(assembly, "ASK_AFTER_S", 0.1)

    async def story():
        sink, limits = RecordingSink(), replace(QUICK, sign_on_s=1.0, idle_s=1.0)
        async with running(sink, tmp_path, limits) as gateway, terminal(gateway, version=version) as one:
            heard, learn = [], one._hear
            one._hear = lambda frame: (heard.append(frame.content), learn(frame))
            body = encode_batch([encode(at(n)) for n in range(100)])
            parts = frames(0x0704, one.phone, 500, body, Version(version))
            await one.write(parts[0] + parts[1][:40] + b"\x7e" + b"".join(parts[2:]))
            await until(lambda: any(h[:2] == b"\x80\x03" for h in heard))
            (asked,) = (decode(h).value for h in heard if h[:2] == b"\x80\x03")
            assert asked == Missing(500, (2,))
            assert await one.send_raw(parts[1]) == 0
            assert gateway.stats()["packages_asked_for"] >= 1
        assert len(sink.stored) == 100

    play(story())


def test_one_connection_is_one_terminal(tmp_path):
    async def story():
        async with running(RecordingSink(), tmp_path) as gateway:
            one = terminal(gateway, 1)
            await one.connect()
            await one.register()
            one.phone = "13900000002"
            with pytest.raises(Rejected):
                await one.register()
            one.phone = "13900000001"
            await one.authenticate()
            assert gateway.stats()["live"] == 1
            await one.close()

    play(story())


def test_the_time_is_told_in_utc(tmp_path):
    async def story():
        async with running(RecordingSink(), tmp_path) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(frames(0x0004, "1", 1, b"", Version.V2019)[0])
            found = Splitter().feed(await reader.read(100))
            writer.close()
            assert isinstance(found[0], Frame) and found[0].content[:2] == b"\x80\x04"
            assert found[0].content[-6:].hex().isdecimal()

    play(story())


def test_the_silent_are_closed_and_who_speaks_stays(tmp_path):
    async def story():
        limits = replace(QUICK, sign_on_s=0.4, idle_s=0.6)
        async with running(RecordingSink(), tmp_path, limits) as gateway:
            stranger, silent = terminal(gateway, 1), terminal(gateway, 2)
            await stranger.connect()
            await silent.sign_on()
            async with terminal(gateway, 3) as speaking:
                for _ in range(10):
                    assert await speaking.heartbeat() == 0
                    await asyncio.sleep(0.1)
                assert not stranger.connected and not silent.connected
            await stranger.close()
            await silent.close()

    play(story())


def test_who_hangs_up_after_reporting_was_heard_all_the_same(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway:
            one = terminal(gateway)
            await one.sign_on()
            packed = (frames(0x0200, one.phone, 9 + n, encode(at(n)), Version.V2013)[0] for n in range(20))
            await one.write(b"".join(packed) + frames(0x0002, one.phone, 99, b"", Version.V2013)[0])
            await one.close()
            await until(lambda: len(sink.stored) == 20)
            assert gateway.connections == 0

    play(story())
