"""One terminal, or a thousand strangers, cannot take the house from the others."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace

from tests.gateways import QUICK, RecordingSink, at, play, running, terminal, until
from workers.gateway.sparing import PER_MINUTE
from workers.jt808.header import Version
from workers.jt808.identity import Registration, encode_registration
from workers.jt808.location import encode
from workers.jt808.messages import frames


def _packed(phone, count, first=0):
    made = (
        frames(0x0200, phone, n % 65536, encode(at(n)), Version.V2013)[0] for n in range(first, first + count)
    )
    return b"".join(made)


def test_a_terminal_that_floods_has_its_share_and_no_more(tmp_path):
    """The queue never holds more of it than its share, and a good terminal waits for none of the rest."""

    async def story():
        limits = replace(QUICK, queue=500, share=0.2, batch=100)
        sink = RecordingSink(takes_s=0.02)
        async with (
            running(sink, tmp_path, limits) as gateway,
            terminal(gateway, 1) as flooding,
            terminal(gateway, 2) as good,
        ):
            flood = asyncio.create_task(flooding.write(_packed(flooding.phone, 20_000)))
            await until(lambda: gateway.batcher.queue.fixes > 0)
            (session,) = [s for s in gateway._sessions if s.phone == flooding.phone.lstrip("0")]
            slowest, most = 0.0, 0
            for n in range(20):
                started = time.monotonic()
                assert await good.send_fix(at(n)) == 0
                slowest = max(slowest, time.monotonic() - started)
                most = max(most, session.undecided)
            flood.cancel()
            assert slowest < 2 and most <= 500
            assert sum(f.terminal_phone == "13900000002" for f in sink.stored) == 20

    play(story())


def test_many_flooding_at_once_are_all_served_in_the_end(tmp_path):
    async def story():
        limits = replace(QUICK, queue=300, batch=100)
        sink = RecordingSink()
        async with running(sink, tmp_path, limits) as gateway, contextlib.AsyncExitStack() as stack:
            many = [await stack.enter_async_context(terminal(gateway, n)) for n in range(1, 9)]
            await asyncio.gather(*(one.write(_packed(one.phone, 1000)) for one in many))
            await until(lambda: len(sink.stored) == 8000, 30)
            assert gateway.batcher.queue.fixes == 0
        assert len({(f.terminal_phone, f.serial) for f in sink.stored}) == 8000

    play(story())


def test_ten_thousand_registrations_are_a_few_lines_of_log_and_no_memory(tmp_path, capsys):
    async def one_stranger(port, first):
        """Fifty phones over one connection, as somebody who tries them out."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):
            for n in range(first, first + 50):
                body = encode_registration(Registration(f"晋M{n:05d}", 2))
                writer.write(frames(0x0100, f"137{n:08d}", n % 65536, body, Version.V2013)[0])
            await writer.drain()
            while await reader.read(65536):
                pass
        writer.close()

    async def story():
        async with running(RecordingSink(), tmp_path) as gateway, terminal(gateway) as good:
            strangers = [asyncio.create_task(one_stranger(gateway.port, 50 * n)) for n in range(200)]
            for n in range(20):
                assert await good.send_fix(at(n)) == 0
            await asyncio.gather(*strangers)
            await until(lambda: gateway.connections == 1)
            assert gateway.stats()["refused"] >= 200 * QUICK.failures
            assert len(gateway._strangers) == 0 and len(gateway.intake._brought) == 0

    play(story())
    said = capsys.readouterr().out.splitlines()
    assert 0 < sum("sign_on_refused" in line for line in said) <= PER_MINUTE


def test_clocks_of_other_times_are_taken_beside_the_right_ones(tmp_path):
    """2070 is what 1970 looks like on the wire; 2099 is the last year it can say."""

    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway, terminal(gateway) as one:
            body = bytearray(encode(at(0)))
            for serial, clock in enumerate(("700101000000", "991231235959", "000101000000", "990230000000")):
                body[22:28] = bytes.fromhex(clock)
                (frame,) = frames(0x0200, one.phone, serial, bytes(body), Version.V2013)
                assert await one.send_raw(frame) == 0
            assert await one.send_fix(at(1)) == 0
        years = [f.fix.time.year for f in sink.stored]
        assert years == [2069, 2099, 1999, 1999, 2026]  # UTC; what is no time at all stands at 1999-12-31

    play(story())
