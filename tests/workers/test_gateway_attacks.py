"""Reports no honest codec expects: each is stored as it came, or refused; none is answered and forgotten."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.gateways import at, play, running, terminal
from workers.channels.live import LiveStream
from workers.gateway.sink import ParkSink
from workers.jt808.location import encode, encode_batch

pytestmark = pytest.mark.servers

SOS = 1


def _sink(engine):
    return ParkSink(engine, LiveStream("redis://127.0.0.1:1"))


def _all(engine, sql):
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def _at(seconds, **facts):
    return at((datetime.now(UTC) - at(0).time).total_seconds() + seconds, **facts)


@pytest.mark.parametrize("clock", ["000000000000", "991399256199", "ffffffffffff"])
def test_an_alarm_of_a_terminal_whose_clock_is_not_set_is_obeyed(loaded, tmp_path, clock):
    body = bytearray(encode(_at(0, alarm=SOS, status=0)))
    body[22:28] = bytes.fromhex(clock)

    async def story():
        async with running(_sink(loaded), tmp_path) as gateway, terminal(gateway) as one:
            assert (await one._ask(0x0200, bytes(body))).result == 0

    play(story())
    ((subject, began),) = _all(loaded, "SELECT subject, started_at FROM violation")
    assert subject == "sos" and abs(datetime.now(UTC) - began) < timedelta(minutes=1)
    assert len(_all(loaded, "SELECT 1 FROM fix")) == 1


def test_after_a_restart_the_same_second_and_serial_may_say_something_new(loaded, tmp_path):
    """A terminal whose clock stands still counts its serials from the beginning at every start."""
    unset = datetime(2000, 1, 1, tzinfo=UTC)

    async def story():
        async with running(_sink(loaded), tmp_path) as gateway, terminal(gateway) as one:
            assert await one.send_fix(at(0)) == 0
            one._serial -= 1
            assert await one.send_fix(at(0, lat=35.69)) == 0
            serial = one._serial
            for alarm in (0, SOS, SOS):
                one._serial = serial
                body = encode(at((unset - at(0).time).total_seconds(), alarm=alarm))
                assert (await one._ask(0x0200, body)).result == 0

    play(story())
    assert len(_all(loaded, "SELECT 1 FROM fix")) == 4
    assert _all(loaded, "SELECT subject FROM violation WHERE kind = 'terminal_alarm'") == [("sos",)]


def test_a_batch_that_contradicts_itself_loses_nothing(loaded, tmp_path):
    fixes = [encode(_at(-30 + n)) for n in range(3)]

    async def story():
        async with running(_sink(loaded), tmp_path) as gateway, terminal(gateway) as one:
            assert (await one._ask(0x0704, encode_batch(fixes))).result == 0
            one._serial -= 1
            assert (await one._ask(0x0704, encode_batch(fixes))).result == 0
            one._serial -= 1
            assert (await one._ask(0x0704, encode_batch(fixes[::-1]))).result == 0

    play(story())
    assert len(_all(loaded, "SELECT 1 FROM fix")) >= 3


def test_one_message_is_one_dead_letter_however_many_items_are_bad(loaded, tmp_path):
    async def story():
        async with running(_sink(loaded), tmp_path) as gateway, terminal(gateway) as one:
            assert (await one._ask(0x0704, encode_batch([b""] * 500))).result != 0
            assert (await one._ask(0x0704, encode_batch([b"", encode(_at(0)), b"", b"x"]))).result == 0

    play(story())
    kept = [json.loads(line) for line in (tmp_path / "dead.jsonl").read_text().splitlines()]
    assert len(kept) == 2
    assert len(_all(loaded, "SELECT 1 FROM fix")) == 1


def test_the_widest_values_of_the_wire_are_stored(loaded, tmp_path):
    widest = bytes.fromhex("fffffffffffffff3ffffffffffffffffffffffffffff")
    extras = b"".join(bytes([n, 0xFF]) + bytes(range(1, 256)) for n in (0x01, 0xE0)) + b"\x31\x01\x00\x99"

    async def story():
        async with running(_sink(loaded), tmp_path) as gateway, terminal(gateway) as one:
            body = widest + encode(_at(0))[22:28] + extras
            assert (await one._ask(0x0200, body)).result == 0

    play(story())
    assert len(_all(loaded, "SELECT 1 FROM fix")) == 1
