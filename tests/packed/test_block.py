"""What is packed comes back, whatever it was; what was damaged is refused."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parking.packed import block, grouping
from parking.packed.block import Damaged, Leads
from parking.packed.columns import KeptColumns, micros, same
from parking.packed.numbers import Reader, Writer
from parking.vocabulary import Mark

START = datetime(2026, 3, 2, tzinfo=UTC)
INT64 = st.integers(-(2**63), 2**63 - 1)
ANY = st.one_of(st.integers(-5, 5), INT64)
DEGREES = st.one_of(
    st.integers(-180_000_000, 180_000_000).map(lambda n: n / 1e6),
    st.floats(allow_nan=True, allow_infinity=True),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | INT64
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
EXTRAS = st.none() | st.dictionaries(
    st.sampled_from(["mileage_km", "satellites", "0xE1", "name#2", ""]),
    st.one_of(st.integers(0, 9), st.integers(0, 99).map(lambda n: n / 10), JSON),
    max_size=4,
)
ROW = st.tuples(
    st.datetimes(timezones=st.just(UTC)),
    st.integers(0, 10**6).map(lambda s: START + timedelta(seconds=s)),
    st.integers(1, 3) | INT64,
    st.none() | st.integers(1, 2) | INT64,
    st.integers(0, 65535) | st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 3) | st.integers(-(2**15), 2**15 - 1),
    DEGREES,
    DEGREES,
    st.none() | st.integers(0, 2200).map(lambda n: n / 10) | st.floats(),
    st.none() | st.integers(0, 359) | st.integers(-(2**15), 2**15 - 1),
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.booleans(),
    st.booleans(),
    INT64,
    INT64,
    st.none() | st.sampled_from([str(m) for m in Mark]) | st.text(max_size=24),
    EXTRAS,
)


@settings(max_examples=60)
@given(st.lists(ROW, min_size=1, max_size=40))
def test_whatever_was_packed_comes_back(rows):
    given_rows = KeptColumns.of(rows).once()
    packed = block.pack(given_rows)
    assert same(block.unpack(packed.path, packed.rest), block.whole_seconds(given_rows))


@settings(max_examples=80)
@given(st.lists(ANY, min_size=1, max_size=300), st.data())
def test_any_whole_numbers_come_back(values, data):
    starts = sorted({0, *data.draw(st.lists(st.integers(0, len(values) - 1), max_size=5))})
    column, begins = np.array(values, np.int64), np.array(starts, np.int64)
    out = Writer()
    out.ints(column, begins)
    assert Reader(bytes(out.data)).ints(len(values), begins).tolist() == values


def drive(vehicles=3, fixes=500, every_s=30, seed=1):
    """Rows as a terminal sends them: a wandering truck, speed, heading, mileage."""
    luck = np.random.default_rng(seed)
    rows = []
    for vehicle in range(1, vehicles + 1):
        lon, lat, km, heading = 110.9 + vehicle / 100, 35.6, 1000.0, 90
        for n in range(fixes):
            heading = int(heading + luck.integers(-20, 21)) % 360
            kmh = float(luck.integers(300, 500)) / 10
            step = kmh / 3.6 * every_s / 111_000
            lon, lat = (
                lon + step * math.sin(math.radians(heading)),
                lat + step * math.cos(math.radians(heading)),
            )
            km += kmh * every_s / 3600
            at = START + timedelta(seconds=every_s * n)
            extras = {"mileage_km": round(km, 1), "satellites": int(luck.integers(7, 12))}
            rows.append((at, at + timedelta(seconds=1), vehicle, vehicle, n % 65536, 0, round(lon, 6),
                         round(lat, 6), kmh, heading, 400, True, False, 0, 3, None, extras))  # fmt: skip
    return KeptColumns.of(rows).once()


def test_a_whole_fix_with_speed_heading_and_items_takes_less_than_8_bytes():
    rows = drive()
    assert block.pack(rows).size / len(rows) < 8


def test_a_changed_byte_anywhere_is_noticed():
    rows = drive(1, 50)
    packed = block.pack(rows)
    for part, other in ((packed.path, packed.rest), (packed.rest, packed.path)):
        for at in range(0, len(part), 7):
            hurt = bytearray(part)
            hurt[at] ^= 0x41
            pair = (bytes(hurt), other) if part is packed.path else (other, bytes(hurt))
            with pytest.raises(Damaged):
                block.unpack(*pair)


@pytest.mark.parametrize("cut", [0, 5, 12, 60])
def test_a_cut_block_is_refused(cut):
    packed = block.pack(drive(1, 50))
    with pytest.raises(Damaged):
        block.read_path(packed.path[:cut])


def test_a_block_of_a_later_version_is_refused_by_its_number():
    packed = block.pack(drive(1, 5))
    newer = packed.path[:2] + b"\x09" + packed.path[3:]
    with pytest.raises(Damaged, match="version 9"):
        block.read_path(newer)


def test_where_a_track_came_from_is_kept_with_it():
    rows = drive(2, 10)
    leads = Leads(np.array([micros(START) - 60_000_000, 0]), np.array([110.9, 0.0]), np.array([35.6, 0.0]))
    kept = block.read_path(block.pack(rows, leads).path).leads
    assert (kept.time.tolist(), kept.lon[0], kept.lat[0]) == (leads.time.tolist(), 110.9, 35.6)


def test_a_fix_sent_again_counts_once_and_the_first_one_given_stays():
    rows = drive(1, 5)
    again = replace(rows, received=rows.received + 9_000_000)
    assert same(KeptColumns.joined([rows, again]).once(), rows)


def test_another_fix_under_the_same_key_is_no_repeat():
    rows = drive(1, 5)
    other = replace(rows, lon=rows.lon + 1)
    both = KeptColumns.joined([rows, other, other, rows]).once()
    assert sorted(both.item.tolist()) == [0] * 5 + [1] * 5
    assert set(both.lon.tolist()) == {*rows.lon.tolist(), *other.lon.tolist()}


def test_long_tracks_are_cut_and_every_piece_knows_where_it_comes_from(monkeypatch):
    monkeypatch.setattr(grouping, "BLOCK", 100)
    rows = drive(5, 250)
    found = list(grouping.pieces(rows, {}))
    assert same(KeptColumns.joined([p for p, _ in found]).once(), rows)
    assert max(len(p) for p, _ in found) <= 100
    for piece, leads in found:
        (begin,) = piece.time[piece.tracks()] if len(piece.tracks()) == 1 else [None]
        if begin is not None and begin > micros(START):
            assert leads.time[0] == begin - 30_000_000
