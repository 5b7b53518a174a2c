"""An outline misses no track that comes near, and what is read of a block alone is what stands in it."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.passing import Place, box_around, passes
from parking.packed import block, outline, ways
from parking.packed.block import Damaged, Leads, Path
from parking.packed.columns import NO_EXTRAS, SECOND, KeptColumns, objects
from parking.packed.numbers import Part, Reader, Writer
from tests.packed.test_block import ANY, drive

BEGIN = 1_772_409_600 * SECOND
#: Seconds between fixes: as usual, and longer than any leg that is joined.
GAPS = np.array([1, 30, 30, 30, 600, 4000])
MARKS = np.array([None, None, None, "late", "teleport", "unbound"], object)


def wander(seed, tracks, fixes, begin=BEGIN):
    """Rows of vehicles that wander about a degree, and for each the fix before its first (0: none)."""
    luck = np.random.default_rng(seed)
    count = tracks * fixes
    step = luck.choice([0.0, 0.004, 0.02, 0.02]) * luck.normal(0, 1, (2, tracks, fixes))
    lon, lat = (
        np.round(at + luck.uniform(-0.1, 0.1, (tracks, 1)) + moved.cumsum(axis=1), 6).ravel()
        for at, moved in zip((110.95, 35.65), step, strict=True)
    )
    time = begin + luck.choice(GAPS, (tracks, fixes)).cumsum(axis=1).ravel() * SECOND
    number, zero = np.repeat(np.arange(1, tracks + 1), fixes), np.zeros(count, np.int64)
    rows = KeptColumns(
        time=time, received=time, terminal=number, vehicle=number, serial=zero, item=zero, lon=lon, lat=lat,
        speed=np.zeros(count), heading=zero, altitude=zero, located=np.ones(count, bool),
        backfill=np.zeros(count, bool), alarm=zero, status=zero, nulls=np.full(count, NO_EXTRAS),
        mark=luck.choice(MARKS, count), extras=objects([None] * count),
    ).by_vehicle()  # fmt: skip
    starts = rows.tracks()
    before = luck.choice([0, 1], len(starts)) * (rows.time[starts] - 40 * SECOND)
    near = [luck.normal(0, 0.003, len(starts)) + column[starts] for column in (rows.lon, rows.lat)]
    return rows, Leads(before, *near)


def of_track(path: Path, number: int) -> Path:
    """One track of a path."""
    end = np.append(path.starts, len(path.time))[number + 1]
    rows = slice(path.starts[number], end)
    columns = {f.name: getattr(path, f.name)[rows] for f in fields(Path) if f.name not in ("starts", "leads")}
    lead = Leads(*(getattr(path.leads, f.name)[number : number + 1] for f in fields(Leads)))
    return Path(starts=np.zeros(1, np.int64), leads=lead, **columns)


def question(data, path):
    """A place on a leg and a time while it was driven, give or take; or any."""
    legs = ways.ways(path).legs
    radius = data.draw(st.sampled_from([1.0, 100.0, 500.0, 5000.0]))
    if not len(legs) or data.draw(st.integers(0, 4)) == 0:
        place = Place(data.draw(st.floats(110.8, 111.1)), data.draw(st.floats(35.5, 35.8)), radius)
        since = BEGIN + data.draw(st.integers(0, 9000)) * SECOND
    else:
        leg = legs.take(data.draw(st.integers(0, len(legs) - 1)))
        share = data.draw(st.floats(0, 1))
        lon, lat = leg.lon0 + share * (leg.lon1 - leg.lon0), leg.lat0 + share * (leg.lat1 - leg.lat0)
        aside = data.draw(st.floats(-1, 1)) * radius / 200_000
        place = Place(float(lon + aside), float(lat - aside), radius)
        since = int(leg.t0 + share * (leg.t1 - leg.t0))
    since -= data.draw(st.sampled_from([0, 0, 1, 100_000_000]))
    return place, since, since + data.draw(st.sampled_from([0, 1, 60, 3600])) * SECOND


@settings(max_examples=500)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 40), st.integers(1, 70), st.data())
def test_no_track_that_comes_near_is_missed(seed, tracks, fixes, legs, data):
    rows, leads = wander(seed, tracks, fixes)
    packed = block.pack(rows, leads).path
    path = block.read_path(packed)
    place, since, until = question(data, path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outline, "LEGS", legs)
        patch.setattr(outline, "FEWEST", 1)
        wanted = outline.near(outline.made(packed), packed, box_around(place), since, until)
    near = {
        n
        for n in range(len(path.starts))
        if passes(ways.ways(of_track(path, n)).legs, place, since, until).near.any()
    }
    assert wanted is not None and near <= set(wanted.tolist())


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(2, 9), st.integers(1, 90), st.data())
def test_tracks_read_alone_are_what_stands_in_the_block(seed, tracks, fixes, data):
    rows, leads = wander(seed, tracks, fixes)
    rows.lon[data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=5))] += 1e-9  # off the grid
    packed = block.pack(rows, leads).path
    whole = block.read_path(packed)
    wanted = sorted(data.draw(st.sets(st.integers(0, tracks - 1), min_size=1)))
    alone = block.read_path(packed, np.array(wanted))
    again = ways.joined([of_track(whole, n) for n in wanted])
    assert len(alone.starts) == len(wanted)
    for name in ("starts", "vehicle", "has_vehicle", "terminal", "time", "lon", "lat", "placed"):
        assert np.array_equal(getattr(alone, name), getattr(again, name)), name
    for f in fields(Leads):
        assert np.array_equal(getattr(alone.leads, f.name), getattr(again.leads, f.name))


@settings(max_examples=80)
@given(st.lists(ANY, min_size=1, max_size=300), st.data())
def test_any_part_of_any_whole_numbers_comes_back(values, data):
    starts = sorted({0, *data.draw(st.lists(st.integers(0, len(values) - 1), max_size=5))})
    lengths = np.diff(starts, append=len(values))
    tracks = np.array(sorted(data.draw(st.sets(st.integers(0, len(starts) - 1), min_size=1))))
    out = Writer()
    out.ints(np.array(values, np.int64), np.array(starts, np.int64))
    part = Part.of(lengths, tracks)
    wanted = [v for n in tracks for v in values[starts[n] : starts[n] + lengths[n]]]
    source = Reader(bytes(out.data))
    assert source.ints(len(values), np.array(starts), part).tolist() == wanted
    assert source.at == len(out.data)


def test_an_outline_takes_a_small_part_of_a_block():
    rows = drive(6, 500)
    packed = block.pack(rows)
    assert len(outline.made(packed.path)) < packed.size / 20


def test_short_tracks_have_none_and_are_opened_whole():
    rows, leads = wander(1, 9, 3)
    packed = block.pack(rows, leads).path
    assert outline.made(packed) == b""
    assert outline.near(b"", packed, box_around(Place(0, 0, 1)), 0, 0) is None


def test_a_block_that_places_nobody_is_never_opened():
    rows, leads = wander(1, 2, 50)
    rows.mark[:] = "teleport"
    packed = block.pack(rows, leads).path
    found = outline.near(outline.made(packed), packed, box_around(Place(110.95, 35.65, 50_000)), 0, 2**62)
    assert found is not None and len(found) == 0


def test_a_changed_outline_or_that_of_another_block_is_refused():
    one, other = (block.pack(drive(2, 100, seed=seed)).path for seed in (1, 2))
    box, whole = box_around(Place(110.95, 35.65, 500)), outline.made(one)
    outline.near(whole, one, box, 0, 2**62)
    with pytest.raises(Damaged, match="another block"):
        outline.near(whole, other, box, 0, 2**62)
    for at in range(len(whole)):
        hurt = bytearray(whole)
        hurt[at] ^= 0x41
        with pytest.raises(Damaged):
            outline.near(bytes(hurt), one, box, 0, 2**62)
    for cut in range(1, len(whole)):
        with pytest.raises(Damaged):
            outline.near(whole[:cut], one, box, 0, 2**62)
