"""The rules held to truth on made tracks: who followed the route is not accused, who did not is found.

Noise is as receivers make it: each fix errs like the one before, by some metres, now and then by twenty.
``tests/bench/truth.py`` does the same with real tracks.
"""

import math
import random

import numpy as np
import pytest
from shapely import LineString

from geo.datum import LocalFrame
from tests.bench.injecting import Drive, detour, found, ground, zones
from tests.land import START

FRAME = LocalFrame("+proj=aeqd +lat_0=35.68 +lon_0=110.92 +units=m")


def route(luck):
    """Five kilometres of straights and bends that never come near themselves."""
    spots, heading = [(0.0, 0.0)], 0.0
    for _ in range(10):
        heading = max(-1.2, min(1.2, heading + luck.uniform(-1.3, 1.3)))
        x, y = spots[-1]
        spots.append((x + 500 * math.cos(heading), y + 500 * math.sin(heading)))
    return LineString(spots)


def noise(count, luck, metres=4.0, memory=0.97):
    """(count, 2): correlated errors, with a slow excursion every few minutes."""
    told, error = np.zeros((count, 2)), np.zeros(2)
    for i in range(count):
        fresh = np.array([luck.gauss(0, metres), luck.gauss(0, metres)])
        error = memory * error + math.sqrt(1 - memory**2) * fresh
        canyon = 14 * max(0.0, math.sin(2 * math.pi * i / 240)) ** 8
        told[i] = error + canyon * np.array([0.6, 0.8])
    return told


def driven(seed):
    luck = random.Random(seed)
    line, along, at = route(luck), [], 0.0
    while at < line.length:
        along.append(at)
        at += 10 + 4 * math.sin(len(along) / 40)
    true = np.array([line.interpolate(s).coords[0] for s in along])
    seconds = np.arange(len(along), dtype=float)
    return Drive("R", seconds, true + noise(len(along), luck), line, FRAME, START)


@pytest.fixture(scope="module")
def drives():
    return [driven(seed) for seed in (1, 2)]


@pytest.mark.parametrize("every", [1, 10, 30, 60])
def test_the_innocent_are_not_accused(drives, every):
    for drive in drives:
        thin = drive.thinned(every)
        assert [f for f in found(ground(thin), thin) if f.offence] == []


def test_every_detour_is_found_where_it_was(drives):
    luck = random.Random(5)
    put_in = [
        d
        for drive in drives
        for off, long in ((160.0, 400.0), (300.0, 900.0))
        if (d := next((d for _ in range(60) if (d := detour(drive, off, long, luck))), None))
    ]
    assert len(put_in) == 4
    for one in put_in:
        (told,) = [f for f in found(ground(one.drive), one.drive) if f.offence]
        x, y = one.drive.frame.metres([told.lon, told.facts["end_lon"]], [told.lat, told.facts["end_lat"]])
        assert math.dist((x[0], y[0]), one.left[1:]) < 50
        assert math.dist((x[1], y[1]), one.back[1:]) < 50
        assert told.facts["largest_offset_m"] > one.off_m - 40


def test_crossings_of_zones_are_found_and_none_is_certain_that_never_was(drives):
    luck = random.Random(9)
    on, seen = 0, 0
    for drive in drives:
        for radius in (30.0, 50.0, 100.0):
            placed = zones(drive, radius, 8, luck)
            for every in (10, 30):
                thin = drive.thinned(every)
                told = {(f.subject, f.certainty.value) for f in found(ground(thin, placed), thin)}
                assert {z.code for z in placed if not z.crossed and (z.code, "certain") in told} == set()
                if (every, radius) == (30, 50.0):
                    codes = {code for code, _ in told}
                    on += sum(z.crossed for z in placed)
                    seen += sum(z.crossed and z.code in codes for z in placed)
    assert on >= 10
    assert seen >= 0.93 * on
