"""Whatever comes over the wire, the good terminal beside it is served."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from dataclasses import replace

import pytest

from tests.gateways import QUICK, RecordingSink, at, play, running, terminal, until
from workers.jt808.framing import LONGEST
from workers.jt808.header import Version
from workers.jt808.location import encode
from workers.jt808.messages import frames


def _good_frame(number=5):
    return frames(0x0200, "13900000001", number, encode(at(number)), Version.V2013)[0]


def _broken(frame):
    return frame[:-2] + bytes([frame[-2] ^ 0x01]) + frame[-1:]


HOSTILE = {
    "garbage": random.Random(1).randbytes(200_000),
    "half a frame": _good_frame()[:20],
    "wrong checksums": _broken(_good_frame()) * 500,
    "only delimiters": b"\x7e" * 100_000,
    "ten megabytes without a delimiter": b"\x7e" + b"A" * 10_000_000,
    "half escapes": b"\x7e" + b"\x7d" * 60 + b"\x7e" + b"\x7d\x7e" * 1000,
    "lengths that lie": b"\x7e\x02\x00\x03\xff" + bytes(30) + b"\xfe\x7e",
    "another protocol": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_stranger_can_send_anything_and_the_good_terminal_is_served(tmp_path, data):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway, terminal(gateway) as good:
            _, stranger = await asyncio.open_connection("127.0.0.1", gateway.port)
            stranger.write(data)
            slowest = 0.0
            for n in range(20):
                started = time.monotonic()
                assert await good.send_fix(at(n)) == 0
                slowest = max(slowest, time.monotonic() - started)
            with contextlib.suppress(OSError):
                await stranger.drain()
                stranger.close()
            assert slowest < 2
        assert len(sink.stored) == 20

    play(story())


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_a_terminal_is_understood_again_after_its_own_rubbish(tmp_path, data):
    async def story():
        async with running(RecordingSink(), tmp_path) as gateway, terminal(gateway) as one:
            await one.write(data)
            await one.write(b"\x7e")
            assert await one.send_fix(at(0)) == 0
            if b"\x7e" in data[1:-1] and data.strip(b"\x7e"):
                assert gateway.counts["bad_frames"] > 0

    play(story())


def test_what_never_ends_takes_no_memory(tmp_path):
    async def story():
        async with running(RecordingSink(), tmp_path) as gateway, terminal(gateway) as one:
            for _ in range(100):
                await one.write(b"A" * 100_000)
            await until(lambda: any(s._splitter._length > 9_000_000 for s in gateway._sessions), 10)
            assert all(len(s._splitter._held) <= LONGEST + 1 for s in gateway._sessions)

    play(story())


def test_a_thousand_idle_connections_cost_the_good_terminal_nothing(tmp_path):
    async def story():
        async with running(RecordingSink(), tmp_path) as gateway:
            idle = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(1000)]
            await until(lambda: gateway.connections == 1000)
            async with terminal(gateway) as good:
                started = time.monotonic()
                for n in range(20):
                    assert await good.send_fix(at(n)) == 0
                assert time.monotonic() - started < 5
            for _, writer in idle:
                writer.close()

    play(story())


def test_when_all_places_are_taken_the_oldest_stranger_makes_room(tmp_path):
    async def story():
        limits = replace(QUICK, connections=10)
        async with running(RecordingSink(), tmp_path, limits) as gateway, terminal(gateway) as good:
            idle = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(30)]
            async with terminal(gateway, 2) as late:
                assert await late.send_fix(at(0)) == 0
                assert await good.send_fix(at(0)) == 0
            assert gateway.counts["evicted"] >= 21
            for _, writer in idle:
                writer.close()

    play(story())


def test_a_byte_now_and_then_does_not_hold_a_place(tmp_path):
    async def story():
        limits = replace(QUICK, sign_on_s=0.5)
        async with running(RecordingSink(), tmp_path, limits) as gateway, terminal(gateway, 2) as good:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            with contextlib.suppress(ConnectionError):
                for byte in _good_frame() * 3:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0.02)
                    assert await good.heartbeat() == 0
                assert await reader.read() == b""
            assert gateway.counts["idle"] == 1
            writer.close()

    play(story())


def test_who_reads_no_answers_is_cut_off(tmp_path):
    async def story():
        limits = replace(QUICK, unread_bytes=50_000)
        async with running(RecordingSink(), tmp_path, limits) as gateway, terminal(gateway, 2) as good:
            deaf = terminal(gateway)
            await deaf.sign_on()
            deaf._listening.cancel()
            deaf._writer.transport.pause_reading()
            (beat,) = frames(0x0002, deaf.phone, 9, b"", Version.V2013)
            with contextlib.suppress(ConnectionError, OSError):
                for _ in range(2000):
                    await deaf.write(beat * 500)
                    if not gateway._live.get("13900000001"):
                        break
            await until(lambda: "13900000001" not in gateway._live)
            assert await good.heartbeat() == 0
            await deaf.close()

    play(story())
