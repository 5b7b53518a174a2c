"""A report is answered once it is stored, and stored once it was answered; nothing else holds it up."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from tests.gateways import QUICK, Poison, RecordingSink, at, play, running, terminal, until
from workers.jt808.general import Result
from workers.jt808.header import Version
from workers.jt808.location import encode, encode_batch
from workers.jt808.messages import frames
from workers.terminal import Unanswered


def test_the_answer_comes_after_the_commit_and_not_before(tmp_path):
    async def story():
        sink = RecordingSink(takes_s=0.3)
        async with running(sink, tmp_path) as gateway, terminal(gateway) as one:
            sending = asyncio.create_task(one.send_fix(at(0)))
            await until(lambda: sink.tries == 1)
            await asyncio.sleep(0.1)
            assert not sending.done() and not sink.stored
            assert await sending == 0 and len(sink.stored) == 1

    play(story())


def test_many_terminals_share_a_transaction(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway:
            many = [terminal(gateway, n) for n in range(50)]
            await asyncio.gather(*(one.sign_on() for one in many))
            for n in range(10):
                assert set(await asyncio.gather(*(one.send_fix(at(n)) for one in many))) == {0}
            await asyncio.gather(*(one.close() for one in many))
        assert sum(sink.batches) == 500
        assert len(sink.batches) < 100

    play(story())


def test_while_the_database_is_away_nothing_is_answered_and_nothing_is_lost(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway, terminal(gateway) as one:
            sink.away.set()
            sending = [asyncio.create_task(one.send_fix(at(n))) for n in range(20)]
            await until(lambda: sink.tries > 3)
            assert not any(task.done() for task in sending)
            sink.away.clear()
            assert set(await asyncio.gather(*sending)) == {0}
        assert len(sink.stored) == 20
        assert not (tmp_path / "dead.jsonl").exists()

    play(story())


def test_a_full_queue_stops_reading_instead_of_growing(tmp_path):
    async def story():
        sink = RecordingSink()
        sink.away.set()
        limits = replace(QUICK, queue=200, share=1.0)
        async with running(sink, tmp_path, limits) as gateway, terminal(gateway) as one:
            packed = [frames(0x0200, one.phone, n, encode(at(n)), Version.V2013)[0] for n in range(3000)]
            sending = asyncio.create_task(one.write(b"".join(packed)))
            await until(lambda: gateway.batcher.queue.full)
            await asyncio.sleep(0.2)
            assert gateway.batcher.queue.fixes <= 201
            sink.away.clear()
            await sending
            await until(lambda: len(sink.stored) == 3000, 20)

    play(story())


def test_one_poisoned_terminal_does_not_block_the_others(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway:
            many = [terminal(gateway, n) for n in range(1, 21)]
            await asyncio.gather(*(one.sign_on() for one in many))
            sink.poisoned.add("13900000007")
            answers = await asyncio.gather(*(one.send_fix(at(0)) for one in many))
            assert [n for n, result in enumerate(answers, 1) if result] == [7]
            assert answers[6] == Result.FAILED
            await asyncio.gather(*(one.close() for one in many))
        assert len(sink.stored) == 19
        kept = (tmp_path / "dead.jsonl").read_text().splitlines()
        assert len(kept) == 1 and "Poison" in kept[0] and "013900000007" in kept[0]

    play(story())


class _Picky(RecordingSink):
    """Refuses a batch that holds a fix with this alarm."""

    def take(self, batch):
        if any(f.fix.alarm == 77 for f in batch):
            self.tries += 1
            raise Poison("alarm 77")
        return super().take(batch)


def test_one_fix_that_cannot_be_stored_costs_its_message_nothing_else(tmp_path):
    async def story():
        sink = _Picky()
        async with running(sink, tmp_path) as gateway, terminal(gateway) as one:
            body = encode_batch([encode(at(n, alarm=77 * (n == 7))) for n in range(20)])
            (frame,) = frames(0x0704, one.phone, 50, body, Version.V2013)
            assert await one.send_raw(frame) == Result.FAILED
            assert await one.send_fix(at(99)) == 0
        assert [f.item for f in sink.stored] == [*range(7), *range(8, 20), 0]
        assert [json.loads(kept)["raw"] for kept in (tmp_path / "dead.jsonl").open()] == [frame.hex()]

    play(story())


def test_a_message_rotten_throughout_does_not_keep_the_writer_busy(tmp_path):
    async def story():
        sink = _Picky()
        async with running(sink, tmp_path) as gateway, terminal(gateway) as one:
            body = encode_batch([encode(at(n, alarm=77)) for n in range(500)])
            parts = frames(0x0704, one.phone, 50, body, Version.V2013)
            assert set(await asyncio.gather(*(one.send_raw(part) for part in parts))) == {Result.FAILED}
            assert sink.tries < 40
            assert len((tmp_path / "dead.jsonl").read_text().splitlines()) == 1

    play(story())


def test_at_the_end_what_was_received_is_stored_and_answered(tmp_path):
    async def story():
        sink = RecordingSink(takes_s=0.2)
        async with running(sink, tmp_path) as gateway:
            one = terminal(gateway)
            await one.sign_on()
            sending = [asyncio.create_task(one.send_fix(at(n))) for n in range(100)]
            await until(lambda: sink.tries or len(gateway.batcher.queue) == 100)
        assert set(await asyncio.gather(*sending)) == {0}
        assert len(sink.stored) == 100
        with pytest.raises(Unanswered):
            await one.send_fix(at(200))
        await one.close()

    play(story())


def test_a_terminal_sends_again_what_was_not_answered(tmp_path):
    async def story():
        sink = RecordingSink()
        async with running(sink, tmp_path) as gateway, terminal(gateway, attempts=5) as one:
            sink.away.set()
            sending = asyncio.create_task(one.send_fix(at(0)))
            await until(lambda: sink.tries > 0)
            for session in list(gateway._sessions):
                session.abort()
            await until(lambda: gateway.counts["connections"] == 2)
            sink.away.clear()
            assert await sending == 0
        assert {(f.serial, f.fix.time) for f in sink.stored} == {(2, at(0).time)}

    play(story())
